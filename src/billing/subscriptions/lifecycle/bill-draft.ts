import { type Instant, utcDate } from '../../../platform/calendar.ts';
import { subtract, ZERO } from '../../../platform/decimal.ts';
import type { Work } from '../../../platform/work.ts';
import type { Billing } from '../../billing.ts';
import type { InvoiceDraft } from '../../invoices/draft.ts';
import { placeOf } from '../../invoices/invoice.ts';
import type { PlanVersion } from '../../plans/plan.ts';
import { advanceLines, type LineInput, lateUsageLine, usageLines } from '../../pricing/lines.ts';
import type { Taxed } from '../../tax/tax-book.ts';
import type { BillingPeriod } from '../subscription.ts';
import { discountsFor } from './discounts.ts';
import { type Bill, chargeOf, type Outcome, versionOf } from './outcome.ts';
import { differenceOf, type Ratings } from './rating.ts';

/** The lines of a bill: what its rows charge, and what has come to rows billed before (rules S8, U7). */
export function linesOf(outcome: Outcome, bill: Bill, ratings: Ratings): LineInput[] {
  if (bill.lines) return bill.lines;
  const charged = bill.periods.flatMap((period) => {
    const rating = ratings.get(period);
    return rating ? usageLines(rating.charge, rating.quantity) : advanceLines(chargeOf(outcome, period));
  });
  return [...charged, ...bill.rerated.flatMap((period) => reratedLines(period, ratings))];
}

function reratedLines(period: BillingPeriod, ratings: Ratings): LineInput[] {
  const rating = ratings.get(period)!;
  const more = differenceOf(period, rating);
  if (more <= 0n) return [];
  return [lateUsageLine(rating.charge, more, subtract(rating.quantity, period.billedQuantity ?? ZERO))];
}

/** The invoices that the outcome's bills come to; null where nothing is to be billed. */
export const draftsOf = (
  { work }: Pick<Billing, 'work'>,
  outcome: Outcome,
  ratings: Ratings,
): { bill: Bill; draft: InvoiceDraft | null }[] =>
  outcome.bills.map((bill) => {
    const lines = linesOf(outcome, bill, ratings);
    return { bill, draft: lines.length > 0 ? draftOf(work, outcome, bill, lines) : null };
  });

/** The invoice of a bill, before it is computed. */
export function draftOf(
  { now, newId }: Pick<Work, 'now' | 'newId'>,
  outcome: Outcome,
  bill: Bill,
  lines: LineInput[],
): InvoiceDraft {
  const starts = [...bill.periods, ...bill.rerated].map(({ periodStart }) => periodStart);
  const collectAt = collectOn(bill, now);
  return {
    id: newId(),
    customer: outcome.customer,
    subscriptionId: outcome.sub.id,
    origin: bill.origin,
    currency: outcome.sub.currency,
    lines,
    discounts: discountsFor(outcome, starts),
    category: soldFor(outcome, bill).productType,
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

/** What and when each bill of an outcome is taxed (rules V1, V2). */
export const taxedBy = (outcome: Outcome, now: Instant): Taxed[] =>
  outcome.bills.map((bill) => ({
    place: placeOf(outcome.customer, soldFor(outcome, bill).productType),
    on: utcDate(collectOn(bill, now)),
  }));

/** What the invoice is for decides its tax (rules V1): the period it charges, else the usage, else the present plan. */
function soldFor(outcome: Outcome, { periods }: Bill): PlanVersion {
  const row = periods.find(({ kind }) => kind === 'advance') ?? periods[0];
  return row ? outcome.versions.get(row.planVersionId)! : versionOf(outcome);
}
