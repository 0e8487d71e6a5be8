import type { Db } from './db/connect.ts';
import { query } from './db/sql.ts';

const CHUNK = 500;

/**
 * Raises counters by the given amounts in one statement and returns their new values.
 * Each raised counter stays locked until the commit, so call it as late as possible (rules X3);
 * the scopes are taken in sorted order so that two transactions never wait for each other.
 */
export async function raiseCounters(db: Db, amounts: Map<string, number>): Promise<Map<string, number>> {
  const values = new Map<string, number>();
  const scopes = [...amounts.keys()].sort();
  for (let i = 0; i < scopes.length; i += CHUNK) {
    const chunk = scopes.slice(i, i + CHUNK);
    const sql = `insert into counters (scope, value) values ${chunk.map(() => '(?, ?)').join(', ')}
      on conflict (scope) do update set value = counters.value + excluded.value returning scope, value`;
    const bindings = chunk.flatMap((scope) => [scope, amounts.get(scope)!]);
    for (const row of await query<{ scope: string; value: unknown }>(db, sql, bindings))
      values.set(row.scope, Number(row.value));
  }
  return values;
}
