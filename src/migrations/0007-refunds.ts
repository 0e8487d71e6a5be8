import { dropTables, fixed, type Migration, refuse } from './migration.ts';

export const refunds: Migration = {
  name: '0007-refunds',
  up: [
    `CREATE TABLE refunds (
      id {id} PRIMARY KEY,
      payment_id {id} NOT NULL REFERENCES payments (id),
      invoice_id {id} NOT NULL REFERENCES invoices (id),
      customer_id {id} NOT NULL REFERENCES customers (id),
      amount {money} NOT NULL CHECK (amount > 0),
      applied_part {money} NOT NULL CHECK (applied_part >= 0),
      excess_part {money} NOT NULL CHECK (excess_part >= 0),
      tax_amount {money} NOT NULL CHECK (tax_amount BETWEEN 0 AND applied_part),
      currency {text} NOT NULL CHECK (length(currency) = 3),
      destination {text} NOT NULL CHECK (destination IN ('original', 'credit')),
      status {text} NOT NULL CHECK (status IN ('pending', 'completed', 'failed')),
      reason {text} NOT NULL,
      provider_reference {text},
      failure_reason {text},
      processed_at {ts},
      created_at {ts} NOT NULL,
      updated_at {ts} NOT NULL,
      CHECK (applied_part + excess_part = amount),
      CHECK (destination = 'original' OR (excess_part = 0 AND status = 'completed')),
      CHECK ((status = 'pending') = (processed_at IS NULL)),
      CHECK (status = 'failed' OR failure_reason IS NULL)
    ) {strict}`,
    'CREATE INDEX refunds_payment ON refunds (payment_id)',
    'CREATE INDEX refunds_invoice ON refunds (invoice_id)',
    'CREATE INDEX refunds_customer ON refunds (customer_id, id)',
    `CREATE UNIQUE INDEX refunds_reference ON refunds (provider_reference)
      WHERE provider_reference IS NOT NULL`,
    refuse(
      'refunds',
      'UPDATE',
      'final',
      'a completed or failed refund is final',
      "OLD.status <> 'pending' AND NEW.status <> OLD.status",
    ),
    fixed(
      'refunds',
      'amounts',
      [
        ...['id', 'payment_id', 'invoice_id', 'customer_id', 'destination', 'currency'],
        ...['amount', 'applied_part', 'excess_part', 'tax_amount'],
      ],
      'a refund keeps its payment and its amounts',
    ),
    refuse('refunds', 'DELETE', 'no_delete', 'refunds are never deleted'),
  ],
  down: dropTables('refunds'),
};
