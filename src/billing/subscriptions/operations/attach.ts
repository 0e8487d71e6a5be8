import type { Work } from '../../../platform/work.ts';
import { type CouponClaim, redeemCoupon } from '../../coupons/redeem.ts';
import { periodsAhead, type SubscriptionDiscount, windowFrom } from '../lifecycle/discount.ts';
import { isAttached } from '../lifecycle/discounts.ts';
import { type Outcome, versionOf } from '../lifecycle/outcome.ts';

/**
 * Redeems the coupon for the subscription and attaches it, from `ahead` periods after the current one (rules D2, D3).
 * `taken`: ids of further coupons that count as attached already.
 */
export async function attachDiscount(
  outcome: Outcome,
  work: Work,
  claim: CouponClaim,
  {
    ahead = periodsAhead(outcome.sub, versionOf(outcome).price),
    taken = [],
  }: { ahead?: 0 | 1; taken?: readonly string[] | undefined } = {},
): Promise<SubscriptionDiscount> {
  const { id: subscriptionId, planId, currency } = outcome.sub;
  const couponIds = [...outcome.discounts.filter(isAttached).map(({ coupon }) => coupon.id), ...taken];
  const coupon = await redeemCoupon(work, claim, { planId, currency, couponIds });
  const window = windowFrom(outcome.sub, ahead, coupon);
  const discount = { id: work.newId(), subscriptionId, coupon, appliedAt: work.now, ...window, removedAt: null };
  outcome.discounts.push(discount);
  return discount;
}
