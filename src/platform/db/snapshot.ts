import makeKnex from 'knex/lib/knex-builder/make-knex.js';
import { currentBounds, untilEnd } from '../bounds.ts';
import type { Db } from './connect.ts';

/** Runs `run` on one unchanging view of the database. The handle answers nothing after `run` has ended. */
export type Snapshot = <T>(run: (db: Db) => Promise<T>) => Promise<T>;

type Connection = object & { __knex__disposed?: unknown };
/** A Knex handle whose statements all go over one connection. */
interface Handle {
  db: Db;
  open: boolean;
}

/** What a client of a transaction shares with that of the pool, as in Knex's own transactions. */
const SHARED = ['version', 'config', 'driver', 'connectionSettings', 'valueForUndefined', 'logger'];

/**
 * Read transactions on connections of `pool`, each on one that nobody else uses meanwhile. Nobody waits for their end,
 * because there is nothing to commit. A handle stays with its connection: making one costs more than a small read. `told`
 * hears of the statements.
 */
export function createSnapshots(pool: Db, begin: string, told: Db = pool): Snapshot {
  const handles = new WeakMap<Connection, Handle>();
  return async (run) => {
    const connection: Connection = await pool.client.acquireConnection();
    const handle = handles.get(connection) ?? bind(pool, connection, told);
    handles.delete(connection); // after a failure, parts of `run` may still be on their way: that handle is not used again
    const send = (sql: string): Promise<unknown> => handle.db.client.query(connection, { sql, bindings: [] });
    handle.open = true;
    try {
      await send(begin);
      const result = await untilEnd(currentBounds(), () => run(handle.db));
      handles.set(connection, handle);
      return result;
    } finally {
      const ended = send('ROLLBACK'); // let through also when the time of the request is over
      handle.open = false;
      void giveBack(pool, connection, ended);
    }
  };
}

/** A connection whose transaction did not end is thrown away. */
async function giveBack(pool: Db, connection: Connection, ended: Promise<unknown>): Promise<void> {
  try {
    await ended;
  } catch (error) {
    connection.__knex__disposed = error;
  }
  await pool.client.releaseConnection(connection);
}

function bind(pool: Db, connection: Connection, told: Db): Handle {
  const parent = pool.client;
  const client = Object.create(parent.constructor.prototype);
  for (const member of SHARED) client[member] = parent[member];
  client.transacting = true;
  client.acquireConnection = async () => connection;
  client.releaseConnection = async () => {};
  client.query = async (on: unknown, statement: unknown) => {
    if (!handle.open) throw new Error('The snapshot is over');
    return parent.constructor.prototype.query.call(client, on, statement);
  };
  client.on('query', (query: unknown) => told.client.emit('query', query));
  const handle: Handle = { db: makeKnex(client), open: false };
  handle.db.isTransaction = true;
  return handle;
}
