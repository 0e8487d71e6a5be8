import type { Retention } from '../../platform/jobs/retention.ts';

/** A rate that is no longer valid is asked again; what it taxed holds a copy. */
export const taxRetentions: readonly Retention[] = [
  {
    name: 'taxQuotes',
    table: 'tax_quotes',
    key: ['country', 'region', 'product_category', 'provider'],
    since: 'valid_until',
    days: () => 0,
  },
];
