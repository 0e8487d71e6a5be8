/**
 * Settings that are kept and that nothing reads yet: who sets one is told so in the answer (contract 3.9). What comes to
 * work leaves its list; test/settings/without-effect.test.ts compares them with the code.
 */
export const BILLING_WITHOUT_EFFECT: readonly string[] = ['dunning'];

/** Stripe's `secretKey` is used: by the external tax provider. */
export const PROVIDERS_WITHOUT_EFFECT: readonly string[] = [
  'stripe.enabled',
  'stripe.webhookSecret',
  'xendit.enabled',
  'xendit.secretKey',
  'xendit.webhookToken',
  'lemonsqueezy.enabled',
  'lemonsqueezy.apiKey',
  'lemonsqueezy.storeId',
  'lemonsqueezy.variantId',
  'lemonsqueezy.webhookSecret',
];
