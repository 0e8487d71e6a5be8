import type Sqlite from 'better-sqlite3';
import { type Db, dialectOf } from './connect.ts';
import { query } from './sql.ts';
import { prepared, toSqlite } from './sqlite-client.ts';

export interface Read {
  sql: string;
  values: readonly unknown[];
}

/**
 * Answers the rows of several SELECTs as of one instant: no commit of anybody else falls between them. On SQLite they
 * run without giving way, so they must be short; on Postgres in one read-only transaction.
 */
export async function readTogether(db: Db, reads: readonly Read[]): Promise<unknown[][]> {
  if (dialectOf(db) === 'sqlite') return onSqlite(db, reads);
  if (db.isTransaction) return oneByOne(db, reads);
  return db.transaction((trx) => oneByOne(trx, reads), { isolationLevel: 'repeatable read', readOnly: true });
}

async function oneByOne(db: Db, reads: readonly Read[]): Promise<unknown[][]> {
  const answers: unknown[][] = [];
  for (const { sql, values } of reads) answers.push(await query(db, sql, values));
  return answers;
}

async function onSqlite(db: Db, reads: readonly Read[]): Promise<unknown[][]> {
  const connection: Sqlite.Database = await db.client.acquireConnection();
  try {
    const all = () => reads.map(({ sql, values }) => prepared(connection, sql).all(values.map(toSqlite)));
    return connection.transaction(all)();
  } finally {
    await db.client.releaseConnection(connection);
  }
}
