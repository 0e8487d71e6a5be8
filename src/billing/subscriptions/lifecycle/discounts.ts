import type { Instant } from '../../../platform/calendar.ts';
import { refuse } from '../../../platform/errors.ts';
import type { Work } from '../../../platform/work.ts';
import type { DiscountInput } from '../../pricing/discounts.ts';
import { isBilled, type Subscription } from '../subscription.ts';
import {
  covers,
  cutDiscount,
  endDiscount,
  moveWindow,
  periodsAhead,
  type SubscriptionDiscount,
  toPricing,
} from './discount.ts';
import { type Outcome, versionOf } from './outcome.ts';
import { termsAt } from './periods.ts';

/** Throws AppError `subscription_not_active` unless discounts can be added and removed (rules S1, D2). */
export function requireDiscountable({ sub }: Outcome): void {
  if (sub.status !== 'trialing' && !isBilled(sub.status))
    throw refuse('subscription_not_active', `A ${sub.status} subscription takes no change of its discounts.`);
}

/** Ends a discount where one attached now would begin (rules D5). */
export const detachDiscount = (outcome: Outcome, work: Work, discount: SubscriptionDiscount): void =>
  endDiscount(discount, outcome.sub, periodsAhead(outcome.sub, versionOf(outcome).price), work.now);

/** Whether it takes something off the next period. */
export const coversNext = ({ sub }: Outcome, discount: SubscriptionDiscount): boolean =>
  covers(discount, sub.currentPeriodEnd);

/** Periods begin anew: the windows follow them (rules D3). */
export function moveWindows(outcome: Outcome): void {
  for (const discount of outcome.discounts) moveWindow(discount, outcome.before, outcome.sub);
}

/** Another billing cycle begins: what was promised for a number of cycles ends (rules D5). */
export function endWithCycle(outcome: Outcome, at: Instant): void {
  for (const discount of outcome.discounts) cutDiscount(discount, at);
}

/** The discounts of what is billed for periods that start then, for the pricing core. */
export const discountsFor = (outcome: Outcome, periodStarts: readonly string[]): DiscountInput[] =>
  outcome.discounts
    .filter((discount) => periodStarts.some((start) => willCover(outcome, discount, start)))
    .map(toPricing);

/** The discounts on new terms within a period: those that cover the next one, too (rules Q5). */
export const discountsOfTerms = (outcome: Outcome): DiscountInput[] => {
  const { currentPeriodStart, currentPeriodEnd } = outcome.sub;
  const both = (one: SubscriptionDiscount) =>
    [currentPeriodStart, currentPeriodEnd].every((start) => willCover(outcome, one, start));
  return outcome.discounts.filter(both).map(toPricing);
};

/** A scheduled change of cycle will have ended some when the next period begins (rules S8, D5). */
const willCover = ({ sub }: Outcome, discount: SubscriptionDiscount, start: Instant): boolean =>
  covers(discount, start) &&
  (discount.coupon.duration === 'forever' || termsAt(sub, start).billingCycle === sub.billingCycle);

export const isAttached = ({ removedAt }: SubscriptionDiscount): boolean => removedAt === null;
const attachedIds = (discounts: readonly SubscriptionDiscount[]): string[] =>
  discounts.filter(isAttached).map(({ id }) => id);

/** `[before, after]` of the attached discounts when one was attached or removed; for the event and the audit row. */
export function changedDiscounts({ discounts, discountsBefore }: Outcome): [string[], string[]] | undefined {
  const [before, after] = [attachedIds(discountsBefore), attachedIds(discounts)];
  return before.join() === after.join() ? undefined : [before, after];
}

/** The discounts that count towards MRR in the current period of the subscription as it is, or was (rules R2). */
export const recurring = (discounts: readonly SubscriptionDiscount[], sub: Subscription): SubscriptionDiscount[] =>
  discounts.filter((one) => one.coupon.duration !== 'once' && covers(one, sub.currentPeriodStart));
