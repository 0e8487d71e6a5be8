import type { Db } from '../../src/platform/db/connect.ts';
import type { Seen } from './views.ts';

/** The steps of SQLite's plan. */
export async function planOf(db: Db, { sql, bindings }: Seen): Promise<string[]> {
  const rows: { detail: string }[] = await db.raw(`explain query plan ${sql}`, bindings as never);
  return rows.map(({ detail }) => detail);
}

interface Node {
  'Relation Name'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  'Rows Removed by Filter'?: number;
  'Rows Removed by Index Recheck'?: number;
  Plans?: Node[];
}

/** How many rows of tables Postgres visited for the statement, those it threw away included. */
export async function visitedRows(db: Db, { sql, bindings }: Seen): Promise<{ rows: number; plan: string }> {
  const connection = await db.client.acquireConnection();
  try {
    const { rows } = await connection.query(`explain (analyze, format json) ${sql}`, bindings);
    const told = rows[0]['QUERY PLAN'];
    const [{ Plan }] = typeof told === 'string' ? JSON.parse(told) : told;
    return { rows: Math.round(visited(Plan)), plan: JSON.stringify(Plan, null, 1) };
  } finally {
    await db.client.releaseConnection(connection);
  }
}

function visited(node: Node): number {
  const below = (node.Plans ?? []).reduce((sum, one) => sum + visited(one), 0);
  if (!node['Relation Name']) return below;
  const thrown = (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0);
  return below + (node['Actual Rows'] + thrown) * node['Actual Loops'];
}
