import { addDays } from '../platform/calendar.ts';
import type { Db } from '../platform/db/connect.ts';
import type { Runtime } from '../platform/work.ts';
import { FORGET_AFTER_DAYS } from './throttle.ts';

const KEEP_EXPIRED_SESSIONS_DAYS = 30;
const BATCH = 1000;

export interface CleanUpResult {
  sessions: number;
  throttle: number;
  idempotencyKeys: number;
}

/** Deletes what nobody can use any more (rules §22), in batches that commit on their own. Returns the rows deleted. */
export async function cleanUp(runtime: Runtime): Promise<CleanUpResult> {
  const db = runtime.database.write;
  const now = runtime.clock.now();
  return {
    sessions: await inBatches(db, 'sessions', ['token_hash'], 'expires_at', addDays(now, -KEEP_EXPIRED_SESSIONS_DAYS)),
    throttle: await inBatches(db, 'login_throttle', ['key'], 'last_failure_at', addDays(now, -FORGET_AFTER_DAYS)),
    idempotencyKeys: await inBatches(db, 'idempotency_keys', ['scope', 'key'], 'expires_at', now),
  };
}

async function inBatches(db: Db, table: string, key: string[], column: string, until: string): Promise<number> {
  for (let total = 0; ; ) {
    const old = db(table).where(column, '<=', until).orderBy(column).select(key).limit(BATCH);
    const deleted = await db(table).whereIn(key, old).delete();
    total += deleted;
    if (deleted < BATCH) return total;
  }
}
