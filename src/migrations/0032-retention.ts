import type { Migration } from './migration.ts';

/** Finds the oldest rows of what is not kept for ever. */
export const retention: Migration = {
  name: '0032-retention',
  up: [
    `CREATE INDEX emails_sent ON emails (sent_at) WHERE state = 'sent'`,
    'CREATE INDEX tax_quotes_age ON tax_quotes (valid_until)',
    'CREATE INDEX parked_items_resolved ON parked_items (resolved_at) WHERE resolved_at IS NOT NULL',
  ],
  down: ['DROP INDEX parked_items_resolved', 'DROP INDEX tax_quotes_age', 'DROP INDEX emails_sent'],
};
