import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { CHECKS } from '../../../src/billing/audit/invariants.ts';
import { type TestDatabase, testDatabase } from '../../support/database.ts';
import { insertSamples, LATER } from '../../support/rows.ts';
import { tableNames } from '../../support/schema.ts';
import { COLUMNS } from './columns/columns.ts';

let held: TestDatabase;
beforeAll(async () => {
  held = await testDatabase();
  await insertSamples(held.database.write);
});
afterAll(() => held.drop());

const entries = Object.entries(COLUMNS).flatMap(([table, columns]) =>
  Object.entries(columns).map(([column, by]) => ({ table, column, by })),
);

test('every column of every table is derived again, fixed, or named with the reason why not', async () => {
  const { write } = held.database;
  const names = await tableNames(write);
  expect(Object.keys(COLUMNS).sort()).toEqual(names);
  for (const table of names)
    expect([table, ...Object.keys(COLUMNS[table]!).sort()]).toEqual([
      table,
      ...Object.keys(await write(table).columnInfo()).sort(),
    ]);
});

test('the invariants that derive them are in the rules, and are checked', () => {
  const rules = readFileSync('docs/rules.md', 'utf8');
  const checked = new Set(CHECKS.map(({ invariant }) => invariant));
  const named = new Set(entries.flatMap(({ by }) => (typeof by === 'string' ? [] : by.by)));
  expect([...named].filter((id) => !checked.has(id) || !rules.includes(`| ${id} |`))).toEqual([]);
});

describe('a fixed column never changes:', () => {
  const fixed = entries.flatMap(({ table, column, by }) => (by === 'fixed' ? [[table, column] as const] : []));

  test.each(fixed)('%s.%s', async (table, column) => {
    const { write } = held.database;
    const { type } = (await write(table).columnInfo())[column]!;
    const change = write(table).update({ [column]: anotherOf(type, column) });
    const error = await change.then(() => 'nothing', String);
    expect(error).toMatch(REFUSED);
  });
});

/** What the triggers say; not a constraint that the other value happens to break. */
const REFUSED = /never|only|keeps|is history|fixed/;

function anotherOf(type: string, column: string): unknown {
  if (/int|numeric|real/i.test(type)) return 7;
  if (/bool/i.test(type)) return true;
  if (/json/i.test(type)) return '{"x":1}';
  return /_at$|^at$|timestamp/.test(column)
    ? LATER.replace('-01T', '-09T')
    : /date|_from$/.test(column)
      ? '2027-01-01'
      : 'another';
}
