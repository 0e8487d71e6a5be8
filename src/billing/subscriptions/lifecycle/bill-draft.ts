import { type Instant, utcDate } from '../../../platform/calendar.ts';
import { subtract, ZERO } from '../../../platform/decimal.ts';
import type { Work } from '../../../platform/work.ts';
import { type InvoiceDraft, placeOf } from '../../invoices/draft.ts';
import type { PlanVersion } from '../../plans/plan.ts';
import { advanceLines, type LineInput, lateUsageLine, usageLines } from '../../pricing/lines.ts';
import type { Taxed } from '../../tax/tax-book.ts';
import type { BillingPeriod } from '../subscription.ts';
import { differenceOf, type Ratings } from '../usage/rating.ts';
import { discountsFor } from './discounts.ts';
import { type Bill, chargeOf, type SubscriptionUnit, versionOf } from './outcome.ts';

/** The lines of a bill: what its rows charge, and what has come to rows billed before (rules S8, U7). */
export function linesOf(unit: SubscriptionUnit, bill: Bill, ratings: Ratings): LineInput[] {
  if (bill.lines) return bill.lines;
  const charged = bill.periods.flatMap((period) => {
    const rating = ratings.get(period);
    return rating ? usageLines(rating.charge, rating.quantity) : advanceLines(chargeOf(unit, period));
  });
  return [...charged, ...bill.late.flatMap((period) => lateLines(period, ratings))];
}

function lateLines(period: BillingPeriod, ratings: Ratings): LineInput[] {
  const rating = ratings.get(period)!;
  const more = differenceOf(period, rating);
  if (more <= 0n) return [];
  return [lateUsageLine(rating.charge, more, subtract(rating.quantity, period.billedQuantity ?? ZERO))];
}

/** The invoice of a bill, before it is computed. */
export function draftOf(
  { now, newId }: Pick<Work, 'now' | 'newId'>,
  unit: SubscriptionUnit,
  bill: Bill,
  lines: LineInput[],
): InvoiceDraft {
  const starts = [...bill.periods, ...bill.late].map(({ periodStart }) => periodStart);
  const collectAt = collectOn(bill, now);
  return {
    id: newId(),
    customer: unit.customer,
    subscriptionId: unit.sub.id,
    origin: bill.origin,
    currency: unit.sub.currency,
    lines,
    discounts: discountsFor(unit, starts),
    category: soldFor(unit, bill).productType,
    taxedOn: utcDate(collectAt),
    dueDate: null,
    collectAt,
    notes: null,
    draft: null,
    preGenerated: bill.preGenerated,
  };
}

/** The start of a period that is billed ahead, else the instant of issue (rules S10, V2). */
function collectOn({ periods: [row], preGenerated }: Bill, now: Instant): Instant {
  return preGenerated && row && row.periodStart > now ? row.periodStart : now;
}

/** What and when each bill of a unit is taxed (rules V1, V2). */
export const taxedBy = (unit: SubscriptionUnit, now: Instant): Taxed[] =>
  unit.bills.map((bill) => ({
    place: placeOf(unit.customer, soldFor(unit, bill).productType),
    on: utcDate(collectOn(bill, now)),
  }));

/** What the invoice is for decides its tax (rules V1): the period it charges, else the usage, else the present plan. */
function soldFor(unit: SubscriptionUnit, { periods }: Bill): PlanVersion {
  const row = periods.find(({ kind }) => kind === 'advance') ?? periods[0];
  return row ? unit.versions.get(row.planVersionId)! : versionOf(unit);
}
