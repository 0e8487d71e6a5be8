import Database from 'better-sqlite3';
import pg from 'pg';
import { connect, type Db } from '../../src/platform/db/connect.ts';

/** What the run inserted, in the order of the foreign keys, and the id by which a batch is found. */
const WRITTEN = [
  ['invoices', 'id'],
  ['billing_periods', 'id'],
  ['invoice_lines', 'id'],
  ['credit_entries', 'id'],
  ['journal_entries', 'id'],
  ['journal_lines', 'entry_id'],
  ['mrr_movements', 'id'],
  ['events', 'id'],
  ['audit_log', 'id'],
] as const;

type Row = Record<string, unknown>;
type Batch = { table: string; rows: Row[] }[];

interface Target {
  /** One transaction over all rows of the batch, by plain multi-row INSERTs of the driver. */
  insert(batch: Batch): Promise<void> | void;
  close(): Promise<void> | void;
}

/**
 * Inserts the very rows that the run wrote to the database `from` into the equal database `to`, in the same batches.
 * Answers milliseconds, without the reading.
 */
export async function insertRaw(from: string, to: string, marks: string[]): Promise<number> {
  const source = connect(from);
  const target = await openTarget(to);
  let elapsed = 0;
  let last = '';
  for (const mark of marks) {
    const batch = await readBatch(source.read, last, mark);
    last = mark;
    const started = performance.now();
    await target.insert(batch);
    elapsed += performance.now() - started;
  }
  await target.close();
  await source.close();
  return elapsed;
}

/** A connection of the driver to `sqlite:<path>` or `postgres://…`. */
export const openTarget = async (url: string): Promise<Target> =>
  url.startsWith('sqlite:') ? sqlite(url.slice('sqlite:'.length)) : postgres(url);

/** Every id is made between two marks; those of the seed lie before the first, of which only the later part counts. */
async function readBatch(db: Db, after: string, until: string): Promise<Batch> {
  const low = after || `${until.slice(0, 10)}0000000000000000`;
  const batch: Batch = [];
  for (const [table, column] of WRITTEN) {
    const prefix = table === 'events' ? 'evt_' : '';
    const rows = await db(table)
      .where(column, '>', prefix + low)
      .andWhere(column, '<=', prefix + until)
      .orderBy(column);
    batch.push({ table, rows });
  }
  return batch;
}

function* chunks<T>(all: T[], size: number) {
  for (let i = 0; i < all.length; i += size) yield all.slice(i, i + size);
}

/** Those of the server. */
const PRAGMAS = [
  'journal_mode = WAL',
  'synchronous = FULL',
  'foreign_keys = ON',
  'cache_size = -65536',
  'wal_autocheckpoint = 8000',
];

function sqlite(file: string): Target {
  const db = new Database(file);
  for (const pragma of PRAGMAS) db.pragma(pragma);
  const statements = new Map<string, Database.Statement>();
  const insert = db.transaction((batch: Batch) => {
    for (const { table, rows } of batch)
      for (const chunk of chunks(rows, 100)) {
        const columns = Object.keys(chunk[0]!);
        const marks = `(${columns.map(() => '?').join(', ')})`;
        const sql = `insert into ${table} (${columns.join(', ')}) values ${chunk.map(() => marks).join(', ')}`;
        const statement = statements.get(sql) ?? db.prepare(sql);
        statements.set(sql, statement);
        statement.run(chunk.flatMap((row) => columns.map((column) => row[column])));
      }
  });
  return { insert: (batch) => insert.immediate(batch), close: () => void db.close() };
}

async function postgres(url: string): Promise<Target> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return {
    async insert(batch) {
      await client.query('begin');
      for (const { table, rows } of batch)
        for (const chunk of chunks(rows, 500)) await insertChunk(client, table, chunk);
      await client.query('commit');
    },
    close: () => client.end(),
  };
}

async function insertChunk(client: pg.Client, table: string, rows: Row[]): Promise<void> {
  const columns = Object.keys(rows[0]!);
  let n = 0;
  const marks = rows.map(() => `(${columns.map(() => `$${++n}`).join(', ')})`).join(', ');
  const values = rows.flatMap((row) => columns.map((column) => row[column]));
  await client.query(`insert into ${table} (${columns.map((c) => `"${c}"`).join(', ')}) values ${marks}`, values);
}
