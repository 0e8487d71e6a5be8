import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { checkInvariants } from '../../src/billing/audit/invariants.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';
import { asLines, difference, dump } from '../support/dump.ts';
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

const SUBSCRIPTIONS = 2000;
/** Between two statements of a batch, and right after a commit; each run begins where the last one was killed. */
const KILLS: Record<string, string>[] = [
  { KILL_AT_STATEMENT: '9' },
  { KILL_AFTER_COMMIT: '1' },
  { KILL_AT_STATEMENT: '25' },
  { KILL_AFTER_COMMIT: '1' },
  { KILL_AT_STATEMENT: '15' },
];

const invoices = async () => Number((await app.database.read('invoices').count({ n: '*' }))[0]!.n);

test('a billing run killed again and again bills each of 2000 subscriptions exactly once', async () => {
  const start = app.clock.now();
  await app.api.put('/api/settings/billing', { trialEndingNoticeDays: 0 });
  const end = await manyTrials(app, SUBSCRIPTIONS);
  const progress: number[] = [];
  for (const kill of KILLS) {
    expect(await billInProcess(place.url, end, kill)).toMatchObject({ signal: 'SIGKILL' });
    expect(await checkInvariants(app.database.read, start)).toEqual([]);
    progress.push(await invoices());
  }
  expect(progress[0]).toBe(0);
  expect(progress[1]).toBeGreaterThan(0);
  expect(progress.at(-1)).toBeLessThan(SUBSCRIPTIONS);
  const last = await billInProcess(place.url, end);
  expect(last).toMatchObject({ signal: null, errors: [], invoices: SUBSCRIPTIONS - progress.at(-1)! });

  app.clock.set(end);
  await app.drain();
  expect(await checkInvariants(app.database.read, end)).toEqual([]);
  const numbers = await app.database.read('invoices').orderBy('invoice_number').pluck('invoice_number');
  expect([numbers.length, numbers[0], numbers.at(-1)]).toEqual([SUBSCRIPTIONS, 'INV-2026-0001', 'INV-2026-2000']);
  const billed = await app.database.read('billing_periods').where({ state: 'invoiced' }).distinct('subscription_id');
  expect(billed).toHaveLength(SUBSCRIPTIONS);

  const before = asLines(await dump(app.database.read));
  await billInProcess(place.url, end);
  expect(difference(before, asLines(await dump(app.database.read)))).toEqual([]);
});
