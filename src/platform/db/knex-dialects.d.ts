/** Knex ships no types for its dialect clients; this is the part the subclasses of this folder override. */
interface KnexQuery {
  sql: string;
  bindings?: readonly unknown[];
  response?: unknown;
  context?: unknown;
}

declare module 'knex/lib/dialects/better-sqlite3/index.js' {
  import type BetterSqlite3 from 'better-sqlite3';
  import { Knex } from 'knex';
  export default class SqliteClient extends Knex.Client {
    declare driver: typeof BetterSqlite3;
    connectionSettings: { filename: string };
    transaction(container: unknown, config: unknown, outerTx: unknown): Knex.Transaction;
    queryCompiler(builder: unknown, formatter?: unknown): object;
    initializePool(): void;
    acquireConnection(): Promise<BetterSqlite3.Database>;
    releaseConnection(connection: unknown): Promise<void>;
    acquireRawConnection(): Promise<BetterSqlite3.Database>;
    destroy(): Promise<void>;
    _query(connection: BetterSqlite3.Database, query: KnexQuery): Promise<KnexQuery>;
  }
}

declare module 'knex/lib/dialects/sqlite3/execution/sqlite-transaction.js' {
  export default class SqliteTransaction {
    constructor(client: unknown, container: unknown, config: unknown, outerTx: unknown);
    query(connection: unknown, sql: string): Promise<unknown>;
    begin(connection: unknown): Promise<unknown>;
  }
}

declare module 'knex/lib/dialects/sqlite3/query/sqlite-querycompiler.js' {
  export default class SqliteQueryCompiler {
    constructor(client: unknown, builder: unknown, formatter: unknown);
    single: { limit?: unknown };
    limit(): string;
  }
}

declare module 'knex/lib/dialects/postgres/index.js' {
  import { Knex } from 'knex';
  import type { Client } from 'pg';
  export default class PostgresClient extends Knex.Client {
    transaction(container: unknown, config: unknown, outerTx: unknown): Knex.Transaction;
    _acquireOnlyConnection(): Promise<Client>;
    checkVersion(connection: Client): Promise<string>;
    destroyRawConnection(connection: Client): Promise<void>;
    _query(connection: Client & { __knex__disposed?: unknown }, query: KnexQuery): Promise<KnexQuery>;
  }
}

declare module 'knex/lib/knex-builder/make-knex.js' {
  import type { Knex } from 'knex';
  export default function makeKnex(client: unknown): Knex;
}
