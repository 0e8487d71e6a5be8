import { addMilliseconds } from '../../platform/calendar.ts';
import { isLockTimeout, isRetryable } from '../../platform/db/errors.ts';
import { AppError } from '../../platform/errors.ts';
import { breathe } from '../../platform/jobs/breathe.ts';
import { inHalves } from '../../platform/jobs/halves.ts';
import { retryConflicts } from '../../platform/retry.ts';
import { inTransaction, type Runtime, type Work } from '../../platform/work.ts';
import { openBilling } from '../billing.ts';
import { performDue } from '../subscriptions/lifecycle/transitions.ts';
import { MAX_ACTIONS } from '../subscriptions/operations/catch-up.ts';
import { readOutcomes } from '../subscriptions/store/load.ts';
import { park } from '../subscriptions/store/parked.ts';
import { lockSubscriptions, updateSubscriptions } from '../subscriptions/store/subscriptions.ts';
import { writeOutcomes } from '../subscriptions/store/write.ts';
import type { Subscription } from '../subscriptions/subscription.ts';
import { type Claim, claimDue } from './claims.ts';
import { count, emptyCounters, type LifecycleCounters, type RunError } from './counters.ts';
import { askTaxes, newTaxRequests, splitByTax, type TaxRequests, type WaitingForTax } from './taxes.ts';

const INFO = { actor: { type: 'system', id: null }, action: 'lifecycle' } as const;
/** Wall-clock share of one batch on SQLite, whose one writer requests wait for; milliseconds. */
const SQLITE_BATCH_MS = 150;
/** A long run says how far it is. */
const PROGRESS_MS = 10_000;
const MAX_BATCH = 500;
const MIN_BATCH = 10;

interface Run {
  runtime: Runtime;
  counters: LifecycleCounters;
  errors: RunError[];
  /** Actions so far of the subscriptions that still had something due after one. */
  actions: Map<string, number>;
  taxes: TaxRequests;
}

export interface RunResult {
  counters: LifecycleCounters;
  errors: RunError[];
}

/**
 * Performs every due action of every subscription, in batches (rules S11): claim, load, compute, write, commit, repeat.
 * Several runners share the work. A failing subscription is retried later or parked and stops nothing (S12).
 */
export async function runLifecycle(runtime: Runtime, stopping = () => false): Promise<RunResult> {
  const run: Run = {
    runtime,
    counters: emptyCounters(),
    errors: [],
    actions: new Map(),
    taxes: newTaxRequests(),
  };
  let size = runtime.database.dialect === 'sqlite' ? 50 : MAX_BATCH;
  let done = 0;
  let told = performance.now();
  while (!stopping()) {
    const started = performance.now();
    const taken = (await runBatch(run, size)) || (await runHeld(run));
    if (taken === 0) break;
    done += taken;
    const elapsed = performance.now() - started;
    if (runtime.database.dialect === 'sqlite') size = nextSize(size, taken, elapsed);
    await breathe();
    runtime.log.debug({ actions: done, batch: taken, ms: Math.round(elapsed) }, 'billing run');
    if (performance.now() - told < PROGRESS_MS) continue;
    told = performance.now();
    runtime.log.info({ actions: done, errors: run.errors.length }, 'billing run goes on');
  }
  if (done > 0) runtime.log.info({ actions: done, errors: run.errors.length }, 'billing run finished');
  return { counters: run.counters, errors: run.errors };
}

const nextSize = (size: number, taken: number, ms: number): number =>
  Math.round(Math.min(MAX_BATCH, Math.max(MIN_BATCH, (taken * SQLITE_BATCH_MS) / Math.max(ms, 1), size / 2)));

/**
 * One that was left out because somebody holds it: another runner, a request, or the recording of its usage, which may
 * hold it most of the time. It is waited for; 0 when none is left, or none is let go in time, which the next run finds.
 */
async function runHeld(run: Run): Promise<number> {
  if (run.runtime.database.dialect === 'sqlite') return 0;
  return runBatch(run, 1, true).catch((error: unknown) => {
    if (isLockTimeout(error)) return 0;
    throw error;
  });
}

/** One transaction over the next due action of many subscriptions; one that fails is split in halves (rules S11). */
async function runBatch(run: Run, limit: number, wait = false): Promise<number> {
  let claimed: string[] = [];
  try {
    const onClaim = (subs: Subscription[]) => {
      claimed = subs.map(({ id }) => id);
    };
    await advanceDue(run, { limit, only: undefined, wait }, onClaim);
  } catch (error) {
    if (claimed.length === 0) throw error;
    const alone = (id: string, reason: unknown) => recordFailure(run, id, reason);
    if (claimed.length === 1) await alone(claimed[0]!, error);
    else
      await inHalves(claimed, (ids) => advanceDue(run, { limit: ids.length, only: ids, wait: false }, () => {}), alone);
  }
  return claimed.length;
}

/** `now` is that of the batch, so that a long run stamps and numbers what it issues in order (rules T1, I2). */
async function advanceDue(
  run: Run,
  which: Pick<Claim, 'limit' | 'only' | 'wait'>,
  onClaim: (subs: Subscription[]) => void,
): Promise<void> {
  const done = await retryConflicts(() =>
    inTransaction(run.runtime, INFO, async (work) => {
      const claimed = await claimDue(work.db, { ...which, now: work.now, without: finished(run) });
      onClaim(claimed);
      const counters = emptyCounters();
      const waiting = claimed.length > 0 ? await advance(work, claimed, counters) : [];
      return { claimed, counters, waiting, now: work.now };
    }),
  );
  count(run.counters, done.counters);
  const left = new Set(done.waiting.map(({ id }) => id));
  for (const sub of done.claimed) if (!left.has(sub.id)) remember(run, sub, done.now);
  const failures = await askTaxes(run.runtime, run.taxes, done.waiting);
  if (failures.size > 0) await recordWaiting(run, failures);
}

/** Answers those that were left as they are, because the tax of their invoice must be asked outside first. */
async function advance(work: Work, subs: Subscription[], counters: LifecycleCounters): Promise<WaitingForTax[]> {
  const billing = await openBilling(work);
  const outcomes = await readOutcomes(work, subs);
  const actions = new Map(outcomes.map((outcome) => [outcome, performDue(outcome, work)]));
  const { ready, waiting } = await splitByTax(billing, outcomes);
  const saved = await writeOutcomes(billing, ready);
  for (const { outcome, issued } of saved) {
    const action = actions.get(outcome);
    const ended = outcome.sub.status === 'canceled' && outcome.before.status !== 'canceled';
    if (action === 'trial_notice') counters.trialNotices += 1;
    if (action === 'pre_renewal') counters.invoicesPreGenerated += issued.length;
    if (outcome.change) counters.planChangesApplied += 1;
    if (outcome.renewed) counters.renewed += 1;
    if (ended) counters.canceled += 1;
    if (action === 'boundary' && outcome.before.status === 'trialing' && !ended) counters.trialsConverted += 1;
    counters.invoicesGenerated += issued.length;
    work.audit({ entityType: 'subscription', entityId: outcome.sub.id, reason: action ?? 'nothing due' });
  }
  return waiting;
}

function remember(run: Run, sub: Subscription, now: string): void {
  if (!sub.nextActionAt || sub.nextActionAt > now) run.actions.delete(sub.id);
  else run.actions.set(sub.id, (run.actions.get(sub.id) ?? 0) + 1);
}

const finished = (run: Run): string[] =>
  [...run.actions].filter(([, actions]) => actions >= MAX_ACTIONS).map(([id]) => id);

/** A provider that fails may answer later, and so may a busy database (rules S12). */
const mayPass = (error: unknown): boolean =>
  isRetryable(error) || (error instanceof AppError && error.code === 'provider_error');

const RETRY_MS = 5 * 60_000;
const MAX_RETRY_MS = 6 * 3_600_000;

/** What may pass is tried again with growing pauses; anything else is parked with its evidence (rules S12). */
async function recordFailure({ runtime, errors }: Run, id: string, error: unknown): Promise<void> {
  const message =
    error instanceof AppError ? error.message : isRetryable(error) ? 'The database was busy.' : describe(error);
  runtime.log.error({ err: error, subscriptionId: id }, 'the billing of a subscription failed');
  errors.push({ resourceType: 'subscription', resourceId: id, message });
  await inTransaction(runtime, INFO, async (work) => {
    // Read again: another runner may have succeeded meanwhile.
    const [stored] = await lockSubscriptions(work.db, [id]);
    if (!stored?.nextActionAt || stored.nextActionAt > work.now) return;
    if (!mayPass(error)) return parkSubscription(work, stored, error, message);
    tryLater(stored, work.now, message);
    await updateSubscriptions(work.db, [stored]);
  });
}

/** As recordFailure, for many that wait for the tax provider: one transaction. */
async function recordWaiting({ runtime, errors }: Run, failures: Map<string, AppError>): Promise<void> {
  for (const [id, { message }] of failures) errors.push({ resourceType: 'subscription', resourceId: id, message });
  runtime.log.error({ subscriptions: failures.size }, 'subscriptions wait for the tax provider');
  await retryConflicts(() =>
    inTransaction(runtime, INFO, async ({ db, now }) => {
      const stored = await lockSubscriptions(db, [...failures.keys()]);
      const due = stored.filter(({ nextActionAt }) => nextActionAt && nextActionAt <= now);
      for (const sub of due) tryLater(sub, now, failures.get(sub.id)!.message);
      await updateSubscriptions(db, due);
    }),
  );
}

function tryLater(sub: Subscription, now: string, message: string): void {
  const pause = Math.min(RETRY_MS * 2 ** sub.errorCount, MAX_RETRY_MS);
  sub.errorCount += 1;
  sub.lastError = message;
  sub.nextActionAt = addMilliseconds(now, pause);
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
