import { AsyncLocalStorage } from 'node:async_hooks';
import { handlers } from '../../src/app.ts';
import { PostgresClient } from '../../src/platform/db/postgres-client.ts';
import { SqliteWriter } from '../../src/platform/db/sqlite-client.ts';
import type { HandlerTable } from '../../src/platform/http/router.ts';
import type { AnyHandler } from '../../src/platform/http/run-call.ts';
import { dialect } from './database.ts';

/** A statement, and the state of the database that it saw: equal ones saw the same commits, over one connection. */
export interface Seen {
  sql: string;
  bindings: unknown[];
  view: string;
}
export interface Watch {
  seen: Seen[];
  between: (statement: number) => Promise<unknown>;
}

const watches = new AsyncLocalStorage<Watch>();

/** The statements of `run`, whatever handle they go over. `between` happens before each but the first. */
export async function watched(run: () => Promise<unknown>, between: Watch['between']): Promise<Seen[]> {
  const seen: Seen[] = [];
  await watches.run({ seen, between }, run);
  return seen;
}

/** The handlers of the application, each of which reads under `nextWatch`: not what recognises the caller before it. */
export function watchedHandlers(nextWatch: () => Watch | undefined): HandlerTable {
  const wrapped = (handler: AnyHandler): AnyHandler => {
    return (input, context) => {
      const watch = nextWatch();
      return watch ? watches.run(watch, () => handler(input, context)) : handler(input, context);
    };
  };
  return Object.fromEntries(
    Object.entries(handlers as unknown as HandlerTable).map(([tag, table]) => [
      tag,
      Object.fromEntries(Object.entries(table).map(([id, handler]) => [id, wrapped(handler)])),
    ]),
  );
}

// biome-ignore lint/suspicious/noExplicitAny: connections of either driver
type Connection = any;
const prototype: {
  _query(connection: Connection, query: { sql: string; bindings?: readonly unknown[] }): Promise<unknown>;
} = (dialect === 'postgres' ? PostgresClient : SqliteWriter).prototype as never;

/** From now on, statements are watched; answers how to stop it. */
export function watchStatements(): () => void {
  const original = prototype._query;
  const names = new WeakMap<object, number>();
  let connections = 0;
  const viewOf = async (connection: Connection): Promise<string> => {
    if (!names.has(connection)) names.set(connection, ++connections);
    const version =
      dialect === 'postgres'
        ? (await connection.query('select pg_current_snapshot()::text as view')).rows[0].view
        : connection.pragma('data_version', { simple: true });
    return `${names.get(connection)}: ${version}`;
  };
  prototype._query = async function (connection, query) {
    const watch = watches.getStore();
    if (!watch || /^(BEGIN|COMMIT|ROLLBACK)/.test(query.sql)) return original.call(this, connection, query);
    const statement = watch.seen.length;
    if (statement > 0) await watches.exit(async () => void (await watch.between(statement)));
    watch.seen.push({ sql: query.sql, bindings: [...(query.bindings ?? [])], view: '' });
    const answer = await original.call(this, connection, query);
    watch.seen[statement]!.view = await viewOf(connection);
    return answer;
  };
  return () => {
    prototype._query = original;
  };
}
