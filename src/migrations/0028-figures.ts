import type { Migration } from './migration.ts';

/** Figures of a product or customer start from its own rows, never from what everybody did lately. */
export const figures: Migration = {
  name: '0028-figures',
  up: [
    'DROP INDEX license_activations_seen',
    'CREATE INDEX license_activations_of ON license_activations (license_id, last_seen_at)',
    'DROP INDEX journal_lines_product',
    `CREATE INDEX journal_lines_product ON journal_lines (product_id, account, entry_id)
      WHERE product_id IS NOT NULL`,
    'DROP INDEX usage_events_counted',
    `CREATE INDEX usage_events_counted ON usage_events (subscription_id, timestamp, metric)
      WHERE voided_at IS NULL`,
  ],
  down: [
    'DROP INDEX usage_events_counted',
    `CREATE INDEX usage_events_counted ON usage_events (subscription_id, metric, timestamp)
      WHERE voided_at IS NULL`,
    'DROP INDEX journal_lines_product',
    'CREATE INDEX journal_lines_product ON journal_lines (product_id, account) WHERE product_id IS NOT NULL',
    'DROP INDEX license_activations_of',
    'CREATE INDEX license_activations_seen ON license_activations (last_seen_at)',
  ],
};
