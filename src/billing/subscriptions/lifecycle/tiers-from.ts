import type { Instant } from '../../../platform/calendar.ts';
import type { UsageAggregation } from '../../pricing/prices.ts';
import type { Outcome } from './outcome.ts';

/** Only what the parts of a period add up to goes on after a change. */
const COUNTING_ON: UsageAggregation[] = ['sum', 'count'];

/**
 * Since when the tiers of a usage row that begins at `from` are filled (rules U8): the start of the first earlier row of the
 * period that counts the same metric, where no row between counts it otherwise; null when there is none, or no tiers.
 */
export function tiersFrom({ sub, periods, versions }: Outcome, from: Instant): Instant | null {
  const { tiers, usageMetric: metric } = versions.get(sub.planVersionId)!.price;
  if (tiers === null || metric === null || !COUNTING_ON.includes(metric.aggregation)) return null;
  const earlier = periods.filter(
    ({ kind, periodStart }) => kind === 'usage' && periodStart >= sub.currentPeriodStart && periodStart < from,
  );
  let first: Instant | null = null;
  for (const row of earlier.toSorted((a, b) => (a.periodStart < b.periodStart ? 1 : -1))) {
    const other = versions.get(row.planVersionId)!.price.usageMetric;
    if (other?.name !== metric.name) continue;
    if (other.aggregation !== metric.aggregation) break;
    first = row.periodStart;
  }
  return first;
}
