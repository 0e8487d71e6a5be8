import { subscriptionMrr } from '../pricing/mrr.ts';
import { isBilled, type Subscription } from './subscription.ts';
import { currentCharge, type SubscriptionUnit } from './unit.ts';

/** Monthly recurring revenue of the subscription as it is (or was), minor units (rules R2). */
export function mrrOf(unit: SubscriptionUnit, sub: Subscription): bigint {
  if (!isBilled(sub.status)) return 0n;
  return subscriptionMrr(sub.status, currentCharge(unit, sub), []);
}

/** Nothing that MRR depends on has changed, so there is nothing to compute. */
export const sameMrr = (a: Subscription, b: Subscription): boolean =>
  isBilled(a.status) === isBilled(b.status) &&
  a.planVersionId === b.planVersionId &&
  a.quantity === b.quantity &&
  a.billingCycle === b.billingCycle;
