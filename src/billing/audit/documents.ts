import { decimal, money } from '../../platform/db/columns.ts';
import type { Db } from '../../platform/db/connect.ts';
import { multiply } from '../../platform/decimal.ts';
import { roundToMinor } from '../../platform/money.ts';
import { type Check, MAX_IDS, pagesById, sqlCheck } from './check.ts';

/** `column` of each row of `table` against the sum of `rows` (of_id, amount). */
const sumOf = (table: string) => (invariant: string, detail: string, column: string, rows: string) =>
  sqlCheck(
    invariant,
    detail,
    `select d.id from ${table} d left join (
       select of_id, sum(amount) as total from (${rows}) part group by of_id
     ) s on s.of_id = d.id where d.${column} <> coalesce(s.total, 0)`,
  );
const sumCheck = sumOf('invoices');
const paymentSum = sumOf('payments');

const CREDIT_USED = `select invoice_id as of_id, -amount as amount from credit_entries
  where reason in ('invoice_application', 'invoice_void')`;
const reversed = (gross: string, part: string) => `select invoice_id as of_id, ${gross} as amount from credit_notes
  where status = 'issued' union all select invoice_id, ${part} from refunds where status <> 'failed'`;

/** INV4-INV8: each invoice adds up and says what its lines, payments, credits and credit notes say. */
export const documentChecks: Check[] = [
  sqlCheck(
    'INV4',
    'the total is not subtotal less discount plus exclusive tax',
    `select id from invoices
     where total <> subtotal - discount_amount + case when tax_inclusive then 0 else tax_amount end`,
  ),
  sumCheck(
    'INV4',
    'the subtotal is not the sum of the lines',
    'subtotal',
    `select invoice_id as of_id, amount from invoice_lines where kind <> 'discount'`,
  ),
  sumCheck(
    'INV4',
    'the discount is not the sum of the discount lines',
    'discount_amount',
    `select invoice_id as of_id, -amount as amount from invoice_lines where kind = 'discount'`,
  ),
  sqlCheck(
    'INV5',
    'the amount due is not what is left of the total, or a void invoice has one',
    `select id from invoices where amount_due <>
       case when status = 'void' then 0 else total - credits_applied - amount_paid - credit_notes_amount end`,
  ),
  sumCheck(
    'INV5',
    'the amount paid is not the sum of what its payments settled',
    'amount_paid',
    `select invoice_id as of_id, applied_amount as amount from payments where status = 'succeeded'`,
  ),
  sumCheck('INV5', 'the credits applied are not those of the credit entries', 'credits_applied', CREDIT_USED),
  sumCheck(
    'INV5',
    'the credit notes amount is not what issued credit notes took off the amount due',
    'credit_notes_amount',
    `select invoice_id as of_id, applied_to_invoice as amount from credit_notes where status = 'issued'`,
  ),
  sqlCheck(
    'INV6',
    'paid without being issued or with something due, or open with nothing due, or to be charged and not open',
    `select id from invoices where
       (status = 'paid' and (amount_due <> 0 or paid_at is null))
       or (status in ('issued', 'overdue') and amount_due <= 0)
       or (status in ('issued', 'overdue', 'paid') and (issued_at is null or invoice_number is null))
       or (status = 'draft' and (issued_at is not null or invoice_number is not null))
       or (status not in ('issued', 'overdue') and next_charge_at is not null)`,
  ),
  { invariant: 'INV7', detail: 'a line is not quantity times unit price, rounded once', find: findWrongLines },
  sumCheck(
    'INV8',
    'the reversed amount is not that of its credit notes and refunds',
    'reversed_amount',
    reversed('amount', 'applied_part'),
  ),
  sumCheck(
    'INV8',
    'the reversed tax is not that of its credit notes and refunds',
    'reversed_tax',
    reversed('tax_amount', 'tax_amount'),
  ),
  sumCheck(
    'INV8',
    'the amount refunded is not that of its refunds',
    'amount_refunded',
    `select invoice_id as of_id, applied_part as amount from refunds where status = 'completed'`,
  ),
  paymentSum(
    'INV8',
    'the refunded part of what settled the invoice is not that of the refunds',
    'refunded_applied',
    `select payment_id as of_id, applied_part as amount from refunds where status <> 'failed'`,
  ),
  paymentSum(
    'INV8',
    'the refunded part of the overpayment is not that of the refunds',
    'refunded_excess',
    `select payment_id as of_id, excess_part as amount from refunds where status <> 'failed'`,
  ),
  sqlCheck(
    'INV8',
    'more is reversed than was billed or paid',
    `select id from invoices where reversed_amount > total or reversed_tax > tax_amount
     union all select id from payments where refunded_applied > applied_amount or refunded_excess > credited_amount
       or applied_amount + credited_amount <> case when status = 'succeeded' then amount else 0 end`,
  ),
];

interface Line {
  id: string;
  quantity: string;
  unit_price: string;
  amount: unknown;
  currency: string;
}

async function findWrongLines(db: Db): Promise<string[]> {
  const wrong: string[] = [];
  const pages = pagesById<Line>(
    db,
    `select l.id, l.quantity, l.unit_price, l.amount, i.currency from invoice_lines l
     join invoices i on i.id = l.invoice_id
     where l.id > ? and l.kind in ('plan', 'usage', 'custom') order by l.id`,
  );
  for await (const page of pages) {
    for (const line of page) {
      const exact = multiply(decimal(line.quantity), decimal(line.unit_price));
      if (roundToMinor(exact, line.currency) !== money(line.amount)) wrong.push(line.id);
    }
    if (wrong.length > MAX_IDS) break;
  }
  return wrong.slice(0, MAX_IDS + 1);
}
