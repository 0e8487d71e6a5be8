import Database from 'better-sqlite3';
import pg from 'pg';

/** What the run wrote, in the order of the foreign keys. */
export const WRITTEN = [
  'invoices',
  'billing_periods',
  'invoice_lines',
  'journal_entries',
  'journal_lines',
  'events',
  'audit_log',
] as const;

export type Rows = Map<string, Record<string, unknown>[]>;

/**
 * The same rows by plain multi-row INSERTs of the driver, in as many transactions as the run had batches.
 * Answers milliseconds.
 */
export async function insertRaw(url: string, rows: Rows, batches: number): Promise<number> {
  return url.startsWith('sqlite:') ? sqlite(url.slice('sqlite:'.length), rows, batches) : postgres(url, rows, batches);
}

function* parts(rows: Rows, batches: number) {
  for (let batch = 0; batch < batches; batch++)
    yield [...rows].map(([table, all]) => {
      const size = Math.ceil(all.length / batches);
      return { table, part: all.slice(batch * size, (batch + 1) * size) };
    });
}

function* chunks<T>(all: T[], size: number) {
  for (let i = 0; i < all.length; i += size) yield all.slice(i, i + size);
}

function sqlite(file: string, rows: Rows, batches: number): number {
  const db = new Database(file);
  for (const pragma of ['journal_mode = WAL', 'synchronous = FULL', 'foreign_keys = ON', 'cache_size = -64000'])
    db.pragma(pragma);
  const statements = new Map<string, Database.Statement>();
  const started = performance.now();
  for (const batch of parts(rows, batches))
    db.transaction(() => {
      for (const { table, part } of batch)
        for (const chunk of chunks(part, 100)) {
          const columns = Object.keys(chunk[0]!);
          const marks = `(${columns.map(() => '?').join(', ')})`;
          const sql = `insert into ${table} (${columns.join(', ')}) values ${chunk.map(() => marks).join(', ')}`;
          const statement = statements.get(sql) ?? db.prepare(sql);
          statements.set(sql, statement);
          statement.run(chunk.flatMap((row) => columns.map((column) => row[column])));
        }
    }).immediate();
  const elapsed = performance.now() - started;
  db.close();
  return elapsed;
}

async function postgres(url: string, rows: Rows, batches: number): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const started = performance.now();
  for (const batch of parts(rows, batches)) {
    await client.query('begin');
    for (const { table, part } of batch)
      for (const chunk of chunks(part, 500)) {
        const columns = Object.keys(chunk[0]!);
        let n = 0;
        const marks = chunk.map(() => `(${columns.map(() => `$${++n}`).join(', ')})`).join(', ');
        const values = chunk.flatMap((row) => columns.map((column) => row[column]));
        await client.query(`insert into ${table} (${columns.map((c) => `"${c}"`).join(', ')}) values ${marks}`, values);
      }
    await client.query('commit');
  }
  const elapsed = performance.now() - started;
  await client.end();
  return elapsed;
}
