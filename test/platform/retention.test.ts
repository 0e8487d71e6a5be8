import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { retentions } from '../../src/jobs.ts';
import { addDays, addMilliseconds } from '../../src/platform/calendar.ts';
import { insertRows } from '../../src/platform/db/bulk.ts';
import { cleanUp } from '../../src/platform/jobs/retention.ts';
import { tokenOf } from '../accounts/support.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { insertSamples, SAMPLES } from '../support/rows.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

const clean = () => cleanUp(app.runtime, retentions);
const NOTHING = Object.fromEntries(retentions.map(({ name }) => [name, 0]));
const count = async (table: string) => (await app.database.read(table)).length;

test('deletes what is over, each after its own time, and nothing else', async () => {
  const { email, password } = app.admin;
  const session = app.withSession(tokenOf(await app.anonymous.post('/api/auth/login', { email, password })));
  await app.anonymous.post('/api/auth/login', { email, password: 'wrong' });
  await app.api.post('/api/api-keys', { name: 'K' }, { 'Idempotency-Key': 'k' });
  const sessions = await count('sessions');
  expect(await clean()).toEqual(NOTHING);

  app.clock.advance({ days: 1 });
  expect(await clean()).toEqual({ ...NOTHING, throttle: 2 });
  app.clock.set('2026-04-14T10:29:59.999Z');
  expect(await clean()).toEqual(NOTHING);
  app.clock.advance({ ms: 1 });
  expect(await clean()).toEqual({ ...NOTHING, idempotencyKeys: 1 });

  app.clock.set('2026-04-21T10:29:59.999Z'); // 30 days after the end of the sessions, almost
  expect((await clean()).sessions).toBe(0);
  expect((await session.get('/api/auth/me')).body.error).toBe('session_expired');
  app.clock.advance({ ms: 1 });
  expect((await clean()).sessions).toBe(sessions);
  expect((await session.get('/api/auth/me')).body.error).toBe('unauthorized');
});

test('works through more rows than one batch', async () => {
  const [user] = await app.database.read('users');
  const rows = Array.from({ length: 2100 }, (_, i) => ({
    token_hash: `old-${i}`,
    user_id: user.id,
    created_at: '2025-01-01T00:00:00.000Z',
    expires_at: '2025-01-08T00:00:00.000Z',
    ip: null,
    user_agent: null,
  }));
  await insertRows(app.database.write, 'sessions', rows);
  expect((await clean()).sessions).toBe(2100);
  expect((await app.database.read('sessions').where('token_hash', 'like', 'old-%')).length).toBe(0);
});

test('stops at the next safe point', async () => {
  const rows = Array.from({ length: 2100 }, (_, i) => ({
    key: `k${i}`,
    failures: 1,
    last_failure_at: '2025-01-01T00:00:00.000Z',
  }));
  await insertRows(app.database.write, 'login_throttle', rows);
  let asked = 0;
  const deleted = await cleanUp(
    app.runtime,
    retentions.filter(({ name }) => name === 'throttle'),
    () => ++asked > 1,
  );
  expect(deleted).toEqual({ throttle: 1000 });
  expect((await clean()).throttle).toBe(1100);
});

describe('what is kept until its last millisecond, and not longer', () => {
  const END = '2026-06-30T12:00:00.000Z';
  const email = { ...SAMPLES.emails, event_id: null };
  const waiting = {
    ...email,
    state: 'pending',
    attempts: 5,
    next_attempt_at: END,
    sent_at: null,
    created_at: '2020-01-01T00:00:00.000Z',
  };
  const sent = (at: string) => ({
    ...email,
    state: 'sent',
    next_attempt_at: null,
    sent_at: at,
    created_at: '2020-01-01T00:00:00.000Z',
  });
  const failed = (at: string) => ({
    ...{ ...email, state: 'failed', next_attempt_at: null, sent_at: null, last_error: 'no', created_at: at },
  });
  const quote = (until: string) => ({ ...SAMPLES.tax_quotes, valid_until: until });

  /** At `at` it is just not old enough, a millisecond later it is. */
  async function goesAt(
    name: string,
    table: string,
    row: Record<string, unknown>,
    at: string,
    days = 90,
  ): Promise<void> {
    await app.database.write(table).delete();
    await insertRows(app.database.write, table, [row]);
    const config = { ...app.runtime.config, emailRetentionDays: days };
    app.clock.set(addMilliseconds(at, -1));
    expect(await cleanUp({ ...app.runtime, config }, retentions)).toMatchObject({ [name]: 0 });
    app.clock.advance({ ms: 1 });
    expect(await cleanUp({ ...app.runtime, config }, retentions)).toMatchObject({ [name]: 1 });
    expect(await count(table)).toBe(0);
  }

  test('a sent e-mail: 90 days, or what is configured', async () => {
    await goesAt('emailsSent', 'emails', sent(END), addDays(END, 90));
    await goesAt('emailsSent', 'emails', sent(addDays(END, 100)), addDays(END, 107), 7);
  });

  test('a failed e-mail: a year, or what is configured if that is longer', async () => {
    await goesAt('emailsFailed', 'emails', failed(addDays(END, 200)), addDays(END, 565), 7);
    await goesAt('emailsFailed', 'emails', failed(addDays(END, 600)), addDays(END, 1600), 1000);
  });

  test('an e-mail that waits: for ever', async () => {
    await insertRows(app.database.write, 'emails', [waiting]);
    app.clock.advance({ days: 4000 });
    await clean();
    expect(await count('emails')).toBe(1);
  });

  test('a tax quote: as long as it is valid', async () => {
    const until = addDays(app.clock.now(), 90);
    await goesAt('taxQuotes', 'tax_quotes', quote(until), until);
  });

  test('a parked item: a year after it was resolved, an open one for ever', async () => {
    for (const table of ['tax_quotes', 'emails']) await app.database.write(table).delete();
    await insertSamples(app.database.write);
    const resolved = app.clock.now();
    await app.database.write('parked_items').update({ resolved_at: resolved });
    await insertRows(app.database.write, 'parked_items', [{ ...SAMPLES.parked_items, id: 'open' }]);
    app.clock.set(addMilliseconds(addDays(resolved, 365), -1));
    expect((await clean()).parkedResolved).toBe(0);
    app.clock.advance({ ms: 1 });
    expect((await clean()).parkedResolved).toBe(1);
    expect(await app.database.read('parked_items').select('id')).toEqual([{ id: 'open' }]);
  });
});
