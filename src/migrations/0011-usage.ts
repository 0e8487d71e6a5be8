import { dropTables, fixed, type Migration, refuse } from './migration.ts';

/** A value is value_whole + value_frac · 10⁻¹², both of one sign, so that SQL sums exactly on both databases. */
export const usage: Migration = {
  name: '0011-usage',
  up: [
    `CREATE TABLE usage_events (
      id {id} PRIMARY KEY,
      subscription_id {id} NOT NULL REFERENCES subscriptions (id),
      metric {text} NOT NULL,
      timestamp {ts} NOT NULL,
      value_whole {int64} NOT NULL CHECK (value_whole BETWEEN -999999999999999999 AND 999999999999999999),
      value_frac {big} NOT NULL CHECK (value_frac BETWEEN -999999999999 AND 999999999999),
      unique_value {text},
      idempotency_key {text} CHECK (length(idempotency_key) BETWEEN 1 AND 255),
      payload_hash {text} NOT NULL,
      properties {json} NOT NULL,
      voided_at {ts},
      created_at {ts} NOT NULL,
      CHECK (value_whole = 0 OR value_frac = 0 OR (value_whole > 0) = (value_frac > 0))
    ) {strict}`,
    `CREATE UNIQUE INDEX usage_events_key ON usage_events (subscription_id, idempotency_key)
      WHERE idempotency_key IS NOT NULL`,
    `CREATE INDEX usage_events_counted ON usage_events (subscription_id, metric, timestamp)
      WHERE voided_at IS NULL`,
    'CREATE INDEX usage_events_subscription ON usage_events (subscription_id, id)',
    fixed(
      'usage_events',
      'fixed',
      [
        ...['id', 'subscription_id', 'metric', 'timestamp', 'value_whole', 'value_frac', 'unique_value'],
        ...['idempotency_key', 'payload_hash', 'properties', 'created_at'],
      ],
      'a usage event is voided, never changed',
    ),
    refuse('usage_events', 'UPDATE', 'final', 'a voided usage event is final', 'OLD.voided_at IS NOT NULL'),
    refuse('usage_events', 'DELETE', 'no_delete', 'a usage event is voided, never deleted'),
    `UPDATE billing_periods SET billed_quantity = '0', billed_amount = 0, billed_net = 0
      WHERE kind = 'usage' AND state IN ('invoiced', 'skipped')`,
  ],
  down: dropTables('usage_events'),
};
