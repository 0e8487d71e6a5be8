import type { Instant } from '../../platform/calendar.ts';
import type { Db } from '../../platform/db/connect.ts';
import { query } from '../../platform/db/sql.ts';

/** Ids named per violation; one more is read, to know whether there are others. */
export const MAX_IDS = 20;

/** One statement of rules §20. `find` answers the ids that break it, at most MAX_IDS + 1. */
export interface Check {
  invariant: string;
  detail: string;
  find(db: Db, now: Instant): Promise<string[]>;
}

/** A check as one SELECT with a text column `id`; it reads every row at most a constant number of times. */
export function sqlCheck(
  invariant: string,
  detail: string,
  sql: string,
  bindings: (now: Instant) => Instant[] = () => [],
): Check {
  const limited = `select id from (${sql}) found order by id limit ${MAX_IDS + 1}`;
  return {
    invariant,
    detail,
    find: async (db, now) => (await query<{ id: string }>(db, limited, bindings(now))).map(({ id }) => id),
  };
}

const PAGE = 2000;

/**
 * Reads rows in pages by id, for what SQL cannot compute on both databases: exact decimals and calendar months.
 * `page` is a SELECT with an `id` column that takes the last id seen as its one value; it must order by id.
 */
export async function* pagesById<Row extends { id: string }>(db: Db, page: string): AsyncGenerator<Row[]> {
  for (let last = ''; ; ) {
    const rows = await query<Row>(db, `${page} limit ${PAGE}`, [last]);
    if (rows.length > 0) yield rows;
    if (rows.length < PAGE) return;
    last = rows.at(-1)!.id;
  }
}
