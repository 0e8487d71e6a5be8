import type { UsageSummary } from '../../../generated/types.gen.ts';
import type { Instant } from '../../platform/calendar.ts';
import type { Db } from '../../platform/db/connect.ts';
import { formatDecimal } from '../../platform/decimal.ts';
import { invalid } from '../../platform/errors.ts';
import { aggregateUsage } from '../metering/aggregate.ts';
import { loadPlanVersions } from '../plans/store.ts';
import type { UsageAggregation } from '../pricing/prices.ts';
import type { Subscription } from '../subscriptions/subscription.ts';
import { countByMetric } from './store.ts';

/**
 * The usage of a subscription in a range, by default of its current period: the plan's metric by its aggregation,
 * metrics of earlier plans summed (contract 3.6). Throws AppError `validation_error`.
 */
export async function summarise(
  db: Db,
  sub: Subscription,
  range: { from?: Instant; to?: Instant },
): Promise<UsageSummary> {
  const from = range.from ?? sub.currentPeriodStart;
  const to = range.to ?? sub.currentPeriodEnd;
  if (from >= to) throw invalid({ [range.to ? 'to' : 'from']: 'leaves nothing of the current period' });
  const present = (await loadPlanVersions(db, [sub.planVersionId])).get(sub.planVersionId)?.price.usageMetric;
  const counts = await countByMetric(db, sub.id, from, to);
  const earlier = [...counts.keys()].filter((name) => name !== present?.name).sort();
  const metrics: { name: string; aggregation: UsageAggregation }[] = [
    ...(present ? [{ name: present.name, aggregation: present.aggregation }] : []),
    ...earlier.map((name) => ({ name, aggregation: 'sum' as const })),
  ];
  const totals = await aggregateUsage(
    db,
    metrics.map(({ name, aggregation }) => ({ subscriptionId: sub.id, metric: name, aggregation, from, to })),
  );
  return {
    subscriptionId: sub.id,
    periodStart: from,
    periodEnd: to,
    metrics: metrics.map(({ name, aggregation }, i) => ({
      metricName: name,
      aggregation,
      totalValue: formatDecimal(totals[i]!),
      recordCount: counts.get(name) ?? 0,
    })),
  };
}
