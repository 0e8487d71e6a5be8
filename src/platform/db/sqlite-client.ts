import { setTimeout } from 'node:timers/promises';
import type Sqlite from 'better-sqlite3';
import Client from 'knex/lib/dialects/better-sqlite3/index.js';
import Transaction from 'knex/lib/dialects/sqlite3/execution/sqlite-transaction.js';
import QueryCompiler from 'knex/lib/dialects/sqlite3/query/sqlite-querycompiler.js';
import { boundedBody, noteDone, refuseLate } from './bounded.ts';
import { isBusy } from './errors.ts';

const STATEMENTS_PER_CONNECTION = 1000;
const statements = new WeakMap<Sqlite.Database, Map<string, Sqlite.Statement>>();

/** The prepared statement of `sql` on this connection; the least recently used ones are forgotten. */
export function prepared(connection: Sqlite.Database, sql: string): Sqlite.Statement {
  let known = statements.get(connection);
  if (!known) {
    known = new Map();
    statements.set(connection, known);
  }
  let statement = known.get(sql);
  if (statement) known.delete(sql);
  else {
    statement = connection.prepare(sql);
    if (known.size >= STATEMENTS_PER_CONNECTION) known.delete(known.keys().next().value as string);
  }
  known.set(sql, statement);
  return statement;
}

/**
 * A value as SQLite stores it. Whole numbers go in as integers, as on Postgres: the driver would bind them as REAL,
 * which text columns and CAST(… AS TEXT) would show as `5.0`.
 */
export function toSqlite(value: unknown): unknown {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value;
  if (typeof value === 'boolean') return value ? 1n : 0n;
  return value;
}

/** A transaction that writes takes the write lock at once: waiting for it later fails with SQLITE_BUSY_SNAPSHOT. */
class ImmediateTransaction extends Transaction {
  override begin(connection: unknown): Promise<unknown> {
    return this.query(connection, 'BEGIN IMMEDIATE;');
  }
}

/** A bound LIMIT makes SQLite compile the statement again at each execution, so it is written into the text. */
class Compiler extends QueryCompiler {
  override limit(): string {
    const { limit } = this.single;
    return Number.isSafeInteger(limit) ? `limit ${limit}` : super.limit();
  }
}

function execute(connection: Sqlite.Database, query: KnexQuery): void {
  const statement = prepared(connection, query.sql);
  const values = query.bindings ? query.bindings.map(toSqlite) : [];
  if (statement.reader) query.response = statement.all(values);
  else {
    const result = statement.run(values);
    query.response = result;
    query.context = { lastID: result.lastInsertRowid, changes: result.changes };
  }
}

/**
 * How long a statement waits for another process that holds the lock of the file. It waits here, between tries: inside
 * SQLite it would keep the whole process waiting.
 */
const LOCK_WAIT_MS = 5000;

/** Runs what is undone as a whole when another process holds the lock, again and again until it is free. */
export async function whenFree<T>(connection: Sqlite.Database, sql: string, run: () => T): Promise<T> {
  const end = performance.now() + LOCK_WAIT_MS;
  for (let pause = 5; ; pause = Math.min(pause * 2, 50)) {
    refuseLate(sql);
    try {
      return run();
    } catch (error) {
      if (!isBusy(error) || connection.inTransaction || performance.now() >= end) throw error;
    }
    await setTimeout(pause);
  }
}

/** Knex on better-sqlite3 with prepared statements kept per connection and BEGIN IMMEDIATE. */
export class SqliteWriter extends Client {
  override transaction(container: unknown, config: unknown, outerTx: unknown) {
    return new ImmediateTransaction(this, boundedBody(container), config, outerTx) as never;
  }

  override queryCompiler(builder: unknown, formatter?: unknown): object {
    return new Compiler(this, builder, formatter);
  }

  override async _query(connection: Sqlite.Database, query: KnexQuery): Promise<KnexQuery> {
    await whenFree(connection, query.sql, () => execute(connection, query));
    noteDone(query.sql);
    return query;
  }
}

/**
 * Reads on one connection of their own, without a pool: each statement runs to its end before the next starts.
 * It sees committed rows only and never waits for the writer. It has no transactions.
 */
export class SqliteReader extends SqliteWriter {
  #connection: Promise<Sqlite.Database> | undefined;
  #closed = false;

  override initializePool(): void {}

  override async acquireConnection(): Promise<Sqlite.Database> {
    if (this.#closed) throw new Error('The database is closed');
    this.#connection ??= this.acquireRawConnection().then((connection) => {
      connection.pragma('busy_timeout = 0');
      connection.pragma('query_only = ON');
      return connection;
    });
    return this.#connection;
  }

  override async releaseConnection(): Promise<void> {}

  override transaction(): never {
    throw new Error('The reader has no transactions; use database.transaction');
  }

  override async destroy(): Promise<void> {
    this.#closed = true;
    (await this.#connection)?.close();
  }
}
