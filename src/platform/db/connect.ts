import { mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import createKnex, { type Knex } from 'knex';
import { CONNECT_MS, PostgresClient, types } from './postgres-client.ts';
import { keepLogShort, LOG_BYTES } from './short-log.ts';
import { createSnapshots, type Snapshot } from './snapshot.ts';
import { SqliteReader, SqliteWriter } from './sqlite-client.ts';

export type Db = Knex;
export type Query = Knex.QueryBuilder;
export type Dialect = 'sqlite' | 'postgres';

export interface Database {
  readonly dialect: Dialect;
  /** For a read of one statement: sees committed rows only, and on SQLite never waits for the writer. */
  readonly read: Db;
  /**
   * For a read of several: all of them see one moment, and nobody waits for a writer. It holds one connection; who asks
   * for another inside it can wait for ever.
   */
  readonly snapshot: Snapshot;
  /** On SQLite a pool of one connection; on Postgres the same pool as `read`. */
  readonly write: Db;
  /** Runs `run` in one transaction: BEGIN IMMEDIATE on SQLite, READ COMMITTED on Postgres. A throw rolls back. */
  transaction<T>(run: (trx: Db) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface ConnectOptions {
  /** Connections of the Postgres pool. */
  poolSize?: number;
  /** What survives a power loss on SQLite: `full` (default) every commit, `off` nothing is promised (tests). */
  durability?: 'full' | 'off';
}

/** A little longer than the one in front may wait for another process. */
const SQLITE_WAIT_MS = 6_000;
const POSTGRES_WAIT_MS = 10_000;
const ONE_VIEW = 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY';
const silent = () => {};
const common: Knex.Config = {
  compileSqlOnError: false, // bound values (e-mails, tokens) stay out of error messages
  log: { warn: silent, error: silent, deprecate: silent, debug: silent }, // what matters is thrown
};

/** Opens `sqlite:<path>` or `postgres://…`; throws when the URL is neither or names an in-memory database. */
export function connect(url: string, options: ConnectOptions = {}): Database {
  if (url.startsWith('sqlite:')) return connectSqlite(sqliteFile(url), options);
  if (/^postgres(ql)?:\/\//.test(url)) return connectPostgres(url, options);
  throw new Error('The database URL must be sqlite:<path> or postgres://…');
}

/** The dialect behind a handle, transactions included. */
export function dialectOf(db: Db): Dialect {
  return db.client.dialect === 'postgresql' ? 'postgres' : 'sqlite';
}

/** The absolute path of a `sqlite:` URL; throws for in-memory databases, which a second connection could not see. */
export function sqliteFile(url: string): string {
  const path = url.slice('sqlite:'.length).replace(/^\/\/(?=\/)/, '');
  if (path === '' || path.startsWith(':') || path.startsWith('file:'))
    throw new Error('The SQLite database must be a file');
  return resolve(path);
}

/** On SQLite statements run one by one anyway: more snapshots at once would only let small reads pass long ones. */
const SNAPSHOTS = {
  client: SqliteWriter,
  acquireConnectionTimeout: 10_000,
  pool: {
    min: 0,
    max: 8,
    afterCreate: (connection: { pragma(text: string): unknown }, done: (error?: Error) => void) => {
      connection.pragma('busy_timeout = 100'); // a writer in WAL mode keeps no reader waiting, but for a moment of recovery
      connection.pragma('query_only = ON');
      done();
    },
  },
};

function connectSqlite(filename: string, options: ConnectOptions): Database {
  mkdirSync(dirname(filename), { recursive: true });
  const config = { ...common, connection: { filename }, useNullAsDefault: true };
  const synchronous = options.durability === 'off' ? 'OFF' : 'FULL';
  const write = createKnex({
    ...config,
    client: SqliteWriter,
    acquireConnectionTimeout: SQLITE_WAIT_MS,
    pool: {
      min: 1,
      max: 1,
      afterCreate: (connection: { pragma(text: string): unknown }, done: (error?: Error) => void) => {
        connection.pragma('journal_mode = WAL');
        connection.pragma(`synchronous = ${synchronous}`);
        connection.pragma('foreign_keys = ON');
        connection.pragma('cache_size = -65536'); // KiB: the indexes of a billing batch stay in memory
        connection.pragma('busy_timeout = 0'); // sqlite-client.ts waits without holding up the process
        connection.pragma('wal_autocheckpoint = 8000'); // pages: a billing batch alone fills the usual 1000
        connection.pragma(`journal_size_limit = ${LOG_BYTES}`); // what a long read made it grow is given back
        done();
      },
    },
  });
  const read = createKnex({ ...config, client: SqliteReader });
  const readers = createKnex({ ...config, ...SNAPSHOTS });
  const checkpoint = () => read.raw('PRAGMA wal_checkpoint(PASSIVE)');
  return {
    dialect: 'sqlite',
    read,
    snapshot: keepLogShort(createSnapshots(readers, 'BEGIN', read), `${filename}-wal`, checkpoint),
    write,
    transaction: (run) => write.transaction(run),
    close: async () => {
      await readers.destroy();
      await read.destroy();
      await write.destroy();
    },
  };
}

function connectPostgres(url: string, options: ConnectOptions): Database {
  const db = createKnex({
    ...common,
    client: PostgresClient,
    connection: {
      connectionString: url,
      types,
      application_name: 'rustbill',
      connectionTimeoutMillis: CONNECT_MS,
      keepAlive: true,
      keepAliveInitialDelayMillis: CONNECT_MS,
    } as Knex.PgConnectionConfig,
    acquireConnectionTimeout: POSTGRES_WAIT_MS,
    pool: { min: 0, max: options.poolSize ?? 10 },
  });
  return {
    dialect: 'postgres',
    read: db,
    snapshot: createSnapshots(db, ONE_VIEW),
    write: db,
    transaction: (run) => db.transaction(run),
    close: () => db.destroy(),
  };
}
