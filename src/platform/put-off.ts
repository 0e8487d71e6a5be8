import { addMilliseconds, type Instant } from './calendar.ts';
import { upsertRows } from './db/bulk.ts';
import { int, json, toJson } from './db/columns.ts';
import { type Db, dialectOf } from './db/connect.ts';
import { isRetryable } from './db/errors.ts';
import { inList } from './db/in-list.ts';
import { execute, query } from './db/sql.ts';
import { breathe } from './jobs/breathe.ts';
import { inHalves } from './jobs/halves.ts';
import { retryConflicts, Unprepared } from './retry.ts';
import { inTransaction, type Runtime, type Work } from './work.ts';

// What is made beside money, in its commit, must not undo it (rules X8): when it fails it is put off, and made later.

export type PutOffKind = 'license_follow' | 'event_emails';

/** What is to be made later; a second one of a subject takes the place of the first. */
export interface PutOff {
  kind: PutOffKind;
  /** Names it among those of its kind. */
  subject: string;
  data: unknown;
}

const FIRST_PAUSE_MS = 60_000;
const LONGEST_PAUSE_MS = 6 * 3_600_000;
const BATCH = 200;

/**
 * Runs `make`; when it fails, everything it did is undone, `later` is stored in the same commit, and the work goes on. What
 * the database may do again by itself (a deadlock, a lost connection) is thrown: the whole work is done again.
 */
export async function aside(work: Work, make: () => Promise<void>, later: () => PutOff[]): Promise<void> {
  const told = [work.events.length, work.audits.length] as const;
  await execute(work.db, 'SAVEPOINT aside');
  try {
    await make();
  } catch (error) {
    if (isRetryable(error) || error instanceof Unprepared) throw error;
    await execute(work.db, 'ROLLBACK TO SAVEPOINT aside');
    await execute(work.db, 'RELEASE SAVEPOINT aside');
    [work.events.length, work.audits.length] = told;
    return storePutOff(work, later(), error);
  }
  await execute(work.db, 'RELEASE SAVEPOINT aside');
}

async function storePutOff(work: Work, items: readonly PutOff[], error: unknown): Promise<void> {
  const kinds = [...new Set(items.map(({ kind }) => kind))];
  work.runtime.log.error({ err: error, kinds, subjects: items.length }, 'put off, to be made later');
  const rows = items.map(({ kind, subject, data }) => ({
    id: work.newId(),
    kind,
    subject,
    data: toJson(data),
    error: describe(error),
    attempts: 1,
    next_attempt_at: addMilliseconds(work.now, FIRST_PAUSE_MS),
    created_at: work.now,
  }));
  const again = `on conflict (kind, subject) do update set data = excluded.data, error = excluded.error,
    next_attempt_at = excluded.next_attempt_at returning id`;
  await upsertRows(work.db, 'put_off', rows, again);
}

/** What waits of these subjects, by subject. */
export async function findPutOff<Data>(db: Db, kind: PutOffKind, subjects: string[]): Promise<Map<string, Data>> {
  const rows: { subject: string; data: unknown }[] = await db('put_off')
    .where({ kind })
    .whereIn('subject', inList(subjects))
    .select('subject', 'data');
  return new Map(rows.map(({ subject, data }) => [subject, json<Data>(data)]));
}

export async function forgetPutOff(db: Db, kind: PutOffKind, subjects: readonly string[]): Promise<void> {
  if (subjects.length > 0) await db('put_off').where({ kind }).whereIn('subject', inList(subjects)).delete();
}

export interface Redo<Data> {
  kind: PutOffKind;
  /** Taken before the rows, in the order of rules X3. */
  hold?: (db: Db, subjects: string[]) => Promise<void>;
  make: (work: Work, items: { subject: string; data: Data }[]) => Promise<void>;
}

export interface RedoOutcome {
  done: number;
  errors: { resourceType: string; resourceId: string; message: string }[];
}

/** Makes what was put off and is due, 200 in a commit; what fails again waits longer each time, six hours at most. */
export async function redo<Data>(runtime: Runtime, what: Redo<Data>, stopping = () => false): Promise<RedoOutcome> {
  const { database, clock, log } = runtime;
  const info = { actor: { type: 'system', id: null }, action: 'put off' } as const;
  const outcome: RedoOutcome = { done: 0, errors: [] };
  const until = clock.now();
  while (!stopping()) {
    const due = await listDue(database.read, what.kind, until);
    if (due.length === 0) break;
    const makeSome = async (subjects: string[]) => {
      outcome.done += await retryConflicts(() => inTransaction(runtime, info, (work) => makeAll(work, what, subjects)));
    };
    await inHalves(due, makeSome, async (subject, error) => {
      log.error({ err: error, kind: what.kind, subject }, 'still cannot be made');
      outcome.errors.push({ resourceType: what.kind, resourceId: subject, message: describe(error) });
      await inTransaction(runtime, info, ({ db, now }) => tryLater(db, what.kind, subject, error, now));
    });
    await breathe();
  }
  return outcome;
}

async function listDue(db: Db, kind: PutOffKind, until: Instant): Promise<string[]> {
  const rows: { subject: string }[] = await db('put_off')
    .where({ kind })
    .where('next_attempt_at', '<=', until)
    .orderBy(['next_attempt_at', 'id'])
    .limit(BATCH)
    .select('subject');
  return rows.map(({ subject }) => subject);
}

async function makeAll<Data>(work: Work, { kind, hold, make }: Redo<Data>, subjects: string[]): Promise<number> {
  await hold?.(work.db, subjects);
  const rows: { subject: string; data: unknown }[] = await work
    .db('put_off')
    .where({ kind })
    .whereIn('subject', inList(subjects))
    .orderBy('id')
    .forUpdate()
    .select('subject', 'data');
  if (rows.length === 0) return 0;
  await make(
    work,
    rows.map(({ subject, data }) => ({ subject, data: json<Data>(data) })),
  );
  await forgetPutOff(work.db, kind, subjects);
  return rows.length;
}

async function tryLater(db: Db, kind: PutOffKind, subject: string, error: unknown, now: Instant): Promise<void> {
  const lock = dialectOf(db) === 'postgres' ? 'for update' : '';
  const [row] = await query<{ attempts: unknown }>(
    db,
    `select attempts from put_off where kind = ? and subject = ? ${lock}`,
    [kind, subject],
  );
  if (!row) return;
  const pause = Math.min(FIRST_PAUSE_MS * 2 ** int(row.attempts), LONGEST_PAUSE_MS);
  await db('put_off')
    .where({ kind, subject })
    .update({
      attempts: int(row.attempts) + 1,
      error: describe(error),
      next_attempt_at: addMilliseconds(now, pause),
    });
}

/** The end of the message: a database puts its statement before what it says. */
function describe(error: unknown): string {
  const { message } = Object(error) as { message?: unknown };
  return typeof message === 'string' && message !== '' ? message.slice(-500) : 'unknown error';
}
