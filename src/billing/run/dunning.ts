import { inList } from '../../platform/db/in-list.ts';
import { breathe } from '../../platform/jobs/breathe.ts';
import { inHalves } from '../../platform/jobs/halves.ts';
import { formatMoney } from '../../platform/money.ts';
import { retryConflicts } from '../../platform/retry.ts';
import { inTransaction, type Runtime, type Work } from '../../platform/work.ts';
import type { Invoice } from '../invoices/invoice.ts';
import { invoiceEvent } from '../invoices/issue.ts';
import { toInvoice, updateInvoices } from '../invoices/store.ts';
import { markPastDue } from '../subscriptions/store/heal.ts';
import { lockSubscriptions } from '../subscriptions/store/subscriptions.ts';
import type { RunError } from './counters.ts';

const BATCH = 200;
const INFO = { actor: { type: 'system', id: null }, action: 'dunning' } as const;

export interface OverdueOutcome {
  marked: number;
  errors: RunError[];
}

/** Flips every issued invoice whose due date has come to overdue, and its subscription to past_due (rules I, I.4). */
export async function markOverdue(runtime: Runtime, stopping = () => false): Promise<OverdueOutcome> {
  const outcome: OverdueOutcome = { marked: 0, errors: [] };
  const failed: string[] = [];
  while (!stopping()) {
    const due = await findDue(runtime, failed);
    if (due.length === 0) break;
    const flipSome = async (ids: string[]) => {
      outcome.marked += await retryConflicts(() => inTransaction(runtime, INFO, (work) => flipBatch(work, ids)));
    };
    await inHalves(due, flipSome, async (id, error) => {
      runtime.log.error({ err: error, invoiceId: id }, 'an invoice could not be marked overdue');
      const message = error instanceof Error ? error.message.slice(0, 500) : 'unknown error';
      outcome.errors.push({ resourceType: 'invoice', resourceId: id, message });
      failed.push(id);
    });
    await breathe();
  }
  return outcome;
}

async function findDue({ database, clock }: Runtime, failed: string[]): Promise<string[]> {
  const rows: { id: string }[] = await database
    .read('invoices')
    .where({ status: 'issued' })
    .andWhere('due_date', '<=', clock.now())
    .whereNotIn('id', failed)
    .orderBy(['due_date', 'id'])
    .limit(BATCH)
    .select('id');
  return rows.map(({ id }) => id);
}

/** Subscriptions are locked before their invoices (rules X3). */
async function flipBatch(work: Work, ids: string[]): Promise<number> {
  const { db, now } = work;
  const found: { subscription_id: string | null }[] = await db('invoices')
    .whereIn('id', inList(ids))
    .select('subscription_id');
  const subs = await lockSubscriptions(
    db,
    found.flatMap(({ subscription_id: id }) => (id ? [id] : [])),
  );
  const rows = await db('invoices')
    .whereIn('id', inList(ids))
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
  return invoices.length;
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
