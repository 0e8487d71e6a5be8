/** One change that no rule allows, and every invariant it must break: those named and no other. */
export interface Corruption {
  name: string;
  sql: string[];
  breaks: string[];
  /** Part of the id that must be named. */
  names?: string;
}

const first = (table: string, where: string) => `(select min(id) from ${table} where ${where})`;
const DRAFT = first('invoices', `status = 'draft'`);
const PAID = first('invoices', `status = 'paid'`);
const VOID = first('invoices', `status = 'void' and issued_at is not null`);
const OPEN = first('invoices', `status in ('issued', 'overdue')`);
const entry = (fact: string) => first('journal_entries', `fact_type = '${fact}'`);
const renamed = (type: string): Corruption => ({
  name: `${type} is gone`,
  sql: [`update events set type = 'x.y' where id = ${first('events', `type = '${type}'`)}`],
  breaks: ['INV16'],
});

const ledger: Corruption[] = [
  {
    name: 'a journal line is off by one',
    sql: [
      `update journal_lines set amount = amount + 1 where account = 'receivable'
      and entry_id = ${entry('payment.succeeded')}`,
    ],
    breaks: ['INV1', 'INV2', 'INV3'],
    names: 'USD receivable 1',
  },
  {
    name: 'two lines are off and balance each other',
    sql: [
      `update journal_lines set amount = amount + 5 where account = 'receivable' and entry_id = ${entry('invoice.issued')}`,
      `update journal_lines set amount = amount - 5 where account = 'revenue' and entry_id = ${entry('invoice.issued')}`,
    ],
    breaks: ['INV2', 'INV3'],
    names: 'USD revenue -5',
  },
  {
    name: 'two entries are off and balance each other',
    sql: [
      `update journal_lines set amount = amount + 5 where account = 'receivable' and entry_id = ${entry('invoice.issued')}`,
      `update journal_lines set amount = amount - 5 where account = 'receivable'
        and entry_id = ${entry('payment.succeeded')}`,
    ],
    breaks: ['INV1', 'INV3'],
  },
  {
    name: 'an entry is gone',
    sql: [
      `delete from journal_lines where entry_id = ${entry('credit.applied')}`,
      `delete from journal_entries where id = ${entry('credit.applied')}`,
    ],
    breaks: ['INV2', 'INV3'],
  },
  {
    name: 'an entry of no fact',
    sql: [`update journal_entries set fact_type = 'refund.completed' where id = ${entry('invoice.voided')}`],
    breaks: ['INV3'],
    names: 'refund.completed',
  },
  {
    name: 'an entry names another customer',
    sql: [`update journal_entries set customer_id = 'someone' where id = ${entry('credit_note.issued')}`],
    breaks: ['INV3'],
  },
  {
    name: 'an entry is posted at another time',
    sql: [`update journal_entries set posted_at = '2027-01-01T00:00:00.000Z' where id = ${entry('credit.returned')}`],
    breaks: ['INV3'],
  },
  {
    name: 'a fact is posted twice',
    sql: [
      `insert into journal_entries select 'again', fact_type, fact_id, posted_at, currency, customer_id, invoice_id,
        created_at from journal_entries where id = ${entry('payment.succeeded')}`,
      `insert into journal_lines select 'again', line_no, account, amount, product_id from journal_lines
        where entry_id = (select min(id) from journal_entries where fact_type = 'payment.succeeded' and id <> 'again')`,
    ],
    breaks: ['INV2', 'INV3'],
  },
];

const documents: Corruption[] = [
  {
    name: 'a total is off',
    sql: [`update invoices set total = total + 1, amount_due = amount_due + 1 where id = ${DRAFT}`],
    breaks: ['INV4'],
  },
  { name: 'a line is gone', sql: [`delete from invoice_lines where invoice_id = ${DRAFT}`], breaks: ['INV4'] },
  {
    name: 'a discount without lines',
    sql: [
      `update invoices set discount_amount = 1, total = total - 1, amount_due = amount_due - 1 where id = ${DRAFT}`,
    ],
    breaks: ['INV4'],
  },
  {
    name: 'the amount due is off',
    sql: [`update invoices set amount_due = amount_due + 1 where id = ${OPEN}`],
    breaks: ['INV2', 'INV5'],
    names: 'USD receivable -1',
  },
  {
    name: 'a void invoice is due',
    sql: [`update invoices set amount_due = 5 where id = ${VOID}`],
    breaks: ['INV5'],
  },
  ...['amount_paid', 'credits_applied', 'credit_notes_amount'].map((column) => ({
    name: `${column} of nothing`,
    sql: [`update invoices set ${column} = 1, amount_due = amount_due - 1 where id = ${DRAFT}`],
    breaks: ['INV5'],
  })),
  {
    name: 'a payment settles less than the invoice says',
    sql: [
      `update payments set applied_amount = applied_amount - 1, credited_amount = credited_amount + 1
      where id = ${first('payments', 'credited_amount = 0')}`,
    ],
    breaks: ['INV3', 'INV5'],
  },
  { name: 'paid without instant', sql: [`update invoices set paid_at = null where id = ${PAID}`], breaks: ['INV6'] },
  {
    name: 'open again after it was paid',
    sql: [`update invoices set status = 'issued', paid_at = null where id = ${PAID}`],
    breaks: ['INV16', 'INV6'],
  },
  {
    name: 'paid with something due',
    sql: [
      `update invoices set status = 'paid', paid_at = issued_at where id = ${first('invoices', `status = 'issued'`)}`,
    ],
    breaks: ['INV16', 'INV2', 'INV6'],
  },
  {
    name: 'a draft with a number',
    sql: [`update invoices set invoice_number = 'X-2026-0001' where id = ${DRAFT}`],
    breaks: ['INV15', 'INV6'],
  },
  {
    name: 'a line of another price',
    sql: [`update invoice_lines set unit_price = '1.23' where invoice_id = ${DRAFT}`],
    breaks: ['INV7'],
  },
  {
    name: 'reversed without credit note',
    sql: [`update invoices set reversed_amount = 1 where id = ${DRAFT}`],
    breaks: ['INV8'],
  },
  {
    name: 'reversed tax without credit note',
    sql: [`update invoices set reversed_tax = 1 where id = ${first('invoices', 'tax_amount > 0')}`],
    breaks: ['INV8'],
  },
  {
    name: 'more tax reversed than billed',
    sql: [`update invoices set reversed_tax = tax_amount + 1 where id = ${DRAFT}`],
    breaks: ['INV8'],
  },
  {
    name: 'more refunded than paid',
    sql: [`update payments set refunded_excess = credited_amount + 1 where id = (select min(id) from payments)`],
    breaks: ['INV8'],
  },
];

const credits: Corruption[] = [
  {
    name: 'a balance is off',
    sql: ['update credit_balances set balance = balance + 1'],
    breaks: ['INV2', 'INV9'],
    names: 'USD',
  },
  {
    name: 'an entry number is left out',
    sql: ['update credit_balances set last_seq = last_seq + 1'],
    breaks: ['INV9'],
  },
  {
    name: 'the running sum is off',
    sql: [
      `update credit_entries set balance_after = balance_after + 1 where id = (select min(id) from credit_entries)`,
    ],
    breaks: ['INV9'],
  },
  { name: 'the balance is gone', sql: ['delete from credit_balances'], breaks: ['INV9'] },
];

const CURRENT = `select min(p.id) from billing_periods p join subscriptions s on s.id = p.subscription_id
  and p.period_start = s.current_period_start where p.kind = 'advance' and p.state = 'invoiced' and s.status = 'active'`;
const periods: Corruption[] = [
  {
    name: 'a period twice',
    sql: [
      `insert into billing_periods select 'again', subscription_id, kind, period_start, period_end, due_at, state, reason,
      plan_version_id, quantity, invoice_id, in_force_from, in_force_net, billed_quantity, billed_amount, billed_net,
      dirty, created_at from billing_periods where id = ${first('billing_periods', `kind = 'usage' and state = 'skipped'`)}`,
    ],
    breaks: ['INV10'],
  },
  {
    name: 'billed by a void invoice',
    sql: [`update billing_periods set invoice_id = ${VOID} where id = (${CURRENT})`],
    breaks: ['INV10'],
  },
  {
    name: 'billed and planned again',
    sql: [
      `update billing_periods set state = 'pending', invoice_id = null, in_force_net = null where id = (${CURRENT})`,
    ],
    breaks: ['INV10', 'INV11'],
  },
  {
    name: 'a gap',
    sql: [
      `update billing_periods set period_end = '2026-02-20T00:00:00.000Z'
      where id = ${first('billing_periods', `kind = 'advance' and state = 'invoiced'`)}`,
    ],
    breaks: ['INV11'],
  },
  {
    name: 'an overlap',
    sql: [
      `update billing_periods set period_end = '2026-03-03T00:00:00.000Z'
      where id = ${first('billing_periods', `kind = 'advance' and state = 'invoiced'`)}`,
    ],
    breaks: ['INV11'],
  },
  {
    name: 'unbilled time before the first period',
    sql: [`update subscriptions set created_at = '2025-12-31T00:00:00.000Z' where trial_end is null`],
    breaks: ['INV11'],
  },
  {
    name: 'no current period',
    sql: [`update billing_periods set kind = 'usage' where id = (${CURRENT})`],
    breaks: ['INV11'],
  },
  {
    name: 'forgotten for days',
    sql: [`update billing_periods set due_at = '2026-01-01T00:00:00.000Z' where state = 'pending'`],
    breaks: ['INV11'],
  },
  {
    name: 'nothing planned',
    sql: [`update subscriptions set next_action_at = null where status = 'active'`],
    breaks: ['INV11'],
  },
  {
    name: 'a period not counted from the anchor',
    sql: [`update subscriptions set period_index = period_index + 1 where status = 'active'`],
    breaks: ['INV11'],
  },
  {
    name: 'more in force than billed',
    sql: [`update billing_periods set in_force_net = in_force_net + 1 where id = (${CURRENT})`],
    breaks: ['INV12'],
  },
  {
    name: 'something in force for nothing',
    sql: [`update billing_periods set in_force_net = 1 where kind = 'advance' and state in ('waived', 'skipped')`],
    breaks: ['INV12'],
  },
];

const series: Corruption[] = [
  {
    name: 'one reference for two payments',
    sql: [`update payments set method = 'stripe', provider_reference = 'pi_1'`],
    breaks: ['INV14', 'INV2', 'INV3'],
    names: 'stripe pi_1',
  },
  ...['invoice', 'credit_note'].map((kind) => ({
    name: `an ${kind} number is left out`,
    sql: [`update counters set value = value + 1 where scope like '${kind}:%'`],
    breaks: ['INV15'],
  })),
  {
    name: 'an invoice number is there twice',
    sql: [`update invoices set invoice_number = 'INV-2026-0001' where invoice_number = 'INV-2026-0002'`],
    breaks: ['INV15'],
    names: 'INV-2026-',
  },
  {
    name: 'an invoice number of another year',
    sql: [`update invoices set invoice_number = 'INV-2025-0001' where invoice_number = 'INV-2026-0001'`],
    breaks: ['INV15'],
    names: 'INV-2025-0001',
  },
  {
    name: 'a credit note number of another year',
    sql: [`update credit_notes set credit_note_number = 'CN-2025-0001'`],
    breaks: ['INV15'],
  },
];

const events: Corruption[] = [
  {
    name: 'a sequence is left out',
    sql: [`update events set sequence = sequence + 1 where customer_id is not null`],
    breaks: ['INV16'],
  },
  ...['invoice.issued', 'invoice.paid', 'invoice.voided', 'invoice.overdue', 'subscription.created'].map(renamed),
  ...['subscription.canceled', 'payment.succeeded', 'credit_note.issued', 'credit.deposited', 'credit.applied'].map(
    renamed,
  ),
  {
    name: 'a position is left out',
    sql: ['update events set position = position + 1'],
    breaks: ['INV22'],
  },
  {
    name: 'positions against the sequence',
    sql: [`update events set position = (select max(position) from events) + 1 - position`],
    breaks: ['INV22'],
  },
  {
    name: 'no position for long',
    sql: ['update events set position = null'],
    breaks: ['INV22'],
  },
  {
    name: 'a subscription without audit row',
    sql: [`delete from audit_log where entity_type = 'subscription'`],
    breaks: ['INV22'],
  },
];

const others: Corruption[] = [
  {
    name: 'a movement is off',
    sql: [
      `update mrr_movements set delta = delta - 1 where id = (select max(id) from mrr_movements where kind = 'new')`,
    ],
    breaks: ['INV17'],
  },
  {
    name: 'a total of movements is off',
    sql: ['update customer_mrr set mrr = mrr + 1'],
    breaks: ['INV17'],
  },
  { name: 'a movement of another kind', sql: [`update mrr_movements set kind = 'churn'`], breaks: ['INV17'] },
  { name: 'a redemption of nothing', sql: ['update coupons set times_redeemed = 2'], breaks: ['INV21'] },
  { name: 'a redemption too many', sql: ['update coupons set max_redemptions = 0'], breaks: ['INV21'] },
  {
    name: 'a discount line of no discount',
    sql: [`update invoice_lines set discount_id = 'x' where kind = 'discount'`],
    breaks: ['INV21'],
  },
  {
    name: 'past due without reason',
    sql: [`update subscriptions set status = 'past_due' where status = 'active'`],
    breaks: ['INV20'],
  },
  {
    name: 'paused for dunning without reason',
    sql: [`update subscriptions set pause_reason = 'dunning' where status = 'paused'`],
    breaks: ['INV20'],
  },
];

export const CORRUPTIONS: Corruption[] = [
  ...[...ledger, ...documents, ...credits],
  ...[...periods, ...series, ...events, ...others],
];
