import type { Db } from '../../../platform/db/connect.ts';
import { inList } from '../../../platform/db/in-list.ts';
import type { Work } from '../../../platform/work.ts';
import type { Subscription } from '../subscription.ts';
import * as store from './subscriptions.ts';

/** Of these subscriptions, those with a blocking invoice: open and overdue (rules §8.1). */
export async function blockedSubscriptions(db: Db, ids: string[]): Promise<Set<string>> {
  if (ids.length === 0) return new Set();
  const rows = await db('invoices')
    .whereIn('subscription_id', inList(ids))
    .andWhere({ status: 'overdue' })
    .distinct('subscription_id');
  return new Set(rows.map((row: { subscription_id: string }) => row.subscription_id));
}

/** past_due → active where no blocking invoice is left. The rows must be locked; invoice rows must be written already. */
export async function healSubscriptions(work: Work, subs: Subscription[]): Promise<void> {
  const pastDue = subs.filter(({ status }) => status === 'past_due');
  const blocked = await blockedSubscriptions(
    work.db,
    pastDue.map(({ id }) => id),
  );
  await setStatus(
    work,
    pastDue.filter(({ id }) => !blocked.has(id)),
    'active',
  );
}

/** active → past_due, for the first blocking invoice. */
export const markPastDue = (work: Work, subs: Subscription[]): Promise<void> =>
  setStatus(
    work,
    subs.filter(({ status }) => status === 'active'),
    'past_due',
  );

async function setStatus(work: Work, subs: Subscription[], status: 'active' | 'past_due'): Promise<void> {
  for (const sub of subs) {
    sub.status = status;
    sub.version += 1;
    sub.updatedAt = work.now;
    const { id, customerId, planId, quantity, cancelAtPeriodEnd } = sub;
    work.emit({
      type: 'subscription.updated',
      customerId,
      resourceType: 'subscription',
      resourceId: id,
      data: { subscriptionId: id, customerId, planId, status, quantity, cancelAtPeriodEnd, changes: ['status'] },
    });
  }
  await store.updateSubscriptions(work.db, subs);
}
