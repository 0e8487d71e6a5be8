import { big } from '../../platform/db/columns.ts';
import type { Db } from '../../platform/db/connect.ts';
import { inList } from '../../platform/db/in-list.ts';
import { asIs, describeTable, money } from '../../platform/db/table.ts';
import type { PageRequest } from '../../platform/http/pagination.ts';
import type { Reversal } from '../pricing/reversal.ts';
import type { Refund } from './refund.ts';

const REFUNDS = describeTable<Refund>({
  id: asIs,
  paymentId: asIs,
  invoiceId: asIs,
  customerId: asIs,
  amount: money,
  appliedPart: money,
  excessPart: money,
  taxAmount: money,
  currency: asIs,
  destination: asIs,
  status: asIs,
  reason: asIs,
  providerReference: asIs,
  failureReason: asIs,
  processedAt: asIs,
  createdAt: asIs,
  updatedAt: asIs,
});
const toRefund = REFUNDS.fromRow;

export async function insertRefund(db: Db, refund: Refund): Promise<void> {
  await db('refunds').insert(REFUNDS.toRow(refund));
}

export interface RefundFilter {
  paymentId?: string | undefined;
  invoiceId?: string | undefined;
  customerId?: string | undefined;
  status?: string | undefined;
}

/** Newest first, up to `limit + 1` rows. */
export async function listRefunds(db: Db, filter: RefundFilter, page: PageRequest): Promise<Refund[]> {
  const query = db('refunds')
    .orderBy('id', 'desc')
    .limit(page.limit + 1);
  if (filter.paymentId) query.where({ payment_id: filter.paymentId });
  if (filter.invoiceId) query.where({ invoice_id: filter.invoiceId });
  if (filter.customerId) query.where({ customer_id: filter.customerId });
  if (filter.status) query.where({ status: filter.status });
  if (page.after) query.where('id', '<', page.after);
  return (await query).map(toRefund);
}

export async function findRefund(db: Db, id: string): Promise<Refund | undefined> {
  const [row] = await db('refunds').where({ id });
  return row && toRefund(row);
}

/** Σ of what refunds took back of these invoices, by invoice: gross, and the tax in it; minor units. */
export async function givenBackByRefunds(db: Db, invoiceIds: readonly string[]): Promise<Map<string, Reversal>> {
  const rows: { invoice_id: string; gross: string; tax: string }[] = await db('refunds')
    .whereIn('invoice_id', inList(invoiceIds))
    .whereNot({ status: 'failed' })
    .groupBy('invoice_id')
    .select('invoice_id')
    .select(db.raw('cast(sum(applied_part) as text) as gross, cast(sum(tax_amount) as text) as tax'));
  return new Map(rows.map((row) => [row.invoice_id, { gross: big(row.gross), tax: big(row.tax) }]));
}
