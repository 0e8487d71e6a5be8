import { type Decimal, formatDecimal, parseDecimal } from '../decimal.ts';
import type { Dialect } from './connect.ts';

/**
 * The column types of rules §21. `check` is what Postgres refuses by type and SQLite only by a CHECK.
 * Text is compared byte by byte on both (`COLLATE "C"`), so that orders and keysets are equal.
 */
const TYPES = {
  id: { postgres: 'text COLLATE "C"', sqlite: 'TEXT' },
  text: { postgres: 'text COLLATE "C"', sqlite: 'TEXT' },
  money: { postgres: 'bigint', sqlite: 'INTEGER', both: 'BETWEEN -9007199254740991 AND 9007199254740991' },
  big: { postgres: 'bigint', sqlite: 'INTEGER', both: 'BETWEEN -9007199254740991 AND 9007199254740991' },
  /** Any 64-bit integer: beyond 2^53, so it is read with CAST(… AS TEXT). */
  int64: { postgres: 'bigint', sqlite: 'INTEGER' },
  int: { postgres: 'integer', sqlite: 'INTEGER', check: 'BETWEEN -2147483648 AND 2147483647' },
  dec: { postgres: 'numeric(36,12)', sqlite: 'TEXT', check: "NOT GLOB '*[^0-9.-]*'" },
  ts: { postgres: 'timestamptz(3)', sqlite: 'TEXT', check: "GLOB '????-??-??T??:??:??.???Z'" },
  date: { postgres: 'date', sqlite: 'TEXT', check: "GLOB '????-??-??'" },
  bool: { postgres: 'boolean', sqlite: 'INTEGER', check: 'IN (0, 1)' },
  json: { postgres: 'jsonb', sqlite: 'TEXT', valid: 'json_valid' },
} as const;

/** After the closing parenthesis of a table; `compact` for short rows that are always found by their primary key. */
const TABLE_OPTIONS = { strict: 'STRICT', compact: 'STRICT, WITHOUT ROWID' } as const;

export type ColumnType = keyof typeof TYPES;
type Definition = Record<Dialect, string> & { check?: string; both?: string; valid?: string };

/**
 * SQL text with `{token}` types -> SQL of the dialect. In a column definition (`name {token}`) the checks of the type
 * are added; elsewhere (casts) the bare type stands. Throws on an unknown token.
 */
export function withColumnTypes(sql: string, dialect: Dialect): string {
  return sql.replace(/(\b[a-z_]+ )?\{([a-z0-9]+)\}/g, (_, name: string | undefined, token: string) => {
    if (Object.hasOwn(TABLE_OPTIONS, token))
      return (name ?? '') + (dialect === 'sqlite' ? TABLE_OPTIONS[token as keyof typeof TABLE_OPTIONS] : '');
    if (!Object.hasOwn(TYPES, token)) throw new Error(`Unknown column type {${token}}`);
    const type: Definition = TYPES[token as ColumnType];
    return (name ?? '') + type[dialect] + (name ? checkOf(type, name.trim(), dialect) : '');
  });
}

function checkOf(type: Definition, column: string, dialect: Dialect): string {
  if (type.both) return ` CHECK (${column} ${type.both})`;
  if (dialect === 'postgres') return '';
  if (type.valid) return ` CHECK (${type.valid}(${column}))`;
  return type.check ? ` CHECK (${column} ${type.check})` : '';
}

/** Readers: a value as either driver answers it -> the value of the domain. Instants, dates and texts are read as is. */
export const bool = (value: unknown): boolean => value === true || value === 1;
export const int = (value: unknown): number => Number(value);
export const big = (value: unknown): bigint => BigInt(value as string | number);
export const money = big;
export const decimal = (value: unknown): Decimal => parseDecimal(value as string);
export const json = <T>(value: unknown): T => JSON.parse(value as string) as T;

const optional =
  <T>(read: (value: unknown) => T) =>
  (value: unknown): T | null =>
    value === null || value === undefined ? null : read(value);

export const optionalInt = optional(int);
export const optionalBig = optional(big);
export const optionalMoney = optional(money);
export const optionalDecimal = optional(decimal);
export const optionalJson = <T>(value: unknown): T | null =>
  value === null || value === undefined ? null : json<T>(value);

type Nullable<Value, Stored> = Value extends null ? Stored | null : Stored;

/** Writers: a value of the domain -> what both drivers take for its column; null stays null. */
export const toJson = (value: unknown): string | null => (value == null ? null : JSON.stringify(value));
export const toDecimal = <D extends Decimal | null>(value: D): Nullable<D, string> =>
  (value === null ? null : formatDecimal(value)) as Nullable<D, string>;

/** Minor units of one row; throws RangeError beyond 2^53 - 1, which no single row may hold (rules M7). */
export function toMoney(value: bigint): bigint {
  if (value > 9007199254740991n || value < -9007199254740991n) throw new RangeError('An amount is too large to store');
  return value;
}
