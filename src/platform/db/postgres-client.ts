import type { Socket } from 'node:net';
import Client from 'knex/lib/dialects/postgres/index.js';
import pg from 'pg';
import { boundedBody, STATEMENT_LIMIT_S, sendBounded } from './bounded.ts';

const TIMESTAMPTZ = 1184;
const BIGINT = 20;
const AS_TEXT = [1082, 1700, 114, 3802]; // date, numeric, json, jsonb: read by columns.ts

const parsers = new Map<number, (text: string) => unknown>([
  [TIMESTAMPTZ, instantOf],
  [BIGINT, Number], // CHECKs keep every stored bigint within 2^53
  ...AS_TEXT.map((oid): [number, (text: string) => string] => [oid, (text) => text]),
]);

/** What pg needs to read our column types, for this client only. */
export const types = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    (format !== 'binary' && parsers.get(oid)) || pg.types.getTypeParser(oid, format),
};

/** `2026-01-31 10:15:00.12+00`, as Postgres writes a timestamptz(3) in UTC, to the canonical instant. */
export function instantOf(text: string): string {
  const length = text.length;
  if (length < 22 || length > 26 || text.charCodeAt(10) !== 32 || !text.endsWith('+00')) {
    return new Date(text).toISOString();
  }
  const fraction = text.slice(20, length - 3);
  return `${text.slice(0, 10)}T${text.slice(11, 19)}.${fraction.padEnd(3, '0')}Z`;
}

const NAMES = 1000;
const LONGEST_NAMED = 4000;
const names = new Map<string, string>();

/** One name per statement text for the whole process; undefined for long texts and once there are too many. */
function nameOf(sql: string): string | undefined {
  const known = names.get(sql);
  if (known !== undefined || sql.length > LONGEST_NAMED || names.size >= NAMES) return known;
  const name = `s${names.size}`;
  names.set(sql, name);
  return name;
}

const positioned = new Map<string, string>();

/**
 * No statement waits for a lock longer than a caller would wait for the answer, and a process that froze inside a
 * transaction (rules S12) does not keep its locks.
 */
const SESSION = `SET TIME ZONE 'UTC'; SET datestyle TO 'ISO, YMD'; SET lock_timeout = '10s';
  SET idle_in_transaction_session_timeout = '60s'; SET statement_timeout = '${STATEMENT_LIMIT_S}s'`;

type Connection = pg.Client & { __knex__disposed?: unknown };

/** Ends the connection from this side, which fails the statement on it: the pool throws it away at its release. */
function destroy(connection: Connection): void {
  connection.__knex__disposed ??= 'ended from this side';
  (connection as unknown as { connection: { stream: Socket } }).connection.stream.destroy();
}

/** How long a new connection, and each of its first statements, may take. */
export const CONNECT_MS = 5000;

async function answeredSoon<T>(connection: pg.Client, answer: Promise<T>): Promise<T> {
  const timer = setTimeout(() => destroy(connection), CONNECT_MS);
  try {
    return await answer;
  } finally {
    clearTimeout(timer);
  }
}

/** Knex on pg with server-side prepared statements, so that repeated statements are parsed and planned once. */
export class PostgresClient extends Client {
  override async _acquireOnlyConnection(): Promise<pg.Client> {
    const connection = await super._acquireOnlyConnection();
    await answeredSoon(connection, connection.query(SESSION));
    return connection;
  }

  override checkVersion(connection: pg.Client): Promise<string> {
    return answeredSoon(connection, super.checkVersion(connection));
  }

  override transaction(body: unknown, config: unknown, outer: unknown) {
    return super.transaction(boundedBody(body), config, outer);
  }

  /** A connection that is lost already cannot say goodbye. */
  override async destroyRawConnection(connection: Connection): Promise<void> {
    if (connection.__knex__disposed) destroy(connection);
    else await super.destroyRawConnection(connection);
  }

  /** Knex rewrites `?` to `$n` anew for every execution; the text of a repeated statement is remembered. */
  override positionBindings(sql: string): string {
    const known = positioned.get(sql);
    if (known !== undefined) return known;
    const text = super.positionBindings(sql);
    if (positioned.size < NAMES && sql.length <= LONGEST_NAMED) positioned.set(sql, text);
    return text;
  }

  override async _query(connection: Connection, query: KnexQuery): Promise<KnexQuery> {
    const values = query.bindings as unknown[] | undefined;
    const text = query.sql;
    const name = values && values.length > 0 ? nameOf(text) : undefined;
    try {
      const send = () => connection.query(name ? { name, text, values } : { text, values });
      query.response = await sendBounded(text, send, () => destroy(connection));
    } catch (error) {
      if (name && isStalePlan(error)) connection.__knex__disposed = error;
      throw error;
    }
    return query;
  }
}

/** A migration by another process changed a table under a prepared `SELECT *`: a new connection plans anew. */
export function isStalePlan(error: unknown): boolean {
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  return code === '0A000' && String(message).includes('cached plan must not change result type');
}
