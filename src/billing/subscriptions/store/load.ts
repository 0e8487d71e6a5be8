import { loadBillingCustomers } from '../../../customers/billing-customers.ts';
import type { Work } from '../../../platform/work.ts';
import { loadPlanVersions } from '../../plans/store.ts';
import { newOutcome, type Outcome } from '../lifecycle/outcome.ts';
import type { Subscription } from '../subscription.ts';
import { loadDiscounts } from './discounts.ts';
import { loadPeriods } from './periods.ts';

/** Loads what the outcomes need in a constant number of statements. The rows must be locked already. */
export async function readOutcomes(work: Work, subs: Subscription[]): Promise<Outcome[]> {
  const periods = await loadPeriods(
    work.db,
    subs.map(({ id }) => id),
  );
  const customers = await loadBillingCustomers(
    work.db,
    subs.map(({ customerId }) => customerId),
  );
  const coming = subs.flatMap(({ pendingChange }) => pendingChange ?? []);
  const versionIds = new Set([...subs, ...periods, ...coming].map(({ planVersionId }) => planVersionId));
  const versions = await loadPlanVersions(work.db, [...versionIds]);
  const discounts = await loadDiscounts(
    work.db,
    subs.map(({ id }) => id),
  );
  const bySubscription = Map.groupBy(periods, ({ subscriptionId }) => subscriptionId);
  return subs.map((sub) => {
    const customer = customers.get(sub.customerId)!;
    return newOutcome(sub, customer, versions, bySubscription.get(sub.id) ?? [], discounts.get(sub.id));
  });
}
