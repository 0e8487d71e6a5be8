import { addDays } from '../calendar.ts';
import type { Config } from '../config.ts';
import type { Db } from '../db/connect.ts';
import type { Runtime } from '../work.ts';
import { breathe } from './breathe.ts';

/** Rows that nobody needs any more some days after an instant of theirs. Each has an index that finds the oldest. */
export interface Retention {
  /** For answers and the log. */
  readonly name: string;
  readonly table: string;
  /** The primary key. */
  readonly key: readonly string[];
  /** The instant from which the days count; null: kept. */
  readonly since: string;
  /** Only rows with these values. */
  readonly only?: Readonly<Record<string, unknown>>;
  days(config: Config): number;
}

const BATCH = 1000;
/** Of one kind in one run: what is left waits for the next one. */
const BATCHES = 1000;

/**
 * Deletes what is over (rules §22), oldest first, in batches that commit on their own and let others pass. Answers the rows
 * deleted, by name.
 */
export async function cleanUp(
  runtime: Runtime,
  retentions: readonly Retention[],
  stopping = () => false,
): Promise<Record<string, number>> {
  const { database, clock, config } = runtime;
  const deleted: Record<string, number> = {};
  for (const retention of retentions) {
    const until = addDays(clock.now(), -retention.days(config));
    deleted[retention.name] = await inBatches(database.write, retention, until, stopping);
  }
  return deleted;
}

async function inBatches(db: Db, retention: Retention, until: string, stopping: () => boolean): Promise<number> {
  const { table, key, since, only = {} } = retention;
  let total = 0;
  for (let batch = 0; batch < BATCHES && !stopping(); batch++) {
    const old = db(table).where(only).where(since, '<=', until).orderBy(since).select(key).limit(BATCH);
    const deleted = await db(table)
      .whereIn([...key], old)
      .delete();
    total += deleted;
    if (deleted < BATCH) break;
    await breathe();
  }
  return total;
}
