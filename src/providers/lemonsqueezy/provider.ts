import type { Provider } from '../provider.ts';

export const lemonsqueezy = {
  title: 'Lemon Squeezy',
  settings: {
    section: 'lemonsqueezy',
    members: {
      apiKey: { kind: 'secret', env: 'LEMONSQUEEZY_API_KEY', maxLength: 2000 },
      storeId: { kind: 'plain', env: 'LEMONSQUEEZY_STORE_ID', maxLength: 50 },
      variantId: { kind: 'plain', env: 'LEMONSQUEEZY_VARIANT_ID', maxLength: 50 },
      webhookSecret: { kind: 'secret', env: 'LEMONSQUEEZY_WEBHOOK_SECRET', maxLength: 255 },
    },
  },
  payments: { customerIds: false },
} as const satisfies Provider;
