import type { Instant } from '../../../platform/calendar.ts';
import { bool, optionalJson } from '../../../platform/db/columns.ts';
import type { Db } from '../../../platform/db/connect.ts';
import { inList } from '../../../platform/db/in-list.ts';
import type { Scope } from '../../../platform/http/principal.ts';
import type { UsageMetric } from '../../pricing/prices.ts';
import { toSubscription } from '../store/subscriptions.ts';
import type { PeriodKind, PeriodState, Subscription } from '../subscription.ts';

/** A period row as far as usage is concerned. */
export interface UsagePeriod {
  id: string;
  kind: PeriodKind;
  start: Instant;
  end: Instant;
  state: PeriodState;
  dirty: boolean;
  /** Since when its tiers are filled, where that is before its start (rules U8). */
  tiersFrom: Instant | null;
  /** Of the price version of the row; null when it bills no usage. */
  metric: UsageMetric | null;
}

/** A subscription that usage is recorded for, locked. */
export interface UsageSubscription {
  sub: Subscription;
  /** Of its present price version. */
  metric: UsageMetric | null;
  periods: UsagePeriod[];
}

/**
 * Locks subscriptions against the billing run for the rest of the transaction, without keeping other usage out: what is
 * recorded under the lock is seen by whoever bills later, and what was billed before is seen here (rules U6). Those
 * that have ended are locked alone, as recording may plan their next action. Foreign and unknown ids are left out.
 * Periods that end at or before `since` are left out as well.
 */
export async function lockForUsage(
  db: Db,
  scope: Scope,
  ids: readonly string[],
  since: Instant,
): Promise<Map<string, UsageSubscription>> {
  const mine = () => {
    const rows = db('subscriptions').whereIn('id', inList(ids)).orderBy('id');
    return scope === null ? rows : rows.where({ customer_id: scope });
  };
  const live = await mine().whereNot('status', 'canceled').forShare();
  const ended = live.length < new Set(ids).size ? await mine().where({ status: 'canceled' }).forNoKeyUpdate() : [];
  const subs = [...live, ...ended].map(toSubscription);
  const metrics = await metricsOf(db, subs);
  const periods = await loadUsagePeriods(db, subs, since);
  return new Map(
    subs.map((sub) => [
      sub.id,
      { sub, metric: metrics.get(sub.planVersionId) ?? null, periods: periods.get(sub.id) ?? [] },
    ]),
  );
}

/** The usage metric of each subscription's present price version. */
async function metricsOf(db: Db, subs: Subscription[]): Promise<Map<string, UsageMetric | null>> {
  if (subs.length === 0) return new Map();
  const rows: { id: string; usage_metric: unknown }[] = await db('plan_versions')
    .whereIn('id', inList(subs.map(({ planVersionId }) => planVersionId)))
    .select('id', 'usage_metric');
  return new Map(rows.map((row) => [row.id, optionalJson<UsageMetric>(row.usage_metric)]));
}

async function loadUsagePeriods(db: Db, subs: Subscription[], since: Instant): Promise<Map<string, UsagePeriod[]>> {
  const periods = new Map<string, UsagePeriod[]>(subs.map(({ id }) => [id, []]));
  if (subs.length === 0) return periods;
  const rows = await db('billing_periods as p')
    .join('plan_versions as v', 'v.id', 'p.plan_version_id')
    .whereIn('p.subscription_id', inList(periods.keys()))
    .where('p.period_end', '>', since)
    .select('p.id', 'p.subscription_id', 'p.kind', 'p.period_start', 'p.period_end', 'p.state', 'p.dirty')
    .select('p.tiers_from', 'v.usage_metric');
  for (const row of rows)
    periods.get(row.subscription_id)!.push({
      id: row.id,
      kind: row.kind,
      start: row.period_start,
      end: row.period_end,
      state: row.state,
      dirty: bool(row.dirty),
      tiersFrom: row.tiers_from,
      metric: optionalJson<UsageMetric>(row.usage_metric),
    });
  return periods;
}

/** The usage row that an instant falls into. */
export const usageRowAt = (periods: readonly UsagePeriod[], at: Instant): UsagePeriod | undefined =>
  periods.find(({ kind, start, end }) => kind === 'usage' && start <= at && at < end);

/** Whether the row has been billed, or found to cost nothing. */
const isBilledUsage = ({ state }: UsagePeriod): boolean => state === 'invoiced' || state === 'skipped';

/** The billed rows that an event of this metric added or voided at `at` makes to be rated again (rules U6, U8). */
export const rowsToRateAgain = (periods: readonly UsagePeriod[], metric: string, at: Instant): UsagePeriod[] =>
  periods.filter(
    (row) =>
      row.kind === 'usage' &&
      row.metric?.name === metric &&
      isBilledUsage(row) &&
      (row.tiersFrom ?? row.start) <= at &&
      at < row.end,
  );

/** Marks usage rows to be rated again, and plans that of subscriptions that have ended (rules U6, U7). */
export async function markDirty(db: Db, rowIds: Iterable<string>, ended: readonly Subscription[]): Promise<void> {
  const ids = inList(rowIds);
  if (ids.length === 0) return;
  // Locked in order: two batches never wait for each other.
  await db('billing_periods').whereIn('id', ids).where({ dirty: false }).orderBy('id').select('id').forNoKeyUpdate();
  await db('billing_periods').whereIn('id', ids).where({ dirty: false }).update({ dirty: true });
  if (ended.length === 0) return;
  await db('subscriptions')
    .whereIn('id', inList(ended.map(({ id }) => id)))
    .where({ status: 'canceled' })
    .whereNull('next_action_at')
    .update({ next_action_at: db.ref('canceled_at') });
}
