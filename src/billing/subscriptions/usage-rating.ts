import type { Db } from '../../platform/db/connect.ts';
import { type Decimal, signOf, ZERO } from '../../platform/decimal.ts';
import { type Charge, usageAmount } from '../pricing/lines.ts';
import { aggregateUsage } from '../usage/aggregate.ts';
import type { BillingPeriod } from './subscription.ts';
import { chargeOf, type SubscriptionUnit } from './unit.ts';

/** What a usage row comes to by the events there are now. */
export interface Rating {
  charge: Charge;
  /** Of the aggregation; a negative one bills as 0 (rules U4). */
  quantity: Decimal;
  /** Minor units. */
  amount: bigint;
}
export type Ratings = ReadonlyMap<BillingPeriod, Rating>;

/** Rates every usage row that these units bill, or bill again, in a constant number of statements (rules U4, U5). */
export async function rateUsage(db: Db, units: readonly SubscriptionUnit[]): Promise<Ratings> {
  const rows = units.flatMap((unit) =>
    unit.bills
      .flatMap(({ periods, late }) => [...periods.filter(({ kind }) => kind === 'usage'), ...late])
      .map((period) => ({ period, charge: chargeOf(unit, period) })),
  );
  const quantities = await aggregateUsage(
    db,
    rows.map(({ period, charge }) => rangeOf(period, charge)),
  );
  return new Map(rows.map(({ period, charge }, i) => [period, ratingOf(charge, quantities[i]!)]));
}

const ratingOf = (charge: Charge, usage: Decimal): Rating => {
  const quantity = signOf(usage) < 0 ? ZERO : usage;
  return { charge, quantity, amount: usageAmount(charge, quantity) };
};

function rangeOf({ subscriptionId, periodStart, periodEnd }: BillingPeriod, { price }: Charge) {
  const metric = price.usageMetric;
  if (!metric) throw new Error('A usage row of a plan that does not bill usage.');
  return { subscriptionId, metric: metric.name, aggregation: metric.aggregation, from: periodStart, to: periodEnd };
}

/** Minor units that are to be billed (above 0) or credited (below 0) of a row that was billed before (rules U7). */
export const differenceOf = (period: BillingPeriod, { amount }: Rating): bigint => amount - (period.billedAmount ?? 0n);
