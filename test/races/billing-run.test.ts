import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { checkInvariants } from '../../src/billing/audit/invariants.ts';
import { addMonths } from '../../src/platform/calendar.ts';
import { query } from '../../src/platform/db/sql.ts';
import { atOnce } from '../support/answers.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';
import { manyTrials } from '../support/many.ts';
import { billInProcess } from '../support/processes.ts';

jest.setTimeout(300_000); // on a busy machine; seconds otherwise

let app: TestApp;
let place: TestDatabase;
beforeAll(async () => {
  place = await testDatabase();
  app = await startApp({ database: place });
});
afterAll(() => app.close());

const RUNNERS = 8;
const SUBSCRIPTIONS = 200;

test('8 billing runs at once over 200 due subscriptions bill every period once', async () => {
  const now = addMonths(await manyTrials(app, SUBSCRIPTIONS), 1);
  const START_AT = String(Date.now() + 5_000); // they need about half a second each to start, on few processors
  const runs = await atOnce(RUNNERS, () => billInProcess(place.url, now, { START_AT }));
  expect(runs.flatMap(({ errors }) => errors)).toEqual([]);
  expect(runs.reduce((sum, { invoices }) => sum + invoices, 0)).toBe(2 * SUBSCRIPTIONS);
  app.clock.set(now);
  await app.drain();
  expect(await checkInvariants(app.database.read, now)).toEqual([]);
  const rows = await query<{ state: string; n: unknown }>(
    app.database.read,
    'select state, count(*) as n from billing_periods group by period_start, state order by period_start',
  );
  expect(rows.map(({ state, n }) => [state, Number(n)])).toEqual([
    ['invoiced', SUBSCRIPTIONS],
    ['invoiced', SUBSCRIPTIONS],
    ['pending', SUBSCRIPTIONS],
  ]);
  const [{ value }] = await app.database.read('counters').where({ scope: 'invoice:INV:2026' });
  expect(Number(value)).toBe(2 * SUBSCRIPTIONS);
  const again = await billInProcess(place.url, now);
  expect(again).toMatchObject({ signal: null, invoices: 0, errors: [] });
});
