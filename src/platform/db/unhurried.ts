import { boundedBy } from '../bounds.ts';
import { type Db, dialectOf } from './connect.ts';

const STATEMENT_LIMIT_S = 3600;

/** Runs `run` on a transaction whose statements may take an hour each: what reads or changes whole tables. */
export async function unhurried<T>(db: Db, run: () => Promise<T>): Promise<T> {
  if (dialectOf(db) === 'postgres') await db.raw(`SET LOCAL statement_timeout = '${STATEMENT_LIMIT_S}s'`);
  const never = new AbortController().signal;
  return boundedBy(never, run, { statementMs: (STATEMENT_LIMIT_S + 5) * 1000 });
}
