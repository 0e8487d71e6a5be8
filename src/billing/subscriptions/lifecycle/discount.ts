import { addMonths, type Instant } from '../../../platform/calendar.ts';
import type { Coupon } from '../../coupons/coupon.ts';
import type { MrrDiscount } from '../../pricing/mrr.ts';
import { billsInAdvance, CYCLE_MONTHS, type PlanPrice } from '../../pricing/prices.ts';
import type { Subscription } from '../subscription.ts';

/** A redeemed coupon on a subscription. It covers the periods that start in `[startsAt, endsAt)` (rules D3). */
export interface SubscriptionDiscount {
  readonly id: string;
  readonly subscriptionId: string;
  /** Its terms are fixed from the redemption on. */
  readonly coupon: Coupon;
  readonly appliedAt: Instant;
  startsAt: Instant;
  endsAt: Instant | null;
  removedAt: Instant | null;
}

/** The subscription's periods: those it has, or in a trial those that follow it. */
type Grid = Pick<
  Subscription,
  'status' | 'anchorAt' | 'periodIndex' | 'billingCycle' | 'trialEnd' | 'currentPeriodStart' | 'currentPeriodEnd'
>;

/** Start of the period `ahead` after the current one; in a trial the first paid period is 1 ahead. */
function startOf(grid: Grid, ahead: number): Instant {
  const trialing = grid.status === 'trialing' && grid.trialEnd !== null;
  const anchor = trialing ? grid.trialEnd! : grid.anchorAt;
  const index = trialing ? -1 : grid.periodIndex;
  return addMonths(anchor, (index + ahead) * CYCLE_MONTHS[grid.billingCycle]);
}

const cyclesOf = ({ duration, durationCycles }: Coupon): number | null =>
  duration === 'once' ? 1 : duration === 'repeating' ? durationCycles! : null;

/**
 * How many periods ahead of the current one an attachment begins to count: the next one, as the current one is billed.
 * What is billed when it is over counts from its start, but a trial is never billed (rules D3).
 */
export const periodsAhead = (grid: Grid, price: PlanPrice): 0 | 1 =>
  grid.status === 'trialing' || billsInAdvance(price) ? 1 : 0;

/** The window of a coupon that is attached now, to count from `ahead` periods after the current one (rules D3). */
export function windowFrom(grid: Grid, ahead: 0 | 1, coupon: Coupon): { startsAt: Instant; endsAt: Instant | null } {
  const cycles = cyclesOf(coupon);
  return { startsAt: startOf(grid, ahead), endsAt: cycles === null ? null : startOf(grid, ahead + cycles) };
}

/** Whether a period that starts then is covered. */
export const covers = ({ startsAt, endsAt }: SubscriptionDiscount, periodStart: Instant): boolean =>
  startsAt <= periodStart && (endsAt === null || periodStart < endsAt);

/** Takes a discount off from the period `ahead` of the current one on (rules D5). */
export function endDiscount(discount: SubscriptionDiscount, grid: Grid, ahead: 0 | 1, now: Instant): void {
  const { startsAt, endsAt } = discount;
  const last = startOf(grid, ahead);
  const end = endsAt !== null && endsAt < last ? endsAt : last;
  discount.removedAt = now;
  discount.endsAt = end > startsAt ? end : startsAt;
}

/** Ends it at `at` with the billing cycle, unless it is forever; one removed already covers no period after `at` (rules D5). */
export function cutDiscount(discount: SubscriptionDiscount, at: Instant): void {
  const { startsAt, endsAt, removedAt, coupon } = discount;
  if (removedAt === null && coupon.duration === 'forever') return;
  if (endsAt !== null && endsAt <= at) return;
  discount.removedAt ??= at;
  discount.endsAt = startsAt > at ? startsAt : at;
}

/** Covered periods that start at or after the one `ahead` of the current one; null without end. */
function periodsLeft(discount: SubscriptionDiscount, grid: Grid, ahead: 0 | 1): number | null {
  if (discount.endsAt === null) return null;
  let left = 0;
  for (let k = ahead; ; k++) {
    const start = startOf(grid, k);
    if (start >= discount.endsAt) return left;
    if (covers(discount, start)) left += 1;
  }
}

/**
 * Periods began anew at `after.anchorAt`: what a discount still covered ahead, it covers of the new periods (rules D3).
 * Answers whether the window has moved.
 */
export function moveWindow(discount: SubscriptionDiscount, before: Grid, after: Grid): boolean {
  const left = periodsLeft(discount, before, 1);
  if (discount.removedAt !== null || left === 0) return false;
  const { startsAt, endsAt } = discount;
  if (startsAt > before.currentPeriodStart) discount.startsAt = after.anchorAt;
  if (left !== null) discount.endsAt = addMonths(after.anchorAt, left * CYCLE_MONTHS[after.billingCycle]);
  return discount.startsAt !== startsAt || discount.endsAt !== endsAt;
}

/** Covered periods that are not over, the current one included: 0 when it is used up; null for forever. */
export const remainingCycles = (discount: SubscriptionDiscount, grid: Grid): number | null =>
  cyclesOf(discount.coupon) === null ? null : periodsLeft(discount, grid, 0);

/** Neither removed nor used up. */
export const isRunning = ({ removedAt, endsAt }: SubscriptionDiscount, grid: Grid): boolean =>
  removedAt === null && (endsAt === null || endsAt > grid.currentPeriodStart);

/** For the pricing core. */
export function toPricing({ id, coupon, startsAt, endsAt }: SubscriptionDiscount): MrrDiscount {
  const { code, terms, duration, appliesTo: planIds } = coupon;
  const rest = { id, code, planIds, startsAt, endsAt, duration };
  return terms.type === 'percentage'
    ? { ...rest, type: terms.type, value: terms.value }
    : { ...rest, type: terms.type, value: terms.value };
}
