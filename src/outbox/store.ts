import { addMilliseconds, type Instant } from '../platform/calendar.ts';
import { int } from '../platform/db/columns.ts';
import { type Db, dialectOf } from '../platform/db/connect.ts';
import { query } from '../platform/db/sql.ts';

/**
 * The table of a channel. Beside these columns it has `id`, `attempts`, `next_attempt_at` (null when nothing is to come),
 * `last_error`, and an index over (next_attempt_at, id) of the pending rows. `failed` is the state of what was given up.
 */
export interface Queue {
  readonly table: string;
  /** The column of the state, and the word and the instant of what has left. */
  readonly state: 'state' | 'status';
  readonly done: string;
  readonly doneAt: string;
}

export interface ClaimedRow {
  readonly id: string;
  /** Tries so far, this one included. */
  readonly attempts: number;
  readonly row: Readonly<Record<string, unknown>>;
}

export interface Claims {
  readonly claimed: ClaimedRow[];
  /** Ids of those whose last try was claimed and never noted: its process died, and they are failed now. */
  readonly givenUp: string[];
}

export interface Limits {
  /** As many tries as this are claimed, not one more (rules E11). */
  readonly tries: number;
  readonly leaseMs: number;
  readonly atMost: number;
}

const UNFINISHED = 'The last try did not come to an end.';

/**
 * Takes the next due rows: for `leaseMs` nobody else takes them. The try counts from now on, whatever becomes of it.
 * One statement, which commits at once.
 */
export async function claimDue(db: Db, queue: Queue, now: Instant, limits: Limits): Promise<Claims> {
  const { table, state } = queue;
  const { tries, leaseMs, atMost } = limits;
  const [skip, instant] =
    dialectOf(db) === 'postgres' ? ['for update skip locked', 'cast(? as timestamptz)'] : ['', '?'];
  const over = `attempts >= ${tries}`;
  const rows = await query<Record<string, unknown>>(
    db,
    `with due as materialized (
       select id from ${table} where ${state} = 'pending' and next_attempt_at <= ?
       order by next_attempt_at, id limit ${atMost} ${skip})
     update ${table} set
       ${state} = case when ${over} then 'failed' else ${state} end,
       last_error = case when ${over} then ? else last_error end,
       next_attempt_at = case when ${over} then null else ${instant} end,
       attempts = case when ${over} then attempts else attempts + 1 end
     where ${state} = 'pending' and id in (select id from due)
     returning *`,
    [now, UNFINISHED, addMilliseconds(now, leaseMs)],
  );
  const isGivenUp = (row: Record<string, unknown>) => row[state] === 'failed';
  const claimed = rows.filter((row) => !isGivenUp(row));
  return {
    claimed: claimed.map((row) => ({ id: row.id as string, attempts: int(row.attempts), row })),
    givenUp: rows.filter(isGivenUp).map(({ id }) => id as string),
  };
}

/** It has left: true whichever try it was, and also when it was given up meanwhile. */
export const markDone = (db: Db, { table, state, done, doneAt }: Queue, id: string, now: Instant): Promise<number> =>
  db(table)
    .where({ id })
    .whereNot({ [state]: done })
    .update({ [state]: done, [doneAt]: now, next_attempt_at: null, last_error: null });

/** Only of the try it was: a later one knows better. Without `nextAt` there is no further try. */
export const markFailed = (
  db: Db,
  { table, state }: Queue,
  { id, attempts }: Pick<ClaimedRow, 'id' | 'attempts'>,
  error: string,
  nextAt: Instant | null,
): Promise<number> =>
  db(table)
    .where({ id, [state]: 'pending', attempts })
    .update({ [state]: nextAt === null ? 'failed' : 'pending', next_attempt_at: nextAt, last_error: error });
