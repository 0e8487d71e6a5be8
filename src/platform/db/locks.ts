import { type Db, dialectOf } from './connect.ts';

/**
 * Holds names until the end of the transaction: whoever names one of them waits. For rules over rows that may not
 * exist yet, where there is no row to lock. On SQLite the one writer is lock enough. Call it once per transaction:
 * the names of one call are taken in order, so that two calls never wait for each other.
 */
export async function lockNames(db: Db, names: readonly string[]): Promise<void> {
  if (dialectOf(db) === 'sqlite') return;
  for (const name of [...new Set(names)].sort())
    await db.raw('select pg_advisory_xact_lock(hashtextextended(?, 0))', [name]);
}
