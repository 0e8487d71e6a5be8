import type { Provider } from '../provider.ts';

export const xendit = {
  title: 'Xendit',
  settings: {
    section: 'xendit',
    members: {
      secretKey: { kind: 'secret', env: 'XENDIT_SECRET_KEY', maxLength: 255 },
      webhookToken: { kind: 'secret', env: 'XENDIT_WEBHOOK_TOKEN', maxLength: 255 },
    },
  },
  payments: { customerIds: true },
} as const satisfies Provider;
