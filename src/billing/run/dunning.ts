import { inList } from '../../platform/db/in-list.ts';
import { breathe } from '../../platform/jobs/breathe.ts';
import { formatMoney } from '../../platform/money.ts';
import { inTransaction, type Runtime, type Work } from '../../platform/work.ts';
import type { Invoice } from '../invoices/invoice.ts';
import { invoiceEvent } from '../invoices/issue.ts';
import { toInvoice, updateInvoices } from '../invoices/store.ts';
import { markPastDue } from '../subscriptions/heal.ts';
import { lockSubscriptions } from '../subscriptions/store.ts';

const BATCH = 200;
const INFO = { actor: { type: 'system', id: null }, action: 'dunning' } as const;

/** Flips every issued invoice whose due date has come to overdue, and its subscription to past_due (rules I, I.4). */
export async function markOverdue(runtime: Runtime, stopping = () => false): Promise<number> {
  const now = runtime.clock.now();
  let total = 0;
  while (!stopping()) {
    const flipped = await inTransaction(runtime, { ...INFO, now }, flipBatch);
    total += flipped.marked;
    if (flipped.found < BATCH) break;
    await breathe();
  }
  return total;
}

async function flipBatch(work: Work): Promise<{ found: number; marked: number }> {
  const { db, now } = work;
  const due: { id: string; subscription_id: string | null }[] = await db('invoices')
    .where({ status: 'issued' })
    .andWhere('due_date', '<=', now)
    .orderBy(['due_date', 'id'])
    .limit(BATCH)
    .select('id', 'subscription_id');
  if (due.length === 0) return { found: 0, marked: 0 };
  const subs = await lockSubscriptions(
    db,
    due.flatMap(({ subscription_id: id }) => (id ? [id] : [])),
  );
  const rows = await db('invoices')
    .whereIn('id', inList(due.map(({ id }) => id)))
    .andWhere({ status: 'issued' })
    .andWhere('due_date', '<=', now)
    .orderBy('id')
    .forNoKeyUpdate();
  const invoices = rows.map(toInvoice);
  for (const invoice of invoices) flip(work, invoice);
  await updateInvoices(db, invoices);
  const blocked = new Set(invoices.map(({ subscriptionId }) => subscriptionId));
  await markPastDue(
    work,
    subs.filter(({ id }) => blocked.has(id)),
  );
  return { found: due.length, marked: invoices.length };
}

function flip(work: Work, invoice: Invoice): void {
  invoice.status = 'overdue';
  invoice.version += 1;
  invoice.updatedAt = work.now;
  work.emit(
    invoiceEvent('invoice.overdue', invoice, {
      invoiceNumber: invoice.invoiceNumber,
      amount: formatMoney(invoice.total, invoice.currency),
      amountDue: formatMoney(invoice.amountDue, invoice.currency),
      currency: invoice.currency,
      dueDate: invoice.dueDate,
    }),
  );
  work.audit({ entityType: 'invoice', entityId: invoice.id, reason: 'overdue' });
}
