import { addDays, addMilliseconds, type Instant } from '../../platform/calendar.ts';
import { signOf } from '../../platform/decimal.ts';
import { AppError, invalid, notFound, refuse } from '../../platform/errors.ts';
import type { Scope } from '../../platform/http/principal.ts';
import type { UsageMetric } from '../pricing/prices.ts';
import { type UsagePeriod, type UsageSubscription, usageRowAt } from '../subscriptions/usage/rows.ts';
import type { SentEvent } from './usage-event.ts';

/** The oldest and the latest timestamp that is taken at `now`, both inclusive (rules U3). */
export interface Limits {
  oldest: Instant;
  latest: Instant;
}

export const limitsAt = (
  now: Instant,
  { usageMaxAgeDays, usageFutureToleranceSeconds }: { usageMaxAgeDays: number; usageFutureToleranceSeconds: number },
): Limits => ({
  oldest: addDays(now, -usageMaxAgeDays),
  latest: addMilliseconds(now, usageFutureToleranceSeconds * 1000),
});

/** Where an accepted event belongs. */
export interface Place {
  at: Instant;
  metric: UsageMetric;
  /** Undefined in a trial, and in a period that the billing run has not begun yet. */
  row: UsagePeriod | undefined;
}

/**
 * Judges one event alone (rules U3, U9). Throws AppError `not_found`, `validation_error`, `subscription_not_active`,
 * `forbidden`.
 */
export function judgeEvent(event: SentEvent, of: UsageSubscription | undefined, limits: Limits, scope: Scope): Place {
  if (!of) throw notFound('subscription');
  const at = beginningOf(event.timestamp, of);
  checkTime(at, of, limits);
  const row = usageRowAt(of.periods, at);
  const metric = row ? row.metric : metricWithoutRow(at, of);
  if (metric?.name !== event.metric) throw invalid({ metricName: 'is not the metric of the plan' });
  const { uniqueProperty: name } = metric;
  if (name !== null && !Object.hasOwn(event.properties, name))
    throw invalid({ [`properties.${name}`]: 'is required: the plan counts its different values' });
  if (scope !== null) refuseOwn(event, metric, row);
  return { at, metric, row };
}

/** Nobody counts in fractions of a second what began within one: such an event counts from the beginning (rules U3). */
function beginningOf(at: Instant, { sub, periods }: UsageSubscription): Instant {
  const inTrial = sub.trialEnd !== null && sub.createdAt <= at && at < sub.trialEnd;
  if (inTrial || periods.some(({ start, end }) => start <= at && at < end)) return at;
  const begun = [sub.createdAt, ...periods.map(({ start }) => start)];
  return begun.find((start) => at < start && secondOf(at) === secondOf(start)) ?? at;
}
const secondOf = (at: Instant): string => at.slice(0, 'YYYY-MM-DDTHH:MM:SS'.length);

/** A caller narrowed to a customer adds to what is billed; it takes nothing back and replaces nothing (rules U9). */
function refuseOwn({ value }: SentEvent, { aggregation }: UsageMetric, row: UsagePeriod | undefined): void {
  if (signOf(value) < 0) throw forbidden('takes usage back');
  if (aggregation === 'last') throw forbidden('replaces what was reported, as the last value counts');
  if (row && row.state !== 'pending') throw forbidden('concerns a period that has been billed');
}

const forbidden = (why: string) => new AppError('forbidden', `An API key of a customer cannot report what ${why}.`);

function checkTime(at: Instant, { sub }: UsageSubscription, { oldest, latest }: Limits): void {
  if (at > latest) throw invalid({ timestamp: 'is too far in the future' });
  if (at < oldest) throw invalid({ timestamp: 'is too old' });
  if (at < sub.createdAt) throw invalid({ timestamp: 'is before the first period of the subscription' });
  if (sub.canceledAt !== null && at >= sub.canceledAt) throw notActive('has ended');
  if (at < sub.currentPeriodEnd) return;
  if (sub.status === 'paused') throw notActive('was paused');
  if (sub.cancelAtPeriodEnd) throw notActive('ends with its period');
}

/** In a trial and in periods still to begin the present plan holds; in a gap nothing does (rules U3). */
function metricWithoutRow(at: Instant, { sub, periods, metric }: UsageSubscription): UsageMetric | null {
  const ahead = sub.status !== 'canceled' && at >= sub.currentPeriodEnd;
  const inTrial = sub.trialEnd !== null && at < sub.trialEnd;
  if (ahead || inTrial) return metric;
  const covered = periods.some(({ start, end }) => start <= at && at < end);
  if (!covered) throw notActive('was paused');
  return null; // a plan without usage was in force
}

const notActive = (why: string) => refuse('subscription_not_active', `The subscription ${why} at that time.`);
