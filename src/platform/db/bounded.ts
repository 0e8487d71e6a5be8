import { currentBounds, untilEnd } from '../bounds.ts';

/** What the server allows a statement, and a little more: only a server that does not answer at all is met by it. */
export const STATEMENT_LIMIT_S = 60;
const STATEMENT_MS = (STATEMENT_LIMIT_S + 5) * 1000;
const ROLLBACK_MS = 2000;

/** Ended from this side; the code is the one of a server that cancels a statement, so that callers read it alike. */
export const statementEnded = (): Error =>
  Object.assign(new Error('The statement was ended because its time was over'), { code: '57014' });

/** Refuses to begin a statement past the end of the bounds. A rollback is always let through. */
export function refuseLate(sql: string): void {
  if (currentBounds()?.signal.aborted && !isRollback(sql)) throw statementEnded();
}

/**
 * Sends a statement, and calls `destroy` when the bounds end before it or when no answer comes at all: a frozen server
 * enforces no time limit. `destroy` must let `send` fail.
 */
export async function sendBounded<T>(sql: string, send: () => Promise<T>, destroy: () => void): Promise<T> {
  refuseLate(sql);
  const bounds = currentBounds();
  const timer = setTimeout(destroy, isRollback(sql) ? ROLLBACK_MS : (bounds?.statementMs ?? STATEMENT_MS));
  if (!isRollback(sql)) bounds?.running.add(destroy);
  try {
    return await noteCommit(sql, send);
  } finally {
    clearTimeout(timer);
    bounds?.running.delete(destroy);
    bounds?.alive?.();
  }
}

/** A refused COMMIT has undone the work; one without an answer may have been done or not. */
async function noteCommit<T>(sql: string, send: () => Promise<T>): Promise<T> {
  const sent = currentBounds()?.sent;
  if (!sent || !isCommit(sql)) return send();
  sent.commit = true;
  try {
    return await send();
  } catch (error) {
    if ((error as { severity?: unknown }).severity === 'ERROR') sent.commit = false;
    throw error;
  }
}

const isCommit = (sql: string): boolean => sql === 'COMMIT;';
/** Of a statement that came to its end at once. */
export function noteDone(sql: string): void {
  const bounds = currentBounds();
  if (bounds && isCommit(sql)) bounds.sent.commit = true;
  bounds?.alive?.();
}

const isRollback = (sql: string): boolean => sql.startsWith('ROLLBACK');

type Container = (trx: { isCompleted(): boolean }) => unknown;

/**
 * The body of a transaction, which ends with the bounds, whatever it still waits for: then it is rolled back and its
 * connection given back. Knex runs the body of a transaction even when its BEGIN has failed: not so here.
 */
export function boundedBody(body: unknown): unknown {
  if (typeof body !== 'function') return body;
  const bounds = currentBounds();
  return (trx: { isCompleted(): boolean }) =>
    trx.isCompleted() ? undefined : untilEnd(bounds, async () => (body as Container)(trx));
}
