import type { Decimal } from '../decimal.ts';
import * as columns from './columns.ts';

/** How a member is kept: read as either driver answers it, written as both take it. */
interface Column<T> {
  read(value: unknown): T;
  write(value: T): unknown;
}

/** A column of minor units; only such a one takes a bigint, so that no amount is kept unchecked. */
interface MoneyColumn<T> extends Column<T> {
  readonly unit: 'minor';
}

/** One column for every member of the noun: a member without one does not compile. */
type Columns<Noun> = {
  [M in keyof Noun]-?: [Extract<Noun[M], bigint>] extends [never] ? Column<Noun[M]> : MoneyColumn<Noun[M]>;
};

type Row = Record<string, unknown>;

export interface Table<Noun> {
  fromRow(row: Row): Noun;
  toRow(noun: Noun): Row;
  /** A writer of these members only, such as those that may change. */
  only(...members: (keyof Noun & string)[]): (noun: Noun) => Row;
  /** A writer of all members but these. */
  except(...members: (keyof Noun & string)[]): (noun: Noun) => Row;
}

/** Texts, instants, whole numbers that fit: kept as they are. */
export const asIs = { read: (value: unknown) => value as never, write: (value: unknown): unknown => value };
export const int: Column<number> = { read: columns.int, write: (value) => value };
export const bool: Column<boolean> = { read: columns.bool, write: (value) => value };
export const json = { read: (value: unknown) => columns.json<never>(value), write: columns.toJson };
export const decimal: Column<Decimal> = { read: columns.decimal, write: columns.toDecimal };
export const optionalDecimal: Column<Decimal | null> = { read: columns.optionalDecimal, write: columns.toDecimal };
/** Minor units; writing throws RangeError beyond what a row may hold (rules M7). */
export const money: MoneyColumn<bigint> = {
  unit: 'minor',
  read: columns.money,
  write: (value) => Number(columns.toMoney(value)),
};

/** Describes a table once: member `taxName` is column `tax_name`. */
export function describeTable<Noun extends object>(described: Columns<Noun>): Table<Noun> {
  const all = Object.entries(described as Record<string, Column<unknown>>).map(([member, column]) => ({
    member,
    name: member.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    ...column,
  }));
  const writerOf = (some: typeof all) => (noun: Noun) => {
    const row: Row = {};
    for (const { member, name, write } of some) row[name] = write((noun as Row)[member]);
    return row;
  };
  return {
    fromRow(row) {
      const noun: Row = {};
      for (const { member, name, read } of all) noun[member] = read(row[name]);
      return noun as Noun;
    },
    toRow: writerOf(all),
    only: (...members) => writerOf(all.filter(({ member }) => (members as string[]).includes(member))),
    except: (...members) => writerOf(all.filter(({ member }) => !(members as string[]).includes(member))),
  };
}
