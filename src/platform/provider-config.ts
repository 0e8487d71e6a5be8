import { z } from 'zod';
import { isOrigin } from './origin.ts';

const text = (max: number) => z.string().max(max, `must have at most ${max} characters`).optional();
const address = (own: string) =>
  z.string().refine(isOrigin, 'must be an http(s) origin such as https://api.example.com').default(own);

/** Variables of the services outside; each is the fallback of a provider setting (contract 2.24). */
export const providerVariables = {
  STRIPE_SECRET_KEY: text(255),
  STRIPE_WEBHOOK_SECRET: text(255),
  XENDIT_SECRET_KEY: text(255),
  XENDIT_WEBHOOK_TOKEN: text(255),
  LEMONSQUEEZY_API_KEY: text(2000),
  LEMONSQUEEZY_STORE_ID: text(50),
  LEMONSQUEEZY_VARIANT_ID: text(50),
  LEMONSQUEEZY_WEBHOOK_SECRET: text(255),
  TAXJAR_API_KEY: text(255),
  STRIPE_API_URL: address('https://api.stripe.com'),
  TAXJAR_API_URL: address('https://api.taxjar.com'),
};

const TIMEOUT_MS = 5_000;

const schema = z.object(providerVariables);
type Variables = z.infer<typeof schema>;

/** Where the providers are, and what the environment says about the members of their settings, by `section.member`. */
export interface ProviderConfig {
  stripeUrl: string;
  taxjarUrl: string;
  /** How long one call of a provider may take. */
  timeoutMs: number;
  members: Readonly<Record<string, string | undefined>>;
}

export const readProviders = (v: Variables): ProviderConfig => ({
  stripeUrl: v.STRIPE_API_URL,
  taxjarUrl: v.TAXJAR_API_URL,
  timeoutMs: TIMEOUT_MS,
  members: {
    'stripe.secretKey': v.STRIPE_SECRET_KEY,
    'stripe.webhookSecret': v.STRIPE_WEBHOOK_SECRET,
    'xendit.secretKey': v.XENDIT_SECRET_KEY,
    'xendit.webhookToken': v.XENDIT_WEBHOOK_TOKEN,
    'lemonsqueezy.apiKey': v.LEMONSQUEEZY_API_KEY,
    'lemonsqueezy.storeId': v.LEMONSQUEEZY_STORE_ID,
    'lemonsqueezy.variantId': v.LEMONSQUEEZY_VARIANT_ID,
    'lemonsqueezy.webhookSecret': v.LEMONSQUEEZY_WEBHOOK_SECRET,
    'tax.taxjarApiKey': v.TAXJAR_API_KEY,
  },
});

/** Secrets travel to these addresses: in production only over TLS. */
export const insecureAddresses = (env: Record<string, string | undefined>): string[] =>
  ['STRIPE_API_URL', 'TAXJAR_API_URL'].filter((name) => env[name]?.startsWith('http:'));
