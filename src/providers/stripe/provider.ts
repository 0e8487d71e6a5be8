import type { Provider } from '../provider.ts';
import { tax } from './tax.ts';

export const stripe = {
  title: 'Stripe',
  settings: {
    section: 'stripe',
    members: {
      secretKey: { kind: 'secret', env: 'STRIPE_SECRET_KEY', maxLength: 255 },
      webhookSecret: { kind: 'secret', env: 'STRIPE_WEBHOOK_SECRET', maxLength: 255 },
    },
  },
  origin: { env: 'STRIPE_API_URL', own: 'https://api.stripe.com' },
  payments: { customerIds: true },
  tax,
} as const satisfies Provider;
