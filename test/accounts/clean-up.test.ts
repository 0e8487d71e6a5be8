import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { cleanUp } from '../../src/accounts/clean-up.ts';
import { insertRows } from '../../src/platform/db/bulk.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { tokenOf } from './support.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

const count = async (table: string) => (await app.database.read(table)).length;

test('deletes what is over, each after its own time, and nothing else', async () => {
  const { email, password } = app.admin;
  const session = app.withSession(tokenOf(await app.anonymous.post('/api/auth/login', { email, password })));
  await app.anonymous.post('/api/auth/login', { email, password: 'wrong' });
  await app.api.post('/api/api-keys', { name: 'K' }, { 'Idempotency-Key': 'k' });
  const sessions = await count('sessions');
  expect(await cleanUp(app.runtime)).toEqual({ sessions: 0, throttle: 0, idempotencyKeys: 0 });

  app.clock.advance({ days: 1 });
  expect(await cleanUp(app.runtime)).toEqual({ sessions: 0, throttle: 2, idempotencyKeys: 0 });
  app.clock.set('2026-04-14T10:29:59.999Z');
  expect(await cleanUp(app.runtime)).toEqual({ sessions: 0, throttle: 0, idempotencyKeys: 0 });
  app.clock.advance({ ms: 1 });
  expect(await cleanUp(app.runtime)).toEqual({ sessions: 0, throttle: 0, idempotencyKeys: 1 });

  app.clock.set('2026-04-21T10:29:59.999Z'); // 30 days after the end of the sessions, almost
  expect((await cleanUp(app.runtime)).sessions).toBe(0);
  expect((await session.get('/api/auth/me')).body.error).toBe('session_expired');
  app.clock.advance({ ms: 1 });
  expect((await cleanUp(app.runtime)).sessions).toBe(sessions);
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
  expect((await cleanUp(app.runtime)).sessions).toBe(2100);
  expect((await app.database.read('sessions').where('token_hash', 'like', 'old-%')).length).toBe(0);
});
