import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { addDays, epochMilliseconds } from '../../src/platform/calendar.ts';
import { TestClock } from '../../src/platform/clock.ts';
import { type Api, startApp, type TestApp } from '../support/app.ts';

const PATH = '/api/testing/clock';
const code = (answer: { status: number; body: { error?: string } }) => [answer.status, answer.body.error];

let app: TestApp;
let clock: TestClock;
beforeAll(async () => {
  clock = new TestClock();
  app = await startApp({ config: { testClock: true }, clock });
});
afterAll(() => app.close());

const read = async (): Promise<string> => (await app.api.get(PATH)).body.now;

describe('with TEST_CLOCK=on', () => {
  test('200 GET tells the time of the server', async () => {
    const answer = await app.api.get(PATH);
    expect(answer.status).toBe(200);
    expect(Math.abs(epochMilliseconds(answer.body.now) - epochMilliseconds(clock.now()))).toBeLessThan(5000);
  });

  test('200 PUT moves it forward; it runs on from there, and everything reads it', async () => {
    const target = addDays(await read(), 3);
    const answer = await app.api.put(PATH, { now: target.replace('Z', '+00:00') });
    expect([answer.status, answer.body]).toEqual([200, { now: target }]);
    const now = await read();
    expect(now >= target).toBe(true);
    expect(epochMilliseconds(now) - epochMilliseconds(target)).toBeLessThan(60_000);
    const user = await app.given.user();
    expect(user.createdAt >= target).toBe(true);
  });

  test('a restarted process reads the moved clock', async () => {
    const target = addDays(await read(), 1);
    await app.api.put(PATH, { now: target });
    const restarted = new TestClock();
    expect(restarted.now() < target).toBe(true);
    await restarted.refresh(app.database.read);
    expect(restarted.now() >= target).toBe(true);
  });

  test('401 session_expired for a session older than its life at the new time', async () => {
    const target = addDays(await read(), 30);
    const { token } = app.admin;
    expect((await app.api.put(PATH, { now: target })).status).toBe(200);
    expect(code(await app.withSession(token).get(PATH))).toEqual([401, 'session_expired']);
  });

  test('409 conflict backwards; the clock stays', async () => {
    const before = await read();
    const answer = await app.api.put(PATH, { now: addDays(before, -1) });
    expect(code(answer)).toEqual([409, 'conflict']);
    expect((await read()) >= before).toBe(true);
  });

  test.each([{}, { now: 'tomorrow' }, { now: '2027-02-30T00:00:00Z' }, { now: '9999-12-31T23:59:59Z' }, { now: 1 }])(
    '400 validation_error for %j',
    async (body) => {
      const answer = await app.api.put(PATH, body);
      expect(code(answer)).toEqual([400, 'validation_error']);
      expect(answer.body.fields).toHaveProperty('now');
    },
  );

  test('401 unauthorized without a session, 403 forbidden for a user of a customer', async () => {
    const customer = await app.given.customer();
    const portal = app.withSession(await app.given.portalSession(customer.id));
    const calls = [(api: Api) => api.get(PATH), (api: Api) => api.put(PATH, { now: '2999-01-01T00:00:00Z' })];
    for (const call of calls) {
      expect(code(await call(app.anonymous))).toEqual([401, 'unauthorized']);
      expect(code(await call(portal))).toEqual([403, 'forbidden']);
    }
  });
});

describe('without', () => {
  test('404 not_found for both operations', async () => {
    const plain = await startApp();
    expect(code(await plain.api.get(PATH))).toEqual([404, 'not_found']);
    expect(code(await plain.api.put(PATH, { now: '2999-01-01T00:00:00Z' }))).toEqual([404, 'not_found']);
    await plain.close();
  });
});
