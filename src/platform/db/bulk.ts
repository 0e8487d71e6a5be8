import type Sqlite from 'better-sqlite3';
import { type Db, dialectOf } from './connect.ts';
import { execute, query } from './sql.ts';
import { prepared, toSqlite } from './sqlite-client.ts';

export type Row = Readonly<Record<string, unknown>>;

export interface InsertOptions {
  /** Rows that collide with the unique index on these columns are left out; `any` means any unique index (rules X4). */
  ignoreConflictsOn?: readonly string[] | 'any';
}

export interface UpdateOptions {
  /** Fixed SQL that the stored row must fulfil as well, e.g. `state = 'pending'`; never made of input. */
  onlyWhere?: string;
}

const ROWS_PER_STATEMENT = 5_000;

/**
 * Inserts all rows, or none when one is refused; all must name the same columns (null for no value).
 * Answers the number of rows inserted. Postgres: one array per column, one statement text whatever the count;
 * SQLite: one prepared statement, row by row, which is as fast as multi-row VALUES.
 */
export async function insertRows(
  db: Db,
  table: string,
  rows: readonly Row[],
  options: InsertOptions = {},
): Promise<number> {
  if (rows.length === 0) return 0;
  const columns = columnsOf(table, rows);
  const into = `INSERT INTO ${quote(table)} (${columns.map(quote).join(', ')})`;
  const { ignoreConflictsOn: target } = options;
  const onConflict =
    target === undefined
      ? ''
      : target === 'any'
        ? ' ON CONFLICT DO NOTHING'
        : ` ON CONFLICT (${target.map(quote).join(', ')}) DO NOTHING`;
  if (dialectOf(db) === 'sqlite')
    return eachRow(db, `${into} VALUES (${columns.map(() => '?').join(', ')})${onConflict}`, columns, rows);
  const types = await columnTypes(db, table, columns);
  return eachChunk(db, `${into} SELECT * FROM unnest(${arrays(types)})${onConflict}`, columns, rows);
}

/**
 * Sets, for each row, the other columns where the key columns are equal; all rows must name the same columns.
 * Answers the number of rows hit, so that a lost row can be noticed.
 */
export async function updateRows(
  db: Db,
  table: string,
  key: string | readonly string[],
  rows: readonly Row[],
  options: UpdateOptions = {},
): Promise<number> {
  if (rows.length === 0) return 0;
  const keys = typeof key === 'string' ? [key] : key;
  const given = columnsOf(table, rows);
  const changed = given.filter((column) => !keys.includes(column));
  if (changed.length !== given.length - keys.length || changed.length === 0)
    throw new Error(`Rows of ${table} must have the key and something to change`);
  const columns = [...changed, ...keys];
  const only = options.onlyWhere ? ` AND ${dialectOf(db) === 'sqlite' ? '' : 't.'}${options.onlyWhere}` : '';
  if (dialectOf(db) === 'sqlite') {
    const set = changed.map((column) => `${quote(column)} = ?`).join(', ');
    const where = keys.map((column) => `${quote(column)} = ?`).join(' AND ') + only;
    return eachRow(db, `UPDATE ${quote(table)} SET ${set} WHERE ${where}`, columns, rows);
  }
  const types = await columnTypes(db, table, columns);
  const set = changed.map((column) => `${quote(column)} = v.${quote(column)}`).join(', ');
  const where = keys.map((column) => `t.${quote(column)} = v.${quote(column)}`).join(' AND ') + only;
  const from = `unnest(${arrays(types)}) AS v(${columns.map(quote).join(', ')})`;
  return eachChunk(db, `UPDATE ${quote(table)} AS t SET ${set} FROM ${from} WHERE ${where}`, columns, rows);
}

const arrays = (types: string[]) => types.map((type) => `?::${type}[]`).join(', ');

function quote(name: string): string {
  if (!/^[a-z][a-z0-9_]*$/.test(name)) throw new Error(`Not an identifier: ${name}`);
  return `"${name}"`;
}

function columnsOf(table: string, rows: readonly Row[]): string[] {
  const columns = Object.keys(rows[0]!);
  for (const row of rows) {
    if (Object.keys(row).length !== columns.length || columns.some((column) => row[column] === undefined))
      throw new Error(`All rows of ${table} must name the same columns`);
  }
  return columns;
}

/** The whole loop is one savepoint or transaction, so that a refused row leaves none behind. */
async function eachRow(db: Db, sql: string, columns: string[], rows: readonly Row[]): Promise<number> {
  const connection: Sqlite.Database = await db.client.acquireConnection();
  try {
    const statement = prepared(connection, sql);
    return connection.transaction(() => {
      let changes = 0;
      for (const row of rows) changes += statement.run(columns.map((column) => toSqlite(row[column]))).changes;
      return changes;
    })();
  } finally {
    await db.client.releaseConnection(connection);
  }
}

async function eachChunk(db: Db, sql: string, columns: string[], rows: readonly Row[]): Promise<number> {
  if (rows.length > ROWS_PER_STATEMENT && !db.isTransaction)
    return db.transaction((trx) => eachChunk(trx, sql, columns, rows));
  let changes = 0;
  for (let from = 0; from < rows.length; from += ROWS_PER_STATEMENT) {
    const chunk = rows.slice(from, from + ROWS_PER_STATEMENT);
    const values = columns.map((column) => chunk.map((row) => row[column]));
    changes += await execute(db, sql, values);
  }
  return changes;
}

/** Column types per database and table, read once: Postgres must be told the type of each array. */
const known = new WeakMap<object, Map<string, Map<string, string>>>();

async function columnTypes(db: Db, table: string, columns: string[]): Promise<string[]> {
  const tables = known.get(db.client.config) ?? new Map<string, Map<string, string>>();
  known.set(db.client.config, tables);
  let types = tables.get(table);
  if (!types || columns.some((column) => !types?.has(column))) {
    types = await readTypes(db, table);
    tables.set(table, types);
  }
  return columns.map((column) => {
    const type = types.get(column);
    if (type === undefined) throw new Error(`Table ${table} has no column ${column}`);
    return type;
  });
}

async function readTypes(db: Db, table: string): Promise<Map<string, string>> {
  const rows = await query<{ name: string; type: string }>(
    db,
    `SELECT attname AS name, format_type(atttypid, NULL) AS type FROM pg_attribute
     WHERE attrelid = to_regclass(?) AND attnum > 0 AND NOT attisdropped`,
    [quote(table)],
  );
  return new Map(rows.map(({ name, type }) => [name, type]));
}
