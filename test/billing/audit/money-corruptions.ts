import { type Corruption, first } from './corruption.ts';

const DRAFT = first('invoices', `status = 'draft'`);
const PAID = first('invoices', `status = 'paid'`);
const VOID = first('invoices', `status = 'void' and issued_at is not null`);
const OPEN = first('invoices', `status in ('issued', 'overdue')`);
const REFUND = first('refunds', 'excess_part > 0');
const NOTE = first('credit_notes', 'issued_at is not null and credited_to_balance > 0');
const entry = (fact: string) => first('journal_entries', `fact_type = '${fact}'`);

export const ledger: Corruption[] = [
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
    breaks: ['INV2', 'INV25', 'INV3'],
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
    breaks: ['INV27', 'INV3'],
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

export const documents: Corruption[] = [
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
    breaks: ['INV3', 'INV5', 'INV9'],
  },
  {
    name: 'paid without instant',
    sql: [`update invoices set paid_at = null where id = ${PAID}`],
    breaks: ['INV26', 'INV6'],
  },
  {
    name: 'open again after it was paid',
    sql: [`update invoices set status = 'issued', paid_at = null where id = ${PAID}`],
    breaks: ['INV16', 'INV26', 'INV6'],
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
    name: 'refunded without refund',
    sql: [`update invoices set amount_refunded = amount_refunded + 1 where id = ${PAID}`],
    breaks: ['INV8'],
  },
  ...['refunded_applied', 'refunded_excess'].map((column) => ({
    name: `${column} of nothing`,
    sql: [`update payments set ${column} = ${column} + 1 where id = (select min(payment_id) from refunds)`],
    breaks: ['INV8'],
  })),
  {
    name: 'a refund is gone',
    sql: [`delete from refunds where id = ${REFUND}`],
    breaks: ['INV16', 'INV2', 'INV3', 'INV8', 'INV9'],
  },
  {
    name: 'a refund took nothing from the balance',
    sql: [`update refunds set excess_part = 0, applied_part = amount where id = ${REFUND}`],
    breaks: ['INV2', 'INV3', 'INV8', 'INV9'],
    names: 'refund.reserved',
  },
  {
    name: 'a refund went elsewhere',
    sql: [`update refunds set destination = 'credit' where id = ${REFUND}`],
    breaks: ['INV2', 'INV26', 'INV3', 'INV9'],
    names: 'refund.completed',
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

export const credits: Corruption[] = [
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
    breaks: ['INV26', 'INV9'],
  },
  {
    name: 'a credit note credited another amount',
    sql: [
      `update credit_notes set credited_to_balance = credited_to_balance - 1,
      applied_to_invoice = applied_to_invoice + 1 where id = ${NOTE}`,
    ],
    breaks: ['INV26', 'INV3', 'INV5', 'INV9'],
  },
  {
    name: 'an overpayment that was not credited',
    sql: [
      `update credit_entries set payment_id = null where id = ${first('credit_entries', `reason = 'overpayment'`)}`,
    ],
    breaks: ['INV9'],
  },
  { name: 'the balance is gone', sql: ['delete from credit_balances'], breaks: ['INV2', 'INV9'] },
];
