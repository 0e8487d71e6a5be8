import { addMilliseconds } from '../../platform/calendar.ts';
import { isRetryable } from '../../platform/db/errors.ts';
import { AppError } from '../../platform/errors.ts';
import { breathe } from '../../platform/jobs/breathe.ts';
import { inTransaction, type Runtime, type Work } from '../../platform/work.ts';
import { closeBilling, openBilling } from '../billing.ts';
import { MAX_ACTIONS } from '../subscriptions/due.ts';
import { saveUnits } from '../subscriptions/save.ts';
import { lockSubscriptions, updateSubscriptions } from '../subscriptions/store.ts';
import type { Subscription } from '../subscriptions/subscription.ts';
import { performDue } from '../subscriptions/transitions.ts';
import { loadUnits } from '../subscriptions/unit.ts';
import { claimDue } from './claims.ts';
import { count, emptyCounters, type LifecycleCounters, type RunError } from './counters.ts';
import { park } from './parked-store.ts';

const INFO = { actor: { type: 'system', id: null }, action: 'lifecycle' } as const;
/** Wall-clock share of one batch on SQLite, whose one writer requests wait for; milliseconds. */
const SQLITE_BATCH_MS = 150;
const MAX_BATCH = 500;
const MIN_BATCH = 10;

interface Run {
  runtime: Runtime;
  now: string;
  counters: LifecycleCounters;
  errors: RunError[];
  /** Actions so far of the subscriptions that still had something due after one. */
  actions: Map<string, number>;
  stopping: () => boolean;
}

export interface LifecycleOutcome {
  counters: LifecycleCounters;
  errors: RunError[];
}

/**
 * Performs every due action of every subscription, in batches (rules S11): claim, load, compute, write, commit, repeat.
 * Several runners share the work. A failing subscription is retried later or parked and stops nothing (S12).
 */
export async function runLifecycle(runtime: Runtime, stopping = () => false): Promise<LifecycleOutcome> {
  const run: Run = {
    runtime,
    now: runtime.clock.now(),
    counters: emptyCounters(),
    errors: [],
    actions: new Map(),
    stopping,
  };
  let size = runtime.database.dialect === 'sqlite' ? 50 : MAX_BATCH;
  let done = 0;
  while (!stopping()) {
    const started = performance.now();
    const taken = await runBatch(run, size);
    if (taken === 0) break;
    done += taken;
    const elapsed = performance.now() - started;
    if (runtime.database.dialect === 'sqlite') size = nextSize(size, taken, elapsed);
    await breathe();
    runtime.log.debug({ done, batch: taken, ms: Math.round(elapsed) }, 'billing run');
  }
  if (done > 0) runtime.log.info({ actions: done, errors: run.errors.length }, 'billing run finished');
  return { counters: run.counters, errors: run.errors };
}

const nextSize = (size: number, taken: number, ms: number): number =>
  Math.round(Math.min(MAX_BATCH, Math.max(MIN_BATCH, (taken * SQLITE_BATCH_MS) / Math.max(ms, 1), size / 2)));

/** One transaction over the next due action of many subscriptions; on failure it is split in halves (rules S11). */
async function runBatch(run: Run, limit: number, only?: string[]): Promise<number> {
  let claimed: Subscription[] = [];
  const counters = emptyCounters();
  try {
    await inTransaction(run.runtime, { ...INFO, now: run.now }, async (work) => {
      Object.assign(counters, emptyCounters());
      claimed = await claimDue(work.db, { now: run.now, limit, without: finished(run), ...(only ? { only } : {}) });
      if (claimed.length > 0) await advance(run, work, claimed, counters);
    });
  } catch (error) {
    return fail(run, claimed, error);
  }
  count(run.counters, counters);
  return claimed.length;
}

async function advance(run: Run, work: Work, subs: Subscription[], counters: LifecycleCounters): Promise<void> {
  const billing = await openBilling(work);
  const units = await loadUnits(work, subs);
  const actions = units.map((unit) => performDue(unit, work));
  const saved = await saveUnits(billing, units);
  await closeBilling(billing);
  for (const [i, { unit, issued }] of saved.entries()) {
    const action = actions[i];
    const ended = unit.sub.status === 'canceled' && unit.before.status !== 'canceled';
    if (action === 'trial_notice') counters.trialNotices += 1;
    if (action === 'pre_renewal') counters.invoicesPreGenerated += issued.length;
    if (unit.renewed) counters.renewed += 1;
    if (ended) counters.canceled += 1;
    if (action === 'boundary' && unit.before.status === 'trialing' && !ended) counters.trialsConverted += 1;
    counters.invoicesGenerated += issued.length;
    work.audit({ entityType: 'subscription', entityId: unit.sub.id, reason: action ?? 'nothing due' });
    remember(run, unit.sub);
  }
}

function remember(run: Run, sub: Subscription): void {
  if (!sub.nextActionAt || sub.nextActionAt > run.now) run.actions.delete(sub.id);
  else run.actions.set(sub.id, (run.actions.get(sub.id) ?? 0) + 1);
}

const finished = (run: Run): string[] =>
  [...run.actions].filter(([, actions]) => actions >= MAX_ACTIONS).map(([id]) => id);

async function fail(run: Run, claimed: Subscription[], error: unknown): Promise<number> {
  if (claimed.length === 0) throw error;
  if (claimed.length === 1) {
    await recordFailure(run, claimed[0]!, error);
    return 1;
  }
  const ids = claimed.map(({ id }) => id);
  const middle = Math.ceil(ids.length / 2);
  for (const half of [ids.slice(0, middle), ids.slice(middle)])
    if (!run.stopping()) await runBatch(run, half.length, half);
  return claimed.length;
}

const RETRY_MS = 5 * 60_000;
const MAX_RETRY_MS = 6 * 3_600_000;

/** What may pass is tried again with growing pauses; anything else is parked with its evidence (rules S12). */
async function recordFailure(run: Run, sub: Subscription, error: unknown): Promise<void> {
  const { runtime, now } = run;
  const message =
    error instanceof AppError ? error.message : isRetryable(error) ? 'The database was busy.' : describe(error);
  runtime.log.error({ err: error, subscriptionId: sub.id }, 'the billing of a subscription failed');
  run.errors.push({ resourceType: 'subscription', resourceId: sub.id, message });
  await inTransaction(runtime, { ...INFO, now }, async (work) => {
    // Read again: the failed try has changed its copy, and another runner may have succeeded meanwhile.
    const [stored] = await lockSubscriptions(work.db, [sub.id]);
    if (!stored?.nextActionAt || stored.nextActionAt > now) return;
    if (!isRetryable(error)) return parkSubscription(work, stored, error, message);
    const pause = Math.min(RETRY_MS * 2 ** stored.errorCount, MAX_RETRY_MS);
    stored.errorCount += 1;
    stored.lastError = message;
    stored.nextActionAt = addMilliseconds(now, pause);
    await updateSubscriptions(work.db, [stored]);
  });
}

export async function parkSubscription(work: Work, sub: Subscription, error: unknown, message: string): Promise<void> {
  await park(work.db, {
    id: work.newId(),
    subscriptionId: sub.id,
    customerId: sub.customerId,
    code: error instanceof AppError ? error.code : 'internal_error',
    message,
    evidence: {
      status: sub.status,
      currentPeriodStart: sub.currentPeriodStart,
      currentPeriodEnd: sub.currentPeriodEnd,
      nextActionAt: sub.nextActionAt,
      error: error instanceof Error ? error.name : 'unknown',
      fields: error instanceof AppError ? (error.fields ?? null) : null,
    },
    attempts: 1,
    parkedAt: work.now,
    resolvedAt: null,
    createdAt: work.now,
  });
  work.audit({ entityType: 'subscription', entityId: sub.id, reason: 'parked' });
}

const describe = (error: unknown): string => (error instanceof Error ? error.message.slice(0, 500) : 'unknown error');
