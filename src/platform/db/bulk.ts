import { eachChunk, eachUpsert } from './bulk-postgres.ts';
import { eachChange, eachReturning, eachRow } from './bulk-sqlite.ts';
import { type Db, dialectOf } from './connect.ts';

export type Row = Readonly<Record<string, unknown>>;

export interface InsertOptions {
  /** Rows that collide with the unique index on these columns are left out; `any` means any unique index (rules X4). */
  ignoreConflictsOn?: readonly string[] | 'any';
}

export interface UpdateOptions {
  /** Fixed SQL that the stored row must fulfil as well, e.g. `state = 'pending'`; never made of input. */
  onlyWhere?: string;
}

/**
 * Inserts all rows, or none when one is refused; all must name the same columns (null for no value). In an open
 * transaction a refused row fails the whole of it. Answers the number of rows inserted. Postgres: one text per column,
 * one statement whatever the count; SQLite: one prepared statement, row by row, which is as fast as multi-row VALUES.
 */
export async function insertRows(
  db: Db,
  table: string,
  rows: readonly Row[],
  options: InsertOptions = {},
): Promise<number> {
  if (rows.length === 0) return 0;
  const columns = columnsOf(table, rows);
  const { ignoreConflictsOn: target } = options;
  const onConflict =
    target === undefined
      ? ''
      : target === 'any'
        ? ' ON CONFLICT DO NOTHING'
        : ` ON CONFLICT (${target.map(quote).join(', ')}) DO NOTHING`;
  if (dialectOf(db) === 'sqlite') return eachRow(db, insertOne(table, columns) + onConflict, columns, rows);
  return eachChunk(db, table, columns, rows, (values) => `${into(table, columns)} ${values}${onConflict}`);
}

/**
 * Inserts the rows with a fixed `ON CONFLICT … RETURNING …` and answers what that returns. The rows are taken in the
 * order given, so that two callers with sorted keys never wait for each other.
 */
export async function upsertRows<Returned>(
  db: Db,
  table: string,
  rows: readonly Row[],
  clause: string,
): Promise<Returned[]> {
  if (rows.length === 0) return [];
  const columns = columnsOf(table, rows);
  if (dialectOf(db) === 'sqlite') return eachReturning(db, `${insertOne(table, columns)} ${clause}`, columns, rows);
  return eachUpsert(db, table, columns, rows, (values) => `${into(table, columns)} ${values} ${clause}`);
}

/**
 * Sets, for each row, the other columns where the key columns, which name one row, are equal; all rows must name the
 * same columns. Answers the number of rows hit, so that a lost row can be noticed.
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
  const only = options.onlyWhere ? ` AND ${dialectOf(db) === 'sqlite' ? '' : 't.'}${options.onlyWhere}` : '';
  if (dialectOf(db) === 'sqlite') {
    const where = keys.map((column) => `${quote(column)} = ?`).join(' AND ') + only;
    return eachChange(db, { table: quote(table), columns: changed, keys, where }, rows);
  }
  const columns = [...changed, ...keys];
  const set = changed.map((column) => `${quote(column)} = v.${quote(column)}`).join(', ');
  const where = keys.map((column) => `t.${quote(column)} = v.${quote(column)}`).join(' AND ') + only;
  const from = (values: string) => `(${values}) AS v(${columns.map(quote).join(', ')})`;
  const update = (values: string) => `UPDATE ${quote(table)} AS t SET ${set} FROM ${from(values)} WHERE ${where}`;
  return eachChunk(db, table, columns, rows, update);
}

const into = (table: string, columns: string[]) => `INSERT INTO ${quote(table)} (${columns.map(quote).join(', ')})`;
const insertOne = (table: string, columns: string[]) =>
  `${into(table, columns)} VALUES (${columns.map(() => '?').join(', ')})`;

function quote(name: string): string {
  if (!/^[a-z][a-z0-9_]*$/.test(name)) throw new Error(`Not an identifier: ${name}`);
  return `"${name}"`;
}

function columnsOf(table: string, rows: readonly Row[]): string[] {
  const columns = Object.keys(rows[0]!);
  columns.forEach(quote);
  for (const row of rows) {
    if (Object.keys(row).length !== columns.length || columns.some((column) => row[column] === undefined))
      throw new Error(`All rows of ${table} must name the same columns`);
  }
  return columns;
}
