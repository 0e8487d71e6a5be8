import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  big,
  bool,
  decimal,
  int,
  json,
  money,
  optionalDecimal,
  optionalJson,
  optionalMoney,
  toDecimal,
  toJson,
  toMoney,
  withColumnTypes,
} from '../../../src/platform/db/columns.ts';
import { query } from '../../../src/platform/db/sql.ts';
import { parseDecimal } from '../../../src/platform/decimal.ts';
import { type TestDatabase, testDatabase } from '../../support/database.ts';

const INSTANT = '2026-02-28T10:15:00.120Z';
const TABLE = `CREATE TABLE kinds (id {id} PRIMARY KEY, label {text}, amount {money}, price {dec}, at {ts}, day {date},
  active {bool}, data {json}, n {int}, total {big}) {strict}`;

let place: TestDatabase;
beforeAll(async () => {
  place = await testDatabase();
  await query(place.database.write, withColumnTypes(TABLE, place.database.dialect));
});
afterAll(() => place.drop());

let count = 0;
async function stored(row: Record<string, unknown>): Promise<Record<string, unknown>> {
  const id = `row-${++count}`;
  await place.database.write('kinds').insert({ id, ...row });
  const [found] = await place.database.read('kinds').where({ id });
  return found;
}

describe('a value comes back as it went in', () => {
  test.each([0n, 1n, -1n, 999_999_999_999_999n, -999_999_999_999_999n, 9_007_199_254_740_991n])(
    'money %s',
    async (v) => {
      expect(money((await stored({ amount: toMoney(v) })).amount)).toBe(v);
      expect(big((await stored({ total: v })).total)).toBe(v);
    },
  );

  test.each(['0.000000000001', '-0.000000000001', '123456789012.123456789012', '-2.5', '0', '1000'])(
    'decimal %s',
    async (text) => {
      const row = await stored({ price: toDecimal(parseDecimal(text)) });
      expect(decimal(row.price)).toEqual(parseDecimal(text));
      expect(optionalDecimal(row.price)).toEqual(parseDecimal(text));
    },
  );

  test.each([INSTANT, '2026-01-01T00:00:00.000Z', '1999-12-31T23:59:59.999Z', '2026-06-01T12:00:00.100Z'])(
    'instant %s',
    async (at) => expect((await stored({ at })).at).toBe(at),
  );

  test('a date, as text', async () => expect((await stored({ day: '2028-02-29' })).day).toBe('2028-02-29'));

  test.each([true, false])('a boolean %s', async (active) =>
    expect(bool((await stored({ active })).active)).toBe(active),
  );

  test.each([{ a: [1, 'ü', null], b: { c: true } }, [], 'text', 0])('json %j', async (value) => {
    expect(json((await stored({ data: toJson(value) })).data)).toEqual(value);
  });

  test('an integer, and text that looks like one', async () => {
    const row = await stored({ n: -2_147_483_648, label: '007' });
    expect(int(row.n)).toBe(-2_147_483_648);
    expect(row.label).toBe('007');
  });

  test('null', async () => {
    const row = await stored({ amount: null, price: toDecimal(null), data: toJson(null), at: null, active: null });
    expect([optionalMoney(row.amount), optionalDecimal(row.price), optionalJson(row.data), row.at]).toEqual(
      new Array(4).fill(null),
    );
  });
});

describe('what the database answers is the same on both', () => {
  test('a whole number cast to text has no decimals', async () => {
    const [row] = await query<{ t: string }>(
      place.database.read,
      'SELECT CAST(CAST(? AS integer) + 1 AS text) AS t',
      [4],
    );
    expect(row?.t).toBe('5');
  });

  test('count and sum are numbers or exact text', async () => {
    await stored({ label: 'sum', amount: 999_999_999_999_999n });
    await stored({ label: 'sum', amount: 999_999_999_999_998n });
    const [row] = await place.database
      .read('kinds')
      .where({ label: 'sum' })
      .select(place.database.read.raw('count(*) AS n, CAST(sum(amount) AS text) AS total'));
    expect(row).toEqual({ n: 2, total: '1999999999999997' });
  });

  test('instants compare as instants', async () => {
    await stored({ label: 'order', at: '2026-01-01T00:00:00.999Z' });
    await stored({ label: 'order', at: '2026-01-01T00:00:01.000Z' });
    const rows = await place.database
      .read('kinds')
      .where({ label: 'order' })
      .where('at', '<', '2026-01-01T00:00:01.000Z');
    expect(rows.map(({ at }) => at)).toEqual(['2026-01-01T00:00:00.999Z']);
  });

  test('texts are ordered byte by byte', async () => {
    for (const label of ['b', 'B', 'é', 'a', '_']) await stored({ n: 77, label });
    const rows = await place.database.read('kinds').where({ n: 77 }).orderBy('label');
    expect(rows.map(({ label }) => label)).toEqual(['B', '_', 'a', 'b', 'é']);
  });

  test.each([
    ['an instant without milliseconds', { at: '2026-01-01 00:00:00x' }],
    ['a date with a time', { day: '2026-01-01T25' }],
    ['a number with an exponent', { price: '1,5' }],
    ['a boolean that is none', { active: 7 }],
    ['broken JSON', { data: '{' }],
    ['text in an integer column', { n: 'x' }],
    ['an integer beyond 32 bits', { n: 2_147_483_648 }],
    ['an amount beyond 2^53', { amount: 9_007_199_254_740_992n }],
  ])('%s is refused', async (_, row) => {
    await expect(stored(row)).rejects.toThrow();
  });
});

test('an amount beyond 2^53 is not written', () => {
  expect(() => toMoney(9_007_199_254_740_992n)).toThrow(RangeError);
});

test('an unknown type token is refused', () => {
  expect(() => withColumnTypes('CREATE TABLE t (a {uuid})', 'sqlite')).toThrow('{uuid}');
});
