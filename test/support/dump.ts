import type { Db } from '../../src/platform/db/connect.ts';
import { query } from '../../src/platform/db/sql.ts';
import { tableNames } from './schema.ts';

type Row = Record<string, unknown>;
export type Dump = Map<string, Row[]>;

/** Not facts: who holds a job, who is logged in, which answers can be replayed. */
const PLUMBING = new Set(['leases', 'idempotency_keys', 'sessions', 'login_throttle']);

/** Every row of every table of facts, in the order of the first columns. */
export async function dump(db: Db): Promise<Dump> {
  const tables: Dump = new Map();
  for (const table of await tableNames(db))
    if (!PLUMBING.has(table)) tables.set(table, await query<Row>(db, `select * from ${table} order by 1, 2`));
  return tables;
}

export const asLines = (tables: Dump): string[] =>
  [...tables].flatMap(([table, rows]) => rows.map((row) => `${table} ${JSON.stringify(row)}`));

const ULID = /[0-7][0-9A-HJKMNP-TV-Z]{25}/g;
/** Differs from run to run by its nature: salted hashes, the ids of requests, keys and what they sign. */
const PRIVATE = new Set([
  ...['password_hash', 'request_id', 'last_login_at'],
  ...['public_key', 'private_key_enc', 'signature'],
]);
const LICENSE_KEY = /RUSTBILL(-[A-Z2-9]{4}){3}/g;

/**
 * A dump that two databases can be compared by: ids become the table and place of their row, and what the drivers
 * answer differently (booleans, numbers, the order of JSON members, trailing zeros) is brought into one form.
 */
export function comparable(tables: Dump): string[] {
  const names = new Map<string, string>();
  for (const [table, rows] of tables)
    for (const [i, { id }] of rows.entries())
      for (const ulid of String(id ?? '').match(ULID) ?? []) names.set(ulid, `<${table} ${i + 1}>`);
  const kids = (tables.get('signing_keys') ?? []).map(({ kid }) => String(kid));
  const named = (text: string) =>
    kids
      .reduce((left, kid) => left.replaceAll(kid, '<kid>'), text.replace(LICENSE_KEY, '<key>'))
      .replace(ULID, (ulid) => names.get(ulid) ?? '<id>');
  const lines: string[] = [];
  for (const [table, rows] of tables)
    for (const row of rows) {
      const members = Object.entries(row).filter(([column]) => !PRIVATE.has(column));
      lines.push(`${table} ${members.map(([column, value]) => `${column}=${named(plain(value))}`).join(' ')}`);
    }
  return lines.sort();
}

function plain(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (typeof value !== 'string') return String(value);
  if (/^[[{]/.test(value)) return JSON.stringify(sorted(JSON.parse(value)));
  return /^-?\d+\.\d+$/.test(value) ? value.replace(/\.?0+$/, '') : value;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  );
}

/** The lines only one side has, few enough to read. */
export function difference(before: string[], after: string[]): string[] {
  const [old, fresh] = [new Set(before), new Set(after)];
  return [
    ...before.filter((line) => !fresh.has(line)).map((line) => `- ${line}`),
    ...after.filter((line) => !old.has(line)).map((line) => `+ ${line}`),
  ].slice(0, 12);
}
