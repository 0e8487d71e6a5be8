import { isStalePlan } from './postgres-client.ts';

const UNIQUE = new Set(['SQLITE_CONSTRAINT_UNIQUE', 'SQLITE_CONSTRAINT_PRIMARYKEY', '23505']);
const UNDONE = new Set(['40001', '40P01', 'SQLITE_BUSY_SNAPSHOT']);
const PASSING = new Set(['55P03', '57014', '57P01', '57P02', '57P03', '53300', '55006', '25006', '25P03']);
const BUSY = new Set(['SQLITE_BUSY', 'SQLITE_BUSY_RECOVERY', 'SQLITE_BUSY_TIMEOUT']);
const NETWORK = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ETIMEDOUT',
  'EPIPE',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EAI_AGAIN',
]);
/** Texts of a pool or reader that is shut down already. */
const CLOSED = /^(Unable to acquire a connection|The database is closed|aborted)$/;
const LOST = /Connection (terminated|ended)|Client has encountered a connection error|not queryable|timeout expired/;

interface Failure {
  name?: unknown;
  code?: unknown;
  message?: unknown;
  syscall?: unknown;
}

const failure = (error: unknown): Failure => (typeof error === 'object' && error !== null ? error : {});

function codeOf(error: unknown): string {
  const { code } = failure(error);
  return typeof code === 'string' ? code : '';
}

/** A unique index or primary key refused the row. Inside a transaction use onConflict instead (rules X4). */
export const isUniqueViolation = (error: unknown): boolean => UNIQUE.has(codeOf(error));

/** The database undid the whole transaction because of another one; the same work may be done again at once. */
export const isTransactionConflict = (error: unknown): boolean => UNDONE.has(codeOf(error)) || isStalePlan(error);

/** Another process holds the lock of the SQLite file; nothing was done. */
export const isBusy = (error: unknown): boolean => BUSY.has(codeOf(error));

/** A row was held by somebody else for as long as a statement waits. */
export const isLockTimeout = (error: unknown): boolean => codeOf(error) === '55P03';

/** Nothing is wrong with the work itself: busy, lock or statement time-out, deadlock, connection lost (rules S12). */
export function isRetryable(error: unknown): boolean {
  const { name, message, syscall } = failure(error);
  if (name === 'KnexTimeoutError' || isTransactionConflict(error)) return true;
  const code = codeOf(error);
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) return true;
  if (PASSING.has(code) || NETWORK.has(code) || /^08...$/.test(code)) return true;
  if (code === 'ENOENT') return syscall === 'connect'; // the Unix socket of a stopped server
  return code === '' && (LOST.test(String(message)) || CLOSED.test(String(message)));
}

/** The error comes from SQLite, Postgres, the pool or the way to them. */
export const isDatabaseError = (error: unknown): boolean =>
  isRetryable(error) || /^(SQLITE_[A-Z_]+|(?=.*\d)[0-9A-Z]{5})$/.test(codeOf(error));
