import type { Instant } from '../../../platform/calendar.ts';
import type { Db } from '../../../platform/db/connect.ts';
import { type Decimal, signOf, ZERO } from '../../../platform/decimal.ts';
import { aggregateUsage } from '../../metering/aggregate.ts';
import { type Charge, usageAmount } from '../../pricing/lines.ts';
import { chargeOf, type Outcome } from '../lifecycle/outcome.ts';
import type { Rating, Ratings } from '../lifecycle/rating.ts';
import type { BillingPeriod } from '../subscription.ts';

/** Rates every usage row that these outcomes bill, or bill again, in a constant number of statements (rules U4, U5). */
export async function rateUsage(db: Db, outcomes: readonly Outcome[]): Promise<Ratings> {
  const rows = outcomes.flatMap((outcome) =>
    outcome.bills
      .flatMap(({ periods, rerated }) => [...periods.filter(({ kind }) => kind === 'usage'), ...rerated])
      .map((period) => ({ ...period, charge: chargeOf(outcome, period), period })),
  );
  const usages = await measureUsage(
    db,
    rows.map(({ charge: { price }, ...row }) => ({ ...row, price })),
  );
  return new Map(rows.map(({ period, charge }, i) => [period, ratingOf(charge, usages[i]!)]));
}

const ratingOf = (charge: Charge, { quantity, usedBefore }: Usage): Rating => {
  const counting = { ...charge, usedBefore };
  return { charge: counting, quantity, amount: usageAmount(counting, quantity) };
};

type Measured = Pick<BillingPeriod, 'subscriptionId' | 'periodStart' | 'periodEnd' | 'tiersFrom'> &
  Pick<Charge, 'price'>;

/** What a usage row counts, and what was counted before it where its tiers go on (rules U8); neither is below 0. */
export interface Usage {
  quantity: Decimal;
  usedBefore: Decimal;
}

export async function measureUsage(db: Db, rows: readonly Measured[]): Promise<Usage[]> {
  const before = rows.flatMap((row) => (row.tiersFrom === null ? [] : [rangeOf(row, row.tiersFrom, row.periodStart)]));
  const own = rows.map((row) => rangeOf(row, row.periodStart, row.periodEnd));
  const found = (await aggregateUsage(db, [...own, ...before])).map((usage) => (signOf(usage) < 0 ? ZERO : usage));
  const counted = found.slice(rows.length).values();
  return rows.map(({ tiersFrom }, i) => ({
    quantity: found[i]!,
    usedBefore: tiersFrom === null ? ZERO : counted.next().value!,
  }));
}

function rangeOf({ subscriptionId, price: { usageMetric: metric } }: Measured, from: Instant, to: Instant) {
  if (!metric) throw new Error('A usage row of a plan that does not bill usage.');
  return { subscriptionId, metric: metric.name, aggregation: metric.aggregation, from, to };
}
