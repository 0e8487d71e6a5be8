import type { Instant } from '../../platform/calendar.ts';
import type { Db } from '../../platform/db/connect.ts';
import { afterFailure, type Counter, refuseBlocked } from './throttle.ts';

/** Counters of these keys; keys without a failure have none. */
export async function findCounters(db: Db, keys: string[]): Promise<Counter[]> {
  return (await db('login_throttle').whereIn('key', keys)).map(toCounter);
}

/**
 * Counts one failure under each key, serialised by row locks.
 * Throws AppError `rate_limited`, counting nothing, when a parallel attempt has blocked a key meanwhile.
 */
export async function countFailure(db: Db, keys: string[], now: Instant): Promise<void> {
  const fresh = keys.map((key) => ({ key, failures: 0, last_failure_at: now, blocked_until: null }));
  await db('login_throttle').insert(fresh).onConflict('key').ignore();
  const counters = await lockCounters(db, keys);
  refuseBlocked(counters, now);
  for (const counter of counters) {
    const next = afterFailure(counter, now);
    await db('login_throttle').where({ key: next.key }).update({
      failures: next.failures,
      last_failure_at: next.lastFailureAt,
      blocked_until: next.blockedUntil,
    });
  }
}

/**
 * Forgets the failures of the e-mail after a success.
 * Throws AppError `rate_limited` when a parallel attempt has blocked a key meanwhile: parallel guesses gain nothing.
 */
export async function forgetFailures(db: Db, keys: string[], emailKey: string, now: Instant): Promise<void> {
  refuseBlocked(await lockCounters(db, keys), now);
  await forgetCounter(db, emailKey);
}

export async function forgetCounter(db: Db, key: string): Promise<void> {
  await db('login_throttle').where({ key }).delete();
}

async function lockCounters(db: Db, keys: string[]): Promise<Counter[]> {
  return (await db('login_throttle').whereIn('key', keys).orderBy('key').forNoKeyUpdate()).map(toCounter);
}

interface CounterRow {
  key: string;
  failures: number;
  last_failure_at: Instant;
  blocked_until: Instant | null;
}

const toCounter = (row: CounterRow): Counter => ({
  key: row.key,
  failures: Number(row.failures),
  lastFailureAt: row.last_failure_at,
  blockedUntil: row.blocked_until,
});
