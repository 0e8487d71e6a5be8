import { subscriptionMrr } from '../../pricing/mrr.ts';
import { isBilled, type Subscription } from '../subscription.ts';
import { type SubscriptionDiscount, toPricing } from './discount.ts';
import { recurring } from './discounts.ts';
import { currentCharge, type Outcome } from './outcome.ts';

/** Monthly recurring revenue of the subscription before and after the work, minor units (rules R2). */
export function mrrBeforeAndAfter(outcome: Outcome): { before: bigint; after: bigint } {
  const { before, sub, discounts, discountsBefore } = outcome;
  if (sameMrr(outcome)) return { before: 0n, after: 0n };
  return { before: mrrOf(outcome, before, discountsBefore), after: mrrOf(outcome, sub, discounts) };
}

function mrrOf(outcome: Outcome, sub: Subscription, discounts: readonly SubscriptionDiscount[]): bigint {
  if (!isBilled(sub.status)) return 0n;
  return subscriptionMrr(sub.status, currentCharge(outcome, sub), recurring(discounts, sub).map(toPricing));
}

/** Nothing that MRR depends on has changed, so there is nothing to compute. */
function sameMrr({ before, sub, discounts, discountsBefore }: Outcome): boolean {
  return (
    isBilled(before.status) === isBilled(sub.status) &&
    before.planVersionId === sub.planVersionId &&
    before.quantity === sub.quantity &&
    before.billingCycle === sub.billingCycle &&
    ids(recurring(discountsBefore, before)) === ids(recurring(discounts, sub))
  );
}

const ids = (discounts: SubscriptionDiscount[]): string => discounts.map(({ id }) => id).join();
