import { fixed, type Migration } from './migration.ts';

/**
 * Whose word a pause, an end and a usage event are, and which customers had a trial of which product. Of what is there
 * already nobody knows: it counts as the operator's.
 */
export const authority: Migration = {
  name: '0021-authority',
  up: [
    "ALTER TABLE subscriptions ADD COLUMN paused_by {text} CHECK (paused_by IN ('operator', 'customer'))",
    "ALTER TABLE subscriptions ADD COLUMN ending_by {text} CHECK (ending_by IN ('operator', 'customer'))",
    `CREATE TABLE trials (
      customer_id {id} NOT NULL REFERENCES customers (id),
      product_id {id} NOT NULL REFERENCES products (id),
      started_at {ts} NOT NULL,
      PRIMARY KEY (customer_id, product_id)
    ) {compact}`,
    'CREATE INDEX trials_product ON trials (product_id)',
    `INSERT INTO trials (customer_id, product_id, started_at)
      SELECT s.customer_id, p.product_id, min(s.created_at) FROM subscriptions s JOIN plans p ON p.id = s.plan_id
      WHERE s.trial_end IS NOT NULL GROUP BY s.customer_id, p.product_id`,
    `ALTER TABLE usage_events ADD COLUMN reported_by {text} NOT NULL DEFAULT 'operator'
      CHECK (reported_by IN ('operator', 'customer'))`,
    'DROP INDEX usage_events_key',
    `CREATE UNIQUE INDEX usage_events_key ON usage_events (subscription_id, reported_by, idempotency_key)
      WHERE idempotency_key IS NOT NULL`,
    fixed('usage_events', 'reporter', ['reported_by'], 'who reported a usage event never changes'),
  ],
  // the older index refuses keys that both have used
  down: [
    { sqlite: 'DROP TRIGGER usage_events_reporter', postgres: 'DROP TRIGGER usage_events_reporter ON usage_events' },
    'DROP INDEX usage_events_key',
    `CREATE UNIQUE INDEX usage_events_key ON usage_events (subscription_id, idempotency_key)
      WHERE idempotency_key IS NOT NULL`,
    'ALTER TABLE usage_events DROP COLUMN reported_by',
    'DROP TABLE trials',
    'ALTER TABLE subscriptions DROP COLUMN ending_by',
    'ALTER TABLE subscriptions DROP COLUMN paused_by',
  ],
};
