import type { Db } from '../../platform/db/connect.ts';
import type { InvoiceHooks } from '../invoices/hooks.ts';
import type { Invoice } from '../invoices/invoice.ts';
import { findTrace } from '../invoices/store.ts';
import { loadPlanVersions } from '../plans/store.ts';
import { netOfPeriod } from '../pricing/compose.ts';
import { replayTrace } from '../pricing/explain.ts';
import { healSubscriptions } from './store/heal.ts';
import { isWithdrawn } from './store/in-force.ts';
import { lateUsageOn, updateBilledNet, waivePeriods } from './store/periods.ts';
import { lockSubscriptions } from './store/subscriptions.ts';
import { takeOffForce } from './store/voided.ts';

/** What a subscription does when one of its invoices is settled or voided (rules §8.1, I4). */
export const invoiceHooks: Omit<InvoiceHooks, 'markPaid'> = {
  async lockSubscription(db, id) {
    await lockSubscriptions(db, [id]);
  },

  async lockSoldTerms(db, id) {
    const [sub] = await lockSubscriptions(db, [id]);
    if (!sub) return undefined;
    const { customerId, currency, planVersionId } = sub;
    const version = (await loadPlanVersions(db, [planVersionId])).get(planVersionId)!;
    return { id, customerId, currency, category: version.productType };
  },

  isWithdrawn,

  async settled(work, id) {
    await healSubscriptions(work, await lockSubscriptions(work.db, [id]));
  },

  async voided(work, invoice) {
    await waiveBilled(work.db, invoice);
    await takeOffForce(work.db, invoice.id);
    if (invoice.subscriptionId) await invoiceHooks.settled(work, invoice.subscriptionId);
  },
};

/**
 * The period rows of the invoice are waived (rules I4). Late usage on it, of rows that another invoice billed first, is
 * given up as well: it counts as billed, so that it is not billed again, but for nothing.
 */
async function waiveBilled(db: Db, { id }: Invoice): Promise<void> {
  await waivePeriods(db, id);
  const late = await lateUsageOn(db, id);
  if (late.length === 0) return;
  const trace = await findTrace(db, id);
  if (!trace) throw new Error(`Invoice ${id} has no evidence of what it billed.`);
  const { output } = replayTrace(trace);
  const left = late.map((row) => ({ ...row, billedNet: row.billedNet - netOfPeriod(output, row.id).net }));
  await updateBilledNet(db, left);
}
