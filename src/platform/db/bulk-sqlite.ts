import type Sqlite from 'better-sqlite3';
import type { Row } from './bulk.ts';
import type { Db } from './connect.ts';
import { prepared, toSqlite, whenFree } from './sqlite-client.ts';

/**
 * Runs `work` as a whole or not at all. In an open transaction a refused row fails the whole of it, as on Postgres: a
 * savepoint for each call would copy every page that it changes.
 */
async function onConnection<T>(db: Db, work: (connection: Sqlite.Database) => T): Promise<T> {
  const connection: Sqlite.Database = await db.client.acquireConnection();
  try {
    const alone = connection.transaction(work).immediate;
    return await whenFree(connection, 'bulk', () => {
      // the connection is the next one's then, and this would become a part of its work
      if (db.isTransaction && (db as { isCompleted?(): boolean }).isCompleted?.())
        throw new Error('The transaction is over');
      return connection.inTransaction ? work(connection) : alone(connection);
    });
  } finally {
    await db.client.releaseConnection(connection);
  }
}

const valuesOf = (columns: readonly string[], row: Row): unknown[] => columns.map((column) => toSqlite(row[column]));

/** Runs the statement for each row; answers the number of rows it changed. */
export const eachRow = (db: Db, sql: string, columns: readonly string[], rows: readonly Row[]): Promise<number> =>
  onConnection(db, (connection) => {
    const statement = prepared(connection, sql);
    let changes = 0;
    for (const row of rows) changes += statement.run(valuesOf(columns, row)).changes;
    return changes;
  });

/** Runs the statement for each row; answers the rows that it returned. */
export const eachReturning = <R>(db: Db, sql: string, columns: readonly string[], rows: readonly Row[]): Promise<R[]> =>
  onConnection(db, (connection) => {
    const statement = prepared(connection, sql);
    return rows.flatMap((row) => statement.all(valuesOf(columns, row)) as R[]);
  });

interface Change {
  table: string;
  columns: readonly string[];
  keys: readonly string[];
  where: string;
}

/**
 * Sets only what differs from the stored row: SQLite maintains each index and checks each foreign key of the columns
 * that a statement names, changed or not. Answers the number of rows found.
 */
export const eachChange = (db: Db, change: Change, rows: readonly Row[]): Promise<number> =>
  onConnection(db, (connection) => {
    const { table, columns, keys, where } = change;
    const find = prepared(
      connection,
      `SELECT ${columns.map((column) => `"${column}"`).join(', ')} FROM ${table} WHERE ${where}`,
    ).raw(true);
    const updates = new Map<string, Update>();
    let found = 0;
    for (const row of rows) {
      const key = valuesOf(keys, row);
      const stored = find.get(key) as unknown[] | undefined;
      if (!stored) continue;
      found += 1;
      let differs = '';
      for (let i = 0; i < columns.length; i++) differs += isStored(stored[i], row[columns[i]!]) ? '0' : '1';
      if (!differs.includes('1')) continue;
      const update = updates.get(differs) ?? updateOf(connection, change, differs);
      updates.set(differs, update);
      update.statement.run([...valuesOf(update.columns, row), ...key]);
    }
    return found;
  });

interface Update {
  columns: string[];
  statement: Sqlite.Statement;
}

/** The statement for the columns whose place in `differs` is 1. */
function updateOf(connection: Sqlite.Database, { table, columns, where }: Change, differs: string): Update {
  const changed = columns.filter((_, i) => differs[i] === '1');
  const set = changed.map((column) => `"${column}" = ?`).join(', ');
  return { columns: changed, statement: prepared(connection, `UPDATE ${table} SET ${set} WHERE ${where}`) };
}

/** The driver reads whole numbers as numbers; a value that is written otherwise counts as changed. */
function isStored(stored: unknown, value: unknown): boolean {
  if (typeof value === 'boolean') return stored === Number(value);
  return typeof value === 'bigint' ? typeof stored === 'number' && BigInt(stored) === value : stored === value;
}
