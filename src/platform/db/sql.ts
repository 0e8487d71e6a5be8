import type { Db } from './connect.ts';

interface PostgresResult {
  rows: unknown[];
  rowCount: number | null;
}
interface SqliteResult {
  changes: number;
}

/**
 * Runs one statement as it is written, past the Knex builder (which costs more than the statement itself where many
 * small ones run). `?` stands for a value on both databases. Answers the rows, none when it returns none.
 */
export async function query<Row>(db: Db, sql: string, values: readonly unknown[] = []): Promise<Row[]> {
  const response = await run(db, sql, values);
  return (Array.isArray(response) ? response : 'rows' in response ? response.rows : []) as Row[];
}

/** Runs one statement like `query`; answers the number of rows it changed. */
export async function execute(db: Db, sql: string, values: readonly unknown[] = []): Promise<number> {
  const response = await run(db, sql, values);
  if (Array.isArray(response)) return response.length;
  return 'changes' in response ? response.changes : (response.rowCount ?? 0);
}

async function run(db: Db, sql: string, bindings: readonly unknown[]) {
  const connection = await db.client.acquireConnection();
  try {
    const { response } = await db.client.query(connection, { sql, bindings, method: 'raw' });
    return response as unknown[] | PostgresResult | SqliteResult;
  } finally {
    await db.client.releaseConnection(connection);
  }
}
