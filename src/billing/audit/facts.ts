import { PAYMENT_PROVIDERS } from '../../providers/list.ts';
import { MANUAL_METHODS } from '../../providers/methods.ts';
import { inSql } from './names.ts';

/*
 * What the ledger must hold, computed from the documents alone (rules G3, G8). A new kind of money fact is added to
 * FACTS and to BALANCES; an entry of a kind that is not listed here is reported as having no fact.
 */

interface Fact {
  type: string;
  /** Table, its alias, and which rows are facts. */
  from: string;
  /** The instant the entry carries. */
  at: string;
  currency: string;
  customer: string;
  invoice: string;
  /** Expected amount per account; debit positive. */
  lines: [account: string, amount: string][];
}

const invoiceIssued: Fact['lines'] = [
  ['receivable', 'd.total'],
  ['discounts', 'd.discount_amount'],
  ['revenue', '-(d.total + d.discount_amount - d.tax_amount)'],
  ['tax_payable', '-d.tax_amount'],
];
const creditNoteIssued: Fact['lines'] = [
  ['revenue', 'case when i.written_off then 0 else d.amount - d.tax_amount end'],
  ['write_off', 'case when i.written_off then d.amount - d.tax_amount else 0 end'],
  ['tax_payable', 'd.tax_amount'],
  ['receivable', '-d.applied_to_invoice'],
  ['customer_credit', '-d.credited_to_balance'],
];
const refundReserved: Fact['lines'] = [
  ['customer_credit', 'd.excess_part'],
  ['refunds', '-d.excess_part'],
];
const negated = (lines: Fact['lines']): Fact['lines'] => lines.map(([account, amount]) => [account, `-(${amount})`]);

/** A method that is neither has no account: the check of the names says which, and the books do not balance. */
const cashOf = (
  payment: string,
) => `case when ${payment}.method in ${inSql(PAYMENT_PROVIDERS)} then 'cash:' || ${payment}.method
  when ${payment}.method in ${inSql(MANUAL_METHODS)} then 'cash:manual' else 'cash:unknown' end`;
const CASH = cashOf('d');
const REFUNDS = 'refunds d join payments p on p.id = d.payment_id';
const NOTES = 'credit_notes d join invoices i on i.id = d.invoice_id';
const invoice = { currency: 'd.currency', customer: 'd.customer_id', invoice: 'd.id' };
const ofInvoice = { currency: 'd.currency', customer: 'd.customer_id', invoice: 'd.invoice_id' };
const credit = (type: string, reason: string, against: string): Fact => ({
  type,
  from: `credit_entries d where d.reason = '${reason}'`,
  at: 'd.created_at',
  ...ofInvoice,
  lines: [
    [`'customer_credit'`, '-d.amount'],
    [`'${against}'`, 'd.amount'],
  ],
});
const quoted = (lines: Fact['lines']): Fact['lines'] => lines.map(([account, amount]) => [`'${account}'`, amount]);

const FACTS: Fact[] = [
  {
    type: 'invoice.issued',
    from: 'invoices d where d.issued_at is not null',
    at: 'd.issued_at',
    ...invoice,
    lines: quoted(invoiceIssued),
  },
  {
    type: 'invoice.voided',
    from: `invoices d where d.status = 'void' and d.issued_at is not null and not d.written_off`,
    at: 'd.voided_at',
    ...invoice,
    lines: quoted(negated(invoiceIssued)),
  },
  {
    type: 'payment.succeeded',
    from: `payments d where d.status = 'succeeded'`,
    at: 'd.created_at',
    ...ofInvoice,
    lines: [
      [CASH, 'd.amount'],
      [`'receivable'`, '-d.applied_amount'],
      [`'customer_credit'`, '-d.credited_amount'],
    ],
  },
  credit('credit.applied', 'invoice_application', 'receivable'),
  credit('credit.returned', 'invoice_void', 'receivable'),
  credit('credit.manual', 'manual', 'discounts'),
  {
    type: 'credit_note.issued',
    from: `${NOTES} where d.issued_at is not null`,
    at: 'd.issued_at',
    ...ofInvoice,
    lines: quoted(creditNoteIssued),
  },
  {
    type: 'credit_note.voided',
    from: `${NOTES} where d.status = 'void' and d.issued_at is not null`,
    at: 'd.voided_at',
    ...ofInvoice,
    lines: quoted(negated(creditNoteIssued)),
  },
  {
    type: 'refund.reserved',
    from: 'refunds d where d.excess_part > 0',
    at: 'd.created_at',
    ...ofInvoice,
    lines: quoted(refundReserved),
  },
  {
    type: 'refund.completed',
    from: `${REFUNDS} where d.status = 'completed'`,
    at: 'd.processed_at',
    ...ofInvoice,
    lines: [
      [`'refunds'`, 'd.amount - d.tax_amount'],
      [`'tax_payable'`, 'd.tax_amount'],
      [`case d.destination when 'credit' then 'customer_credit' else ${cashOf('p')} end`, '-d.amount'],
    ],
  },
  {
    type: 'refund.released',
    from: `refunds d where d.excess_part > 0 and d.status = 'failed'`,
    at: 'd.processed_at',
    ...ofInvoice,
    lines: quoted(negated(refundReserved)),
  },
];

/** An entry counts once under a name that says whose it is and when it was posted, besides its accounts. */
const head = (currency: string, customer: string, invoiceId: string, at: string): string =>
  `'entry ' || ${currency} || ' ' || coalesce(${customer}, '-') || ' ' || coalesce(${invoiceId}, '-') || ' '
    || cast(${at} as text)`;

function expected(fact: Fact): string[] {
  const row = (account: string, amount: string) =>
    `select '${fact.type}' as fact_type, d.id as fact_id, ${account} as account, ${amount} as amount from ${fact.from}`;
  return [
    row(head(fact.currency, fact.customer, fact.invoice, fact.at), '1'),
    ...fact.lines.map(([account, amount]) => row(account, amount)),
  ];
}

/** Rows (fact_type, fact_id, account, amount) that the documents ask for. */
export const EXPECTED_ENTRIES = FACTS.flatMap(expected).join('\n union all ');

/** The same rows as the ledger has them, negated. */
export const POSTED_ENTRIES = `select e.fact_type, e.fact_id,
    ${head('e.currency', 'e.customer_id', 'e.invoice_id', 'e.posted_at')}, -1 from journal_entries e
  union all select e.fact_type, e.fact_id, l.account, -l.amount
    from journal_lines l join journal_entries e on e.id = l.entry_id`;

const LIVE = `issued_at is not null and (status <> 'void' or written_off)`;
const RETURNED = `${REFUNDS} where d.status = 'completed' and d.destination = 'original'`;
const ISSUED_NOTES = `${NOTES} where d.status = 'issued'`;
const BALANCES: [currency: string, account: string, amount: string, from: string][] = [
  ['currency', `'receivable'`, 'amount_due', `invoices where status in ('issued', 'overdue')`],
  ['currency', `'customer_credit'`, '-balance', 'credit_balances'],
  ['d.currency', CASH, 'd.amount', `payments d where d.status = 'succeeded'`],
  ['d.currency', cashOf('p'), '-d.amount', RETURNED],
  ['currency', `'tax_payable'`, '-tax_amount', `invoices where status in ('issued', 'overdue', 'paid')`],
  ['d.currency', `'tax_payable'`, 'd.tax_amount', ISSUED_NOTES],
  ['currency', `'tax_payable'`, 'tax_amount', `refunds where status = 'completed'`],
  ['currency', `'refunds'`, 'applied_part - tax_amount', `refunds where status = 'completed'`],
  ['currency', `'refunds'`, '-excess_part', `refunds where status = 'pending'`],
  ['currency', `'revenue'`, '-(total + discount_amount - tax_amount)', `invoices where ${LIVE}`],
  ['d.currency', `'revenue'`, 'd.amount - d.tax_amount', `${ISSUED_NOTES} and not i.written_off`],
  ['currency', `'discounts'`, 'discount_amount', `invoices where ${LIVE}`],
  ['currency', `'discounts'`, 'amount', `credit_entries where reason = 'manual'`],
  ['currency', `'write_off'`, 'total - tax_amount', `invoices where status = 'void' and written_off`],
  ['d.currency', `'write_off'`, 'd.amount - d.tax_amount', `${ISSUED_NOTES} and i.written_off`],
];

/** Rows (currency, account, amount): the document side of G8, negated, so that with the ledger they sum to 0. */
export const DOCUMENT_BALANCES = BALANCES.map(
  ([currency, account, amount, from]) => `select ${currency}, ${account}, -(${amount}) from ${from}`,
).join('\n union all ');
