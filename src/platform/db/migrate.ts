import { setTimeout } from 'node:timers/promises';
import Sqlite from 'better-sqlite3';
import { migrations as all } from '../../migrations/index.ts';
import type { Migration, Statement } from '../../migrations/migration.ts';
import type { Instant } from '../calendar.ts';
import { withColumnTypes } from './columns.ts';
import { type Database, type Db, type Dialect, dialectOf } from './connect.ts';
import { isBusy, isLockTimeout, isTransactionConflict } from './errors.ts';
import { query } from './sql.ts';
import { unhurried } from './unhurried.ts';

const HISTORY =
  'CREATE TABLE IF NOT EXISTS schema_migrations (name {text} PRIMARY KEY, applied_at {ts} NOT NULL) {strict}';
const LOCK = 7276331001; // any number, the same in every process
const RETRY_MS = 250;
const TELL_MS = 5000;

/** Told every few seconds how long it waits for another process. */
export type Waiting = (seconds: number) => void;

/** Runs SQL one statement after the other, all in one transaction. */
interface Runner {
  run(sql: string, values?: unknown[]): Promise<void>;
  names(): Promise<string[]>;
}

/**
 * Applies the pending migrations in one transaction and answers their names. Waits for as long as another process
 * migrates or holds what they need, so that several may start at once.
 */
export async function migrate(
  database: Database,
  now: Instant,
  migrations: readonly Migration[] = all,
  waiting: Waiting = () => {},
): Promise<string[]> {
  const { dialect } = database;
  const apply = async (runner: Runner): Promise<string[]> => {
    await runner.run(withColumnTypes(HISTORY, dialect));
    const applied = new Set(await runner.names());
    const pending = migrations.filter(({ name }) => !applied.has(name));
    for (const { name, up } of pending) {
      for (const sql of textsOf(up, dialect)) await runner.run(sql);
      await runner.run('INSERT INTO schema_migrations (name, applied_at) VALUES (?, ?)', [name, now]);
    }
    return pending.map(({ name }) => name);
  };
  return exclusively(database, apply, waiting);
}

/** Takes every applied migration back, the last one first: for tests and development, it drops all data. */
export async function rollback(database: Database, migrations: readonly Migration[] = all): Promise<string[]> {
  return exclusively(database, async (runner) => {
    await runner.run(withColumnTypes(HISTORY, database.dialect));
    const applied = new Set(await runner.names());
    const done = migrations.filter(({ name }) => applied.has(name)).reverse();
    for (const { name, down } of done) {
      for (const sql of textsOf(down, database.dialect)) await runner.run(sql);
      await runner.run('DELETE FROM schema_migrations WHERE name = ?', [name]);
    }
    return done.map(({ name }) => name);
  });
}

/** Which migrations the database has and which it lacks. */
export async function migrationState(
  db: Db,
  migrations: readonly Migration[] = all,
): Promise<{ applied: string[]; pending: string[] }> {
  const known = await query<{ found: unknown }>(
    db,
    dialectOf(db) === 'sqlite'
      ? "SELECT name AS found FROM sqlite_master WHERE type = 'table' AND name = 'schema_migrations'"
      : "SELECT to_regclass('schema_migrations')::text AS found",
  );
  const applied = known[0]?.found ? await query<{ name: string }>(db, 'SELECT name FROM schema_migrations') : [];
  const names = applied.map(({ name }) => name).sort();
  return { applied: names, pending: migrations.map(({ name }) => name).filter((name) => !names.includes(name)) };
}

function textsOf(statements: Statement[], dialect: Dialect): string[] {
  return statements
    .map((statement) => (typeof statement === 'string' ? statement : statement[dialect]))
    .filter((sql) => sql !== undefined)
    .map((sql) => withColumnTypes(sql, dialect));
}

/** Tries until nobody else migrates or holds a table. Each try gives way in between: who waits for a lock holds none. */
async function exclusively<T>(
  database: Database,
  work: (runner: Runner) => Promise<T>,
  waiting: Waiting = () => {},
): Promise<T> {
  const began = performance.now();
  let toTell = began + 1000;
  for (;;) {
    try {
      return await (database.dialect === 'sqlite' ? onSqlite(database, work) : onPostgres(database, work));
    } catch (error) {
      if (!(error instanceof Held || isBusy(error) || isLockTimeout(error) || isTransactionConflict(error)))
        throw error;
    }
    const now = performance.now();
    if (now >= toTell) {
      waiting(Math.round((now - began) / 1000));
      toTell = now + TELL_MS;
    }
    await setTimeout(RETRY_MS);
  }
}

/** Another process migrates. */
class Held extends Error {}

/** A connection of its own: foreign keys must be off to rebuild a table, and are checked before the commit instead. */
async function onSqlite<T>(database: Database, work: (runner: Runner) => Promise<T>): Promise<T> {
  const { filename } = database.write.client.connectionSettings as { filename: string };
  const connection = new Sqlite(filename, { timeout: 0 });
  try {
    connection.pragma('foreign_keys = OFF');
    connection.unsafeMode(); // a CHECK without a name is changed in the text of its table
    connection.exec('BEGIN EXCLUSIVE');
    const result = await work({
      run: async (sql, values = []) => void connection.prepare(sql).run(values),
      names: async () => connection.prepare('SELECT name FROM schema_migrations').pluck().all() as string[],
    });
    const broken = connection.pragma('foreign_key_check') as unknown[];
    if (broken.length > 0) throw new Error(`The migrations leave ${broken.length} rows without the row they refer to`);
    connection.exec('COMMIT');
    return result;
  } finally {
    if (connection.inTransaction) connection.exec('ROLLBACK');
    connection.close();
  }
}

function onPostgres<T>(database: Database, work: (runner: Runner) => Promise<T>): Promise<T> {
  return database.transaction(async (trx) => {
    const [lock] = await query<{ mine: boolean }>(trx, 'SELECT pg_try_advisory_xact_lock(?) AS mine', [LOCK]);
    if (!lock?.mine) throw new Held();
    const runner: Runner = {
      run: async (sql, values = []) => void (await query(trx, sql, values)),
      names: async () => (await query<{ name: string }>(trx, 'SELECT name FROM schema_migrations')).map((r) => r.name),
    };
    return unhurried(trx, () => work(runner));
  });
}
