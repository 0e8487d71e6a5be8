import { describe, expect, test } from '@jest/globals';
import { asIs, bool, decimal, describeTable, int, json, money } from '../../../src/platform/db/table.ts';
import { type Decimal, parseDecimal } from '../../../src/platform/decimal.ts';

interface Thing {
  id: string;
  taxName: string | null;
  amountDue: bigint;
  quantity: Decimal;
  taxInclusive: boolean;
  version: number;
  billTo: { city: string };
}

const THINGS = describeTable<Thing>({
  id: asIs,
  taxName: asIs,
  amountDue: money,
  quantity: decimal,
  taxInclusive: bool,
  version: int,
  billTo: json,
});
const thing: Thing = {
  id: 'a',
  taxName: null,
  amountDue: -1250n,
  quantity: parseDecimal('2.5'),
  taxInclusive: true,
  version: 3,
  billTo: { city: 'Łódź' },
};

describe('the description of a table', () => {
  test('writes each member to its column, and reads it as either driver answers it', () => {
    const row = THINGS.toRow(thing);
    expect(row).toEqual({
      id: 'a',
      tax_name: null,
      amount_due: -1250,
      quantity: '2.5',
      tax_inclusive: true,
      version: 3,
      bill_to: '{"city":"Łódź"}',
    });
    expect(THINGS.fromRow({ ...row, amount_due: '-1250', tax_inclusive: 1 })).toEqual(thing);
  });

  test('writes only, or all but, some members', () => {
    expect(THINGS.only('id', 'taxName')(thing)).toEqual({ id: 'a', tax_name: null });
    expect(Object.keys(THINGS.except('id', 'billTo', 'quantity')(thing))).toEqual([
      'tax_name',
      'amount_due',
      'tax_inclusive',
      'version',
    ]);
  });

  test('refuses an amount that a row may not hold', () => {
    expect(() => THINGS.toRow({ ...thing, amountDue: 2n ** 53n })).toThrow(RangeError);
  });

  test('a member without a column, or money kept as something else, does not compile', () => {
    // @ts-expect-error quantity has no column
    describeTable<Pick<Thing, 'id' | 'quantity'>>({ id: asIs });
    // @ts-expect-error minor units are not kept as they are
    describeTable<Pick<Thing, 'amountDue'>>({ amountDue: asIs });
  });
});
