import { money } from '../../platform/db/columns.ts';
import type { Db } from '../../platform/db/connect.ts';
import { inList } from '../../platform/db/in-list.ts';
import type { PageRequest } from '../../platform/http/pagination.ts';
import type { Reversal } from '../pricing/reversal.ts';
import type { Refund } from './refund.ts';

export async function insertRefund(db: Db, refund: Refund): Promise<void> {
  await db('refunds').insert({
    id: refund.id,
    payment_id: refund.paymentId,
    invoice_id: refund.invoiceId,
    customer_id: refund.customerId,
    amount: Number(refund.amount),
    applied_part: Number(refund.appliedPart),
    excess_part: Number(refund.excessPart),
    tax_amount: Number(refund.taxAmount),
    currency: refund.currency,
    destination: refund.destination,
    status: refund.status,
    reason: refund.reason,
    provider_reference: refund.providerReference,
    failure_reason: refund.failureReason,
    processed_at: refund.processedAt,
    created_at: refund.createdAt,
    updated_at: refund.updatedAt,
  });
}

// biome-ignore lint/suspicious/noExplicitAny: a row as either driver answers it; the mapper gives it its type
const toRefund = (row: any): Refund => ({
  id: row.id,
  paymentId: row.payment_id,
  invoiceId: row.invoice_id,
  customerId: row.customer_id,
  amount: money(row.amount),
  appliedPart: money(row.applied_part),
  excessPart: money(row.excess_part),
  taxAmount: money(row.tax_amount),
  currency: row.currency,
  destination: row.destination,
  status: row.status,
  reason: row.reason,
  providerReference: row.provider_reference,
  failureReason: row.failure_reason,
  processedAt: row.processed_at,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
});

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
  return new Map(rows.map((row) => [row.invoice_id, { gross: money(row.gross), tax: money(row.tax) }]));
}
