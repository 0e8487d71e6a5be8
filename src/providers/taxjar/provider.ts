import type { Provider } from '../provider.ts';
import { tax } from './tax.ts';

export const taxjar = {
  title: 'TaxJar',
  settings: {
    section: 'tax',
    members: { taxjarApiKey: { kind: 'secret', env: 'TAXJAR_API_KEY', maxLength: 255 } },
  },
  origin: { env: 'TAXJAR_API_URL', own: 'https://api.taxjar.com' },
  tax,
} as const satisfies Provider;
