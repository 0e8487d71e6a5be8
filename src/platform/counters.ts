import { upsertRows } from './db/bulk.ts';
import type { Db } from './db/connect.ts';

const RAISE = 'ON CONFLICT (scope) DO UPDATE SET value = counters.value + excluded.value RETURNING scope, value';

/**
 * Raises counters by the given amounts in one statement and returns their new values.
 * Each raised counter stays locked until the commit, so call it as late as possible (rules X3);
 * the scopes are taken in sorted order so that two transactions never wait for each other.
 */
export async function raiseCounters(db: Db, amounts: Map<string, number>): Promise<Map<string, number>> {
  const scopes = [...amounts.keys()].sort();
  const rows = scopes.map((scope) => ({ scope, value: amounts.get(scope)! }));
  const raised = await upsertRows<{ scope: string; value: unknown }>(db, 'counters', rows, RAISE);
  return new Map(raised.map(({ scope, value }) => [scope, Number(value)]));
}
