import type { Db } from '../../platform/db/connect.ts';
import { asIs, describeTable, money } from '../../platform/db/table.ts';
import type { PageRequest } from '../../platform/http/pagination.ts';
import type { Scope } from '../../platform/http/principal.ts';
import type { Payment } from './payment.ts';

/** `refundedAmount` is no column: it is summed up with each read. */
const PAYMENTS = describeTable<Payment>({
  id: asIs,
  invoiceId: asIs,
  customerId: asIs,
  method: asIs,
  status: asIs,
  amount: money,
  currency: asIs,
  appliedAmount: money,
  creditedAmount: money,
  refundedAmount: money,
  refundedApplied: money,
  refundedExcess: money,
  providerReference: asIs,
  notes: asIs,
  paidAt: asIs,
  createdAt: asIs,
  updatedAt: asIs,
});
const stored = PAYMENTS.except('refundedAmount');
const toPayment = PAYMENTS.fromRow;

/** With what refunds have completed of each; the columns hold pending refunds, too. */
const payments = (db: Db) =>
  db('payments as p').select(
    'p.*',
    db.raw(`(select cast(coalesce(sum(r.amount), 0) as text) from refunds r
      where r.payment_id = p.id and r.status = 'completed') as refunded_amount`),
  );

/** Returns false when the provider reference is taken (rules X4, INV14). */
export async function insertPayment(db: Db, payment: Payment): Promise<boolean> {
  const rows = await db('payments').insert(stored(payment)).onConflict().ignore().returning('id');
  return rows.length > 0;
}

export async function findByReference(db: Db, method: string, reference: string): Promise<Payment | undefined> {
  const [row] = await payments(db).where({ method, 'p.provider_reference': reference });
  return row && toPayment(row);
}

export interface PaymentFilter {
  invoiceId?: string | undefined;
  customerId?: string | undefined;
  status?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
}

/** Newest first, up to `limit + 1` rows; the range is that of `paidAt`, or `createdAt` while it is null. */
export async function listPayments(db: Db, scope: Scope, filter: PaymentFilter, page: PageRequest): Promise<Payment[]> {
  const query = payments(db)
    .orderBy('id', 'desc')
    .limit(page.limit + 1);
  if (scope !== null) query.where({ customer_id: scope });
  if (filter.invoiceId) query.where({ invoice_id: filter.invoiceId });
  if (filter.customerId) query.where({ customer_id: filter.customerId });
  if (filter.status) query.where({ status: filter.status });
  if (filter.from) query.whereRaw('coalesce(paid_at, created_at) >= ?', [filter.from]);
  if (filter.to) query.whereRaw('coalesce(paid_at, created_at) < ?', [filter.to]);
  if (page.after) query.where('id', '<', page.after);
  return (await query).map(toPayment);
}

export async function findPayment(db: Db, scope: Scope, id: string): Promise<Payment | undefined> {
  const query = payments(db).where({ id });
  if (scope !== null) query.where({ customer_id: scope });
  const [row] = await query;
  return row && toPayment(row);
}

/** The payments of an invoice, newest first. */
export async function listInvoicePayments(db: Db, invoiceId: string): Promise<Payment[]> {
  return (await payments(db).where({ invoice_id: invoiceId }).orderBy('id', 'desc')).map(toPayment);
}

export async function lockPayment(db: Db, id: string): Promise<Payment | undefined> {
  const locked = await db('payments').where({ id }).select('id').forNoKeyUpdate();
  return locked.length > 0 ? findPayment(db, null, id) : undefined; // read after the wait: refunds are rows of their own
}

export async function updatePayment(db: Db, payment: Payment): Promise<void> {
  const { providerReference, notes, updatedAt } = payment;
  await db('payments')
    .where({ id: payment.id })
    .update({ provider_reference: providerReference, notes, updated_at: updatedAt });
}

/** Writes what refunds have taken back of it, pending ones included. */
export async function updateRefunded(db: Db, payment: Payment): Promise<void> {
  await db('payments')
    .where({ id: payment.id })
    .update({
      refunded_applied: Number(payment.refundedApplied),
      refunded_excess: Number(payment.refundedExcess),
      updated_at: payment.updatedAt,
    });
}
