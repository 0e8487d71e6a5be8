import { all, type Columns, derived, KEY } from './held.ts';

export const money: Record<string, Columns> = {
  credit_balances: {
    ...all(KEY, 'customer_id'),
    currency: derived('INV9 INV2', `'EUR'`),
    balance: derived('INV9 INV2'),
    last_seq: derived('INV9'),
  },
  credit_entries: {
    ...all('fixed', 'id description'),
    customer_id: derived('INV9 INV26', `'x'`),
    currency: derived('INV9 INV2 INV26', `'EUR'`),
    seq: derived('INV9'),
    amount: derived('INV9 INV2 INV26'),
    balance_after: derived('INV9 INV26'),
    reason: derived('INV3 INV2 INV26', `'proration'`, `reason = 'manual'`),
    invoice_id: derived('INV5 INV3 INV25 INV26', `'x'`, `reason = 'invoice_application'`),
    payment_id: derived('INV9', `'x'`, `reason = 'overpayment'`),
    credit_note_id: derived('INV9', `'x'`),
    refund_id: derived('INV9', `'x'`),
    created_at: derived('INV26 INV27', undefined, 'amount > 0'),
  },
  journal_entries: {
    ...all('fixed', 'id'),
    fact_type: derived('INV3 INV25', `'refund.released'`),
    fact_id: derived('INV3 INV25', `'x'`),
    posted_at: derived('INV3 INV27'),
    currency: derived('INV2 INV3', `'EUR'`),
    customer_id: derived('INV3', `'x'`),
    invoice_id: derived('INV3', `'x'`),
    created_at: derived('INV27'),
  },
  journal_lines: {
    ...all('fixed', 'line_no'),
    entry_id: derived('INV1 INV2 INV3', `'x'`),
    account: derived('INV2 INV3', `'refunds'`),
    amount: derived('INV1 INV2 INV3'),
    product_id: derived(
      'INV25',
      `'x'`,
      `account = 'revenue' and product_id is not null and entry_id in
      (select id from journal_entries where fact_type = 'invoice.issued')`,
    ),
  },
};
