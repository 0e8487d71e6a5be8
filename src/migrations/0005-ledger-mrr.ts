import { appendOnly, dropTables, type Migration } from './migration.ts';

export const ledgerAndMrr: Migration = {
  name: '0005-ledger-mrr',
  up: [
    `CREATE TABLE journal_entries (
      id {id} PRIMARY KEY,
      fact_type {text} NOT NULL,
      fact_id {id} NOT NULL,
      posted_at {ts} NOT NULL,
      currency {text} NOT NULL CHECK (length(currency) = 3),
      customer_id {id},
      invoice_id {id} REFERENCES invoices (id),
      created_at {ts} NOT NULL,
      UNIQUE (fact_type, fact_id)
    ) {strict}`,
    'CREATE INDEX journal_entries_posted ON journal_entries (posted_at)',
    'CREATE INDEX journal_entries_invoice ON journal_entries (invoice_id) WHERE invoice_id IS NOT NULL',
    ...appendOnly('journal_entries'),
    `CREATE TABLE journal_lines (
      entry_id {id} NOT NULL REFERENCES journal_entries (id),
      line_no {int} NOT NULL CHECK (line_no >= 1),
      account {text} NOT NULL CHECK (account IN ('receivable', 'cash:stripe', 'cash:xendit', 'cash:lemonsqueezy',
        'cash:manual', 'customer_credit', 'tax_payable', 'revenue', 'discounts', 'refunds', 'write_off')),
      amount {money} NOT NULL CHECK (amount <> 0),
      product_id {id} REFERENCES products (id),
      PRIMARY KEY (entry_id, line_no)
    ) {compact}`,
    'CREATE INDEX journal_lines_product ON journal_lines (product_id, account) WHERE product_id IS NOT NULL',
    ...appendOnly('journal_lines'),
    `CREATE TABLE customer_mrr (
      customer_id {id} NOT NULL REFERENCES customers (id),
      currency {text} NOT NULL CHECK (length(currency) = 3),
      mrr {money} NOT NULL CHECK (mrr >= 0),
      PRIMARY KEY (customer_id, currency)
    ) {compact}`,
    `CREATE TABLE mrr_movements (
      id {id} PRIMARY KEY,
      subscription_id {id} NOT NULL REFERENCES subscriptions (id),
      customer_id {id} NOT NULL REFERENCES customers (id),
      product_id {id} NOT NULL REFERENCES products (id),
      currency {text} NOT NULL CHECK (length(currency) = 3),
      at {ts} NOT NULL,
      kind {text} NOT NULL CHECK (kind IN ('new', 'reactivation', 'expansion', 'contraction', 'churn')),
      delta {money} NOT NULL CHECK (delta <> 0),
      subscription_mrr {money} NOT NULL CHECK (subscription_mrr >= 0),
      customer_mrr {money} NOT NULL CHECK (customer_mrr >= 0),
      cause {text} NOT NULL,
      created_at {ts} NOT NULL
    ) {strict}`,
    'CREATE INDEX mrr_movements_series ON mrr_movements (currency, at)',
    'CREATE INDEX mrr_movements_customer ON mrr_movements (customer_id, currency, at)',
    'CREATE INDEX mrr_movements_subscription ON mrr_movements (subscription_id, at)',
    'CREATE INDEX mrr_movements_product ON mrr_movements (product_id, at)',
    ...appendOnly('mrr_movements'),
  ],
  down: dropTables('mrr_movements', 'customer_mrr', 'journal_lines', 'journal_entries'),
};
