import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { insertRows, updateRows, upsertRows } from '../../../src/platform/db/bulk.ts';
import { withColumnTypes } from '../../../src/platform/db/columns.ts';
import { isUniqueViolation } from '../../../src/platform/db/errors.ts';
import { execute, query } from '../../../src/platform/db/sql.ts';
import { type TestDatabase, testDatabase } from '../../support/database.ts';

const TABLE = `CREATE TABLE things (id {id} PRIMARY KEY, grp {text} NOT NULL, n {int} NOT NULL, amount {money},
  price {dec}, at {ts}, day {date}, active {bool}, data {json}, UNIQUE (grp, n)) {strict}`;

let place: TestDatabase;
beforeAll(async () => {
  place = await testDatabase();
  await query(place.database.write, withColumnTypes(TABLE, place.database.dialect));
});
beforeEach(() => execute(place.database.write, 'DELETE FROM things'));
afterAll(() => place.drop());

const thing = (n: number, extra: Record<string, unknown> = {}) => ({
  id: `thing-${String(n).padStart(6, '0')}`,
  grp: 'a',
  n,
  amount: BigInt(n) * 1_000_000_000n,
  price: '0.000000000001',
  at: '2026-01-31T10:15:00.123Z',
  day: '2026-01-31',
  active: n % 2 === 0,
  data: `{"text":"it's \\"quoted\\" \\\\ {a,b} NULL ü"}`,
  ...extra,
});
const all = () => place.database.read('things').orderBy('n');

test('12 000 rows of every type go in and come back', async () => {
  const rows = Array.from({ length: 12_000 }, (_, n) => thing(n));
  expect(await insertRows(place.database.write, 'things', rows)).toBe(12_000);
  const found = await all();
  expect(found).toHaveLength(12_000);
  const last = found.at(-1);
  expect([last.id, Number(last.amount), last.at, last.day, Boolean(last.active)]).toEqual([
    ...['thing-011999', 11_999_000_000_000, '2026-01-31T10:15:00.123Z', '2026-01-31', false],
  ]);
  expect(JSON.parse(last.data).text).toBe('it\'s "quoted" \\ {a,b} NULL ü');
});

test('nulls, and no rows at all', async () => {
  const empty = { amount: null, price: null, at: null, day: null, active: null, data: null };
  await insertRows(place.database.write, 'things', [thing(1, empty), thing(2)]);
  expect((await all())[0]).toMatchObject(empty);
  expect(await insertRows(place.database.write, 'things', [])).toBe(0);
  expect(await updateRows(place.database.write, 'things', 'id', [])).toBe(0);
});

test.each([
  ['one empty text', ['']],
  ['empty texts among others', ['', 'x', '']],
  ['the characters that separate values', ['a\u001eb', '\u001d', 'c\u001d']],
  ['one of them alone', ['\u001e']],
  ['a word that arrays read as null', ['NULL', 'null', '{}', '"', '\\']],
])('%s is stored as it is', async (_, texts) => {
  const { write } = place.database;
  const rows = texts.map((grp, n) => thing(n, { grp, data: n % 2 ? null : '{"a":"\\u001e\\n"}' }));
  await insertRows(write, 'things', rows);
  expect((await all()).map(({ grp }) => grp)).toEqual(texts);
  expect(JSON.parse((await all())[0].data)).toEqual({ a: '\u001e\n' });
  const reversed = rows.map(({ id }, n) => ({ id, grp: `${texts.at(-1 - n)}!` }));
  expect(await updateRows(write, 'things', 'id', reversed)).toBe(texts.length);
  expect((await all()).map(({ grp }) => grp)).toEqual(texts.toReversed().map((text) => `${text}!`));
});

test('an upsert answers what each row returned, and what it left out', async () => {
  const { write } = place.database;
  const rows = (amount: bigint) => Array.from({ length: 6_000 }, (_, n) => thing(n, { amount }));
  const add = 'ON CONFLICT (id) DO UPDATE SET amount = things.amount + excluded.amount RETURNING id, amount';
  await insertRows(write, 'things', rows(5n).slice(0, 2));
  const raised = await upsertRows<{ id: string; amount: unknown }>(write, 'things', rows(3n), add);
  expect(raised.map(({ id, amount }) => [id, Number(amount)])).toEqual(
    rows(3n).map(({ id }, n) => [id, n < 2 ? 8 : 3]),
  );
  const unless = 'ON CONFLICT (id) DO NOTHING RETURNING id';
  expect(await upsertRows(write, 'things', [thing(1), thing(7_000)], unless)).toEqual([{ id: thing(7_000).id }]);
  expect(await upsertRows(write, 'things', [], unless)).toEqual([]);
});

test('a row that an update leaves as it is counts as hit', async () => {
  const { write } = place.database;
  await insertRows(write, 'things', [thing(1), thing(2, { data: null, amount: null })]);
  const [before, same] = [await all(), [thing(1), thing(2, { data: null, amount: null })]];
  expect(await updateRows(write, 'things', 'id', same)).toBe(2);
  expect(await all()).toEqual(before);
  expect(await updateRows(write, 'things', 'id', [{ id: thing(2).id, amount: 0n, active: false }])).toBe(1);
  expect((await all()).map(({ amount, active }) => [Number(amount), Boolean(active)])).toEqual([
    [1_000_000_000, false],
    [0, false],
  ]);
});

test('one refused row leaves none behind', async () => {
  const rows = Array.from({ length: 6_000 }, (_, n) => thing(n));
  rows.push(thing(6_001, { n: 5 }));
  const error = await insertRows(place.database.write, 'things', rows).catch((e: unknown) => e);
  expect(isUniqueViolation(error)).toBe(true);
  expect(await all()).toEqual([]);
});

test('conflicts are left out and counted', async () => {
  const { write } = place.database;
  await insertRows(write, 'things', [thing(1)]);
  const rows = [thing(1, { id: 'other' }), thing(2)];
  expect(await insertRows(write, 'things', rows, { ignoreConflictsOn: ['grp', 'n'] })).toBe(1);
  expect(await insertRows(write, 'things', rows, { ignoreConflictsOn: 'any' })).toBe(0);
  expect((await all()).map(({ id }) => id)).toEqual(['thing-000001', 'thing-000002']);
});

test('a conflict on another index than the named one is an error', async () => {
  await insertRows(place.database.write, 'things', [thing(1)]);
  const insert = insertRows(place.database.write, 'things', [thing(1, { n: 9 })], { ignoreConflictsOn: ['grp', 'n'] });
  expect(isUniqueViolation(await insert.catch((e: unknown) => e))).toBe(true);
});

test('rows must name the same columns', async () => {
  const { data: _, ...short } = thing(2);
  await expect(insertRows(place.database.write, 'things', [thing(1), short])).rejects.toThrow('same columns');
  await expect(insertRows(place.database.write, 'things', [thing(1, { data: undefined })])).rejects.toThrow(
    'same columns',
  );
  await expect(insertRows(place.database.write, 'things', [{ 'id"': 1 }])).rejects.toThrow('Not an identifier');
});

test('updates hit the rows with the key and count them', async () => {
  const { write } = place.database;
  await insertRows(
    write,
    'things',
    Array.from({ length: 20 }, (_, n) => thing(n)),
  );
  const changes = [3, 4, 99].map((n) => ({
    ...{ id: thing(n).id, amount: BigInt(n), price: '2.5', at: null, day: '2026-02-01', active: true, data: '[]' },
  }));
  expect(await updateRows(write, 'things', 'id', changes)).toBe(2);
  const rows = await all();
  expect(rows.filter(({ day }) => day === '2026-02-01').map(({ n }) => n)).toEqual([3, 4]);
  expect([Number(rows[3].amount), rows[3].at, JSON.parse(rows[3].data), Number(rows[3].price)]).toEqual([
    3,
    null,
    [],
    2.5,
  ]);
});

test('updates by several key columns, and under a condition', async () => {
  const { write } = place.database;
  await insertRows(write, 'things', [thing(1), thing(2, { active: false }), thing(3, { active: true })]);
  const rows = [1, 2, 3].map((n) => ({ grp: 'a', n, amount: 7 }));
  expect(await updateRows(write, 'things', ['grp', 'n'], rows.slice(0, 1))).toBe(1);
  expect(await updateRows(write, 'things', ['grp', 'n'], rows, { onlyWhere: 'amount <> 7' })).toBe(2);
  await expect(updateRows(write, 'things', 'id', [{ id: 'x' }])).rejects.toThrow('something to change');
});

test('works inside a transaction and is undone with it', async () => {
  const { database } = place;
  const work = database.transaction(async (trx) => {
    await insertRows(trx, 'things', [thing(1), thing(2)]);
    await updateRows(trx, 'things', 'id', [{ id: thing(1).id, amount: 5 }]);
    expect(await trx('things')).toHaveLength(2);
    throw new Error('no');
  });
  await expect(work).rejects.toThrow('no');
  expect(await all()).toEqual([]);
});
