import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApp, type TestApp } from '../support/app.ts';
import { auditOf, fromNewAddress, loggedIn, PASSWORD, tokenOf } from './support.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp({ config: { trustProxy: 1 } });
});
afterAll(() => app.close());

const NEW = 'another password, also long';
const login = (email: string, password: string) =>
  app.anonymous.post('/api/auth/login', { email, password }, fromNewAddress());

describe('PUT /api/auth/password', () => {
  test('200 rotates this session, ends the others, and changes the password', async () => {
    const user = await app.given.user();
    const other = await loggedIn(app, user.email);
    const token = tokenOf(await login(user.email, PASSWORD));
    app.clock.advance({ hours: 1 });
    const body = { currentPassword: PASSWORD, newPassword: NEW };
    const answer = await app.withSession(token).put('/api/auth/password', body);
    expect(answer.status).toBe(200);
    expect(answer.body.user).toMatchObject({ id: user.id, updatedAt: app.clock.now() });
    const rotated = tokenOf(answer);
    expect(rotated).not.toBe(token);
    expect((await app.withSession(rotated).get('/api/auth/me')).body).toEqual(answer.body);
    expect((await app.withSession(token).get('/api/auth/me')).body.error).toBe('unauthorized');
    expect((await other.get('/api/auth/me')).body.error).toBe('unauthorized');
    expect((await login(user.email, PASSWORD)).body.error).toBe('invalid_credentials');
    expect((await login(user.email, NEW)).status).toBe(200);
  });

  test('200 does not make the session live longer', async () => {
    const user = await app.given.user();
    const first = await login(user.email, PASSWORD);
    app.clock.advance({ hours: 5 });
    const body = { currentPassword: PASSWORD, newPassword: NEW };
    const answer = await app.withSession(tokenOf(first)).put('/api/auth/password', body);
    expect(answer.body.expiresAt).toBe(first.body.expiresAt);
  });

  test('200 for a user of a customer; the audit row holds no secret', async () => {
    const customer = await app.given.customer();
    const user = await app.given.user({ role: 'customer', customerId: customer.id });
    const session = await loggedIn(app, user.email);
    expect((await session.put('/api/auth/password', { currentPassword: PASSWORD, newPassword: NEW })).status).toBe(200);
    const rows = await auditOf(app, user.id);
    expect(rows.at(-1)).toMatchObject({ action: 'changePassword', actor_id: user.id });
    expect(JSON.stringify(rows)).not.toMatch(/argon2|password that|another password/);
  });

  test('401 invalid_credentials for a wrong current password; nothing changes, and it counts as a failed login', async () => {
    const user = await app.given.user();
    const session = await loggedIn(app, user.email);
    const change = (currentPassword: string) =>
      session.put('/api/auth/password', { currentPassword, newPassword: NEW }, fromNewAddress());
    for (let i = 0; i < 5; i++) {
      const answer = await change('wrong');
      expect([answer.status, answer.body.error]).toEqual([401, 'invalid_credentials']);
    }
    const blocked = await change(PASSWORD);
    expect([blocked.status, blocked.body.error]).toEqual([429, 'rate_limited']);
    expect(blocked.headers['retry-after']).toBe('60');
    expect((await login(user.email, PASSWORD)).body.error).toBe('rate_limited');
    expect((await session.get('/api/auth/me')).status).toBe(200);
    app.clock.advance({ ms: 60_000 });
    expect((await change(PASSWORD)).status).toBe(200);
  });

  test('409 conflict for a user without a password', async () => {
    const user = await app.given.user();
    const session = await loggedIn(app, user.email);
    const row = { password_hash: null, auth_provider: 'sso' };
    await app.database.write('users').where({ id: user.id }).update(row);
    const answer = await session.put('/api/auth/password', { currentPassword: PASSWORD, newPassword: NEW });
    expect([answer.status, answer.body.error]).toEqual([409, 'conflict']);
  });

  test.each([
    [{ currentPassword: PASSWORD, newPassword: PASSWORD }, 'newPassword'],
    [{ currentPassword: PASSWORD, newPassword: 'elevenchars' }, 'newPassword'],
    [{ currentPassword: PASSWORD, newPassword: 'x'.repeat(129) }, 'newPassword'],
    [{ newPassword: NEW }, 'currentPassword'],
    [{ currentPassword: PASSWORD }, 'newPassword'],
  ])('400 validation_error for %j', async (body, field) => {
    const user = await app.given.user();
    const session = await loggedIn(app, user.email);
    const answer = await session.put('/api/auth/password', body);
    expect([answer.status, answer.body.error]).toEqual([400, 'validation_error']);
    expect(answer.body.fields).toHaveProperty(field);
  });

  test('401 unauthorized without a session', async () => {
    const answer = await app.anonymous.put('/api/auth/password', { currentPassword: PASSWORD, newPassword: NEW });
    expect([answer.status, answer.body.error]).toEqual([401, 'unauthorized']);
  });

  test('one of two simultaneous changes wins, the other finds the password changed', async () => {
    const user = await app.given.user();
    const sessions = [await loggedIn(app, user.email), await loggedIn(app, user.email)];
    const answers = await Promise.all(
      sessions.map((session, i) =>
        session.put('/api/auth/password', { currentPassword: PASSWORD, newPassword: `${NEW} ${i}` }),
      ),
    );
    const statuses = answers.map((answer) => answer.status).sort();
    expect(statuses).toEqual([200, 401]);
    const winner = answers.findIndex((answer) => answer.status === 200);
    expect((await login(user.email, `${NEW} ${winner}`)).status).toBe(200);
  });
});
