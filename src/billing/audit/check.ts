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

/** Of rows that carry much: documents with their lines and evidence. */
export const SMALL_PAGE = 250;

/**
 * Reads rows in pages by id, for what SQL cannot compute on both databases: exact decimals and calendar months.
 * `page` is a SELECT with an `id` column that takes the last id seen as its one value; it must order by id.
 */
export async function* pagesById<Row extends { id: string }>(db: Db, page: string, size = PAGE): AsyncGenerator<Row[]> {
  for (let last = ''; ; ) {
    const rows = await query<Row>(db, `${page} limit ${size}`, [last]);
    if (rows.length > 0) yield rows;
    if (rows.length < size) return;
    last = rows.at(-1)!.id;
  }
}

/** A check over pages of pagesById; `wrong` answers the ids of a page that break it, with a fixed number of statements. */
export const pageCheck = <Row extends { id: string }>(
  invariant: string,
  detail: string,
  page: string,
  wrong: (db: Db, rows: Row[]) => string[] | Promise<string[]>,
  size = PAGE,
): Check => ({
  invariant,
  detail,
  async find(db) {
    const found: string[] = [];
    for await (const rows of pagesById<Row>(db, page, size)) {
      found.push(...(await wrong(db, rows)));
      if (found.length > MAX_IDS) break;
    }
    return found.slice(0, MAX_IDS + 1);
  },
});

/** `?` for each of some values, for `in (…)`. */
export const marks = (values: readonly unknown[]): string => values.map(() => '?').join(', ');
