import type { Row } from './bulk.ts';
import type { Db } from './connect.ts';
import { execute, query } from './sql.ts';

const ROWS_PER_STATEMENT = 5_000;

type Sql = (values: string) => string;

/** Runs the statement once per chunk of rows; answers the number of rows it changed. */
export async function eachChunk(
  db: Db,
  table: string,
  columns: string[],
  rows: readonly Row[],
  sql: Sql,
): Promise<number> {
  if (rows.length > ROWS_PER_STATEMENT && !db.isTransaction)
    return db.transaction((trx) => eachChunk(trx, table, columns, rows, sql));
  let changes = 0;
  for (const { text, bindings } of await statements(db, table, columns, rows, sql))
    changes += await execute(db, text, bindings);
  return changes;
}

/** Runs the statement once per chunk of rows; answers the rows that it returned. */
export async function eachUpsert<R>(
  db: Db,
  table: string,
  columns: string[],
  rows: readonly Row[],
  sql: Sql,
): Promise<R[]> {
  const returned: R[] = [];
  for (const { text, bindings } of await statements(db, table, columns, rows, sql))
    returned.push(...(await query<R>(db, text, bindings)));
  return returned;
}

interface Statement {
  text: string;
  bindings: unknown[];
}

/** `SELECT * FROM unnest(…)` stands for the rows: one value per column, and one text whatever their number. */
async function statements(db: Db, table: string, columns: string[], rows: readonly Row[], sql: Sql) {
  const types = await columnTypes(db, table, columns);
  const made: Statement[] = [];
  for (let from = 0; from < rows.length; from += ROWS_PER_STATEMENT) {
    const chunk = rows.slice(from, from + ROWS_PER_STATEMENT);
    const bindings = columns.map((column) => joined(chunk.map((row) => row[column])));
    const arrays = bindings.map((value, i) => `${typeof value === 'string' ? SPLIT : '?'}::${types[i]}[]`);
    made.push({ text: sql(`SELECT * FROM unnest(${arrays.join(', ')})`), bindings });
  }
  return made;
}

/** Between the values, and in place of a null. No JSON text holds them, and hardly any other. */
const [SEPARATOR, NOTHING] = ['\u001e', '\u001d'];
const SPLIT = 'string_to_array(?, chr(30), chr(29))';

/**
 * The values of a column as one text, which both sides take apart much faster than an array literal with its quotes
 * and backslashes; the values themselves where that is not possible.
 */
function joined(values: unknown[]): string | unknown[] {
  const texts: string[] = [];
  for (const value of values) {
    if (value === null) texts.push(NOTHING);
    else if (typeof value === 'object' || typeof value === 'symbol' || typeof value === 'function') return values;
    else {
      const text = String(value);
      if (text.includes(SEPARATOR) || text.includes(NOTHING)) return values;
      texts.push(text);
    }
  }
  return texts.join(SEPARATOR) || values; // an empty text would be no value at all
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
    [`"${table}"`],
  );
  return new Map(rows.map(({ name, type }) => [name, type]));
}
