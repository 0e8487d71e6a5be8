import type { Instant } from '../../../platform/calendar.ts';
import type { Db } from '../../../platform/db/connect.ts';
import { refuse } from '../../../platform/errors.ts';
import type { Work } from '../../../platform/work.ts';
import { type CouponClaim, redeemCoupon } from '../../coupons/redeem.ts';
import type { DiscountInput } from '../../pricing/discounts.ts';
import { insertDiscounts, updateDiscounts } from '../store/discounts.ts';
import { isBilled, type Subscription } from '../subscription.ts';
import {
  covers,
  cutDiscount,
  endDiscount,
  moveWindow,
  periodsAhead,
  type SubscriptionDiscount,
  toPricing,
  windowFrom,
} from './discount.ts';
import { type SubscriptionUnit, versionOf } from './outcome.ts';
import { termsAt } from './periods.ts';

/** Throws AppError `subscription_not_active` unless discounts can be added and removed (rules S1, D2). */
export function requireDiscountable({ sub }: SubscriptionUnit): void {
  if (sub.status !== 'trialing' && !isBilled(sub.status))
    throw refuse('subscription_not_active', `A ${sub.status} subscription takes no change of its discounts.`);
}

/**
 * Redeems the coupon for the subscription and attaches it, from `ahead` periods after the current one (rules D2, D3).
 * `taken`: ids of further coupons that count as attached already.
 */
export async function attachDiscount(
  unit: SubscriptionUnit,
  work: Work,
  claim: CouponClaim,
  {
    ahead = periodsAhead(unit.sub, versionOf(unit).price),
    taken = [],
  }: { ahead?: 0 | 1; taken?: readonly string[] | undefined } = {},
): Promise<SubscriptionDiscount> {
  const { id: subscriptionId, planId, currency } = unit.sub;
  const couponIds = [...unit.discounts.filter(isAttached).map(({ coupon }) => coupon.id), ...taken];
  const coupon = await redeemCoupon(work, claim, { planId, currency, couponIds });
  const window = windowFrom(unit.sub, ahead, coupon);
  const discount = { id: work.newId(), subscriptionId, coupon, appliedAt: work.now, ...window, removedAt: null };
  unit.discounts.push(discount);
  return discount;
}

/** Ends a discount where one attached now would begin (rules D5). */
export const detachDiscount = (unit: SubscriptionUnit, work: Work, discount: SubscriptionDiscount): void =>
  endDiscount(discount, unit.sub, periodsAhead(unit.sub, versionOf(unit).price), work.now);

/** Whether it takes something off the next period. */
export const coversNext = ({ sub }: SubscriptionUnit, discount: SubscriptionDiscount): boolean =>
  covers(discount, sub.currentPeriodEnd);

/** Periods begin anew: the windows follow them (rules D3). */
export function moveWindows(unit: SubscriptionUnit): void {
  for (const discount of unit.discounts) moveWindow(discount, unit.before, unit.sub);
}

/** Another billing cycle begins: what was promised for a number of cycles ends (rules D5). */
export function endWithCycle(unit: SubscriptionUnit, at: Instant): void {
  for (const discount of unit.discounts) cutDiscount(discount, at);
}

/** The discounts of what is billed for periods that start then, for the pricing core. */
export const discountsFor = (unit: SubscriptionUnit, periodStarts: readonly string[]): DiscountInput[] =>
  unit.discounts.filter((discount) => periodStarts.some((start) => willCover(unit, discount, start))).map(toPricing);

/** The discounts on new terms within a period: those that cover the next one, too (rules Q5). */
export const discountsOfTerms = (unit: SubscriptionUnit): DiscountInput[] => {
  const { currentPeriodStart, currentPeriodEnd } = unit.sub;
  const both = (one: SubscriptionDiscount) =>
    [currentPeriodStart, currentPeriodEnd].every((start) => willCover(unit, one, start));
  return unit.discounts.filter(both).map(toPricing);
};

/** A scheduled change of cycle will have ended some when the next period begins (rules S8, D5). */
const willCover = ({ sub }: SubscriptionUnit, discount: SubscriptionDiscount, start: Instant): boolean =>
  covers(discount, start) &&
  (discount.coupon.duration === 'forever' || termsAt(sub, start).billingCycle === sub.billingCycle);

const isAttached = ({ removedAt }: SubscriptionDiscount): boolean => removedAt === null;
const attachedIds = (discounts: readonly SubscriptionDiscount[]): string[] =>
  discounts.filter(isAttached).map(({ id }) => id);

/** `[before, after]` of the attached discounts when one was attached or removed; for the event and the audit row. */
export function changedDiscounts({ discounts, discountsBefore }: SubscriptionUnit): [string[], string[]] | undefined {
  const [before, after] = [attachedIds(discountsBefore), attachedIds(discounts)];
  return before.join() === after.join() ? undefined : [before, after];
}

/** The discounts that count towards MRR in the current period of the subscription as it is, or was (rules R2). */
export const recurring = (discounts: readonly SubscriptionDiscount[], sub: Subscription): SubscriptionDiscount[] =>
  discounts.filter((one) => one.coupon.duration !== 'once' && covers(one, sub.currentPeriodStart));

/** Writes attached, ended and moved discounts of many units. */
export async function saveDiscounts(db: Db, units: SubscriptionUnit[]): Promise<void> {
  const inserted: SubscriptionDiscount[] = [];
  const updated: SubscriptionDiscount[] = [];
  for (const { discounts, discountsBefore } of units)
    for (const [i, discount] of discounts.entries()) {
      const before = discountsBefore[i];
      if (!before) inserted.push(discount);
      else if (!sameWindow(before, discount)) updated.push(discount);
    }
  await insertDiscounts(db, inserted);
  await updateDiscounts(db, updated);
}

const sameWindow = (a: SubscriptionDiscount, b: SubscriptionDiscount): boolean =>
  a.startsAt === b.startsAt && a.endsAt === b.endsAt && a.removedAt === b.removedAt;
