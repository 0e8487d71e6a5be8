import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { hash } from '@node-rs/argon2';
import { startApp, type TestApp } from '../support/app.ts';
import { auditOf, fromNewAddress, loggedIn, PASSWORD, tokenOf } from './support.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp({ config: { trustProxy: 1 } });
});
afterAll(() => app.close());

const login = (email: string, password: string, headers = fromNewAddress()) =>
  app.anonymous.post('/api/auth/login', { email, password }, headers);

describe('POST /api/auth/login', () => {
  test('200 with the user, the end of the session and the cookie', async () => {
    const user = await app.given.user();
    const answer = await login(user.email, PASSWORD);
    expect(answer.status).toBe(200);
    const now = app.clock.now();
    expect(answer.body).toEqual({
      user: { ...user, lastLoginAt: now },
      expiresAt: '2026-03-22T10:30:00.000Z',
    });
    const cookies = answer.headers['set-cookie'] as unknown as string[];
    expect(cookies).toHaveLength(1);
    const [value, ...attributes] = cookies[0]!.split('; ');
    expect(value).toMatch(/^session=[A-Za-z0-9_-]{43}$/);
    expect(attributes.sort()).toEqual(['HttpOnly', 'Max-Age=604800', 'Path=/', 'SameSite=Lax']);
    expect(answer.headers['cache-control']).toBe('no-store');
  });

  test('200 for a user of a customer, and whatever the case of the e-mail', async () => {
    const customer = await app.given.customer();
    const user = await app.given.user({ role: 'customer', customerId: customer.id, email: 'Portal@Acme.Example' });
    expect(user.email).toBe('portal@acme.example');
    const answer = await login('PORTAL@acme.EXAMPLE', PASSWORD);
    expect(answer.status).toBe(200);
    expect(answer.body.user.customerId).toBe(customer.id);
  });

  test('200 with a new session each time; only hashes are stored', async () => {
    const user = await app.given.user();
    const tokens = [tokenOf(await login(user.email, PASSWORD)), tokenOf(await login(user.email, PASSWORD))];
    expect(tokens[0]).not.toBe(tokens[1]);
    const rows = await app.database.read('sessions').where({ user_id: user.id });
    expect(rows).toHaveLength(2);
    for (const token of tokens) expect(JSON.stringify(rows)).not.toContain(token);
    expect((await app.withSession(tokens[0]!).get('/api/auth/me')).status).toBe(200);
  });

  test('200 rehashes a weaker hash', async () => {
    const user = await app.given.user();
    const weak = await hash(PASSWORD, { memoryCost: 4096, timeCost: 1 });
    await app.database.write('users').where({ id: user.id }).update({ password_hash: weak });
    expect((await login(user.email, PASSWORD)).status).toBe(200);
    const [row] = await app.database.read('users').where({ id: user.id });
    expect(row.password_hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect((await login(user.email, PASSWORD)).status).toBe(200);
  });

  test('200 is audited as an act of the user', async () => {
    const user = await app.given.user();
    await login(user.email, PASSWORD, { ...fromNewAddress(), 'X-Request-Id': 'login-1' });
    const rows = await auditOf(app, user.id);
    expect(rows.map((row) => row.action)).toEqual(['createUser', 'login']);
    expect(rows[1]).toMatchObject({
      actor_type: 'user',
      actor_id: user.id,
      entity_type: 'user',
      request_id: 'login-1',
      ip: expect.stringMatching(/^10\.1\./),
    });
  });

  test('401 invalid_credentials: wrong password, unknown e-mail and no password cannot be told apart', async () => {
    const user = await app.given.user();
    const sso = await app.given.user({ password: undefined });
    const requestId = { 'X-Request-Id': 'same' };
    const answers = [
      await login(user.email, 'wrong', { ...fromNewAddress(), ...requestId }),
      await login('nobody@acme.example', 'wrong', { ...fromNewAddress(), ...requestId }),
      await login(sso.email, 'wrong', { ...fromNewAddress(), ...requestId }),
    ];
    for (const answer of answers) {
      expect(answer.status).toBe(401);
      expect(answer.body.error).toBe('invalid_credentials');
      expect(answer.text).toBe(answers[0]!.text);
      expect(answer.headers['set-cookie']).toBeUndefined();
    }
  });

  test('401 invalid_credentials for a password with another space: passwords are not trimmed', async () => {
    const user = await app.given.user({ password: '  a password of spaces  ' });
    expect((await login(user.email, 'a password of spaces')).body.error).toBe('invalid_credentials');
    expect((await login(user.email, '  a password of spaces  ')).status).toBe(200);
  });

  test.each([
    [{ email: 'a@b.example' }, 'password'],
    [{ password: 'x' }, 'email'],
    [{ email: '', password: 'x' }, 'email'],
    [{ email: 'a@b.example', password: '' }, 'password'],
    [{ email: 'a@b.example', password: 'x'.repeat(129) }, 'password'],
    [{ email: `${'a'.repeat(256)}`, password: 'x' }, 'email'],
    [{ email: 'a@b.example', password: 'x', remember: true }, 'remember'],
    [{ email: 1, password: 'x' }, 'email'],
  ])('400 validation_error for %j', async (body, field) => {
    const answer = await app.anonymous.post('/api/auth/login', body);
    expect(answer.status).toBe(400);
    expect(answer.body.error).toBe('validation_error');
    expect(answer.body.fields).toHaveProperty(field);
  });

  test('400 invalid_request without a body, 415 for a form', async () => {
    const empty = await app.anonymous.post('/api/auth/login');
    expect([empty.status, empty.body.error]).toEqual([400, 'invalid_request']);
    const form = await app.anonymous.post('/api/auth/login', 'email=a&password=b', {
      'Content-Type': 'application/x-www-form-urlencoded',
    });
    expect([form.status, form.body.error]).toEqual([415, 'unsupported_media_type']);
  });
});

describe('Secure', () => {
  test('200 with a Secure cookie when the public URL is https', async () => {
    const https = await startApp({ config: { publicUrl: 'https://billing.acme.example' } });
    const answer = await https.anonymous.post('/api/auth/login', https.admin);
    expect(answer.status).toBe(400);
    const { email, password } = https.admin;
    const right = await https.anonymous.post('/api/auth/login', { email, password });
    expect(String(right.headers['set-cookie'])).toContain('; Secure');
    await https.close();
  });
});

describe('GET /api/auth/me', () => {
  test('200 with the user and the end of the session', async () => {
    const answer = await app.api.get('/api/auth/me');
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      user: { email: app.admin.email, role: 'admin', customerId: null, authProvider: 'local' },
      expiresAt: '2026-03-22T10:30:00.000Z',
    });
    expect(answer.text).not.toContain('argon2');
  });

  test('200 for a user of a customer', async () => {
    const customer = await app.given.customer();
    const token = await app.given.portalSession(customer.id);
    const answer = await app.withSession(token).get('/api/auth/me');
    expect(answer.status).toBe(200);
    expect(answer.body.user).toMatchObject({ role: 'customer', customerId: customer.id });
  });

  test.each(['A'.repeat(43), 'short', ''])('401 unauthorized for the token %p', async (token) => {
    const answer = await app.withSession(token).get('/api/auth/me');
    expect([answer.status, answer.body.error]).toEqual([401, 'unauthorized']);
  });

  test('401 unauthorized without a cookie, and for an API key', async () => {
    const key = await app.given.apiKey();
    for (const api of [app.anonymous, app.withKey(key.key)])
      expect((await api.get('/api/auth/me')).body.error).toBe('unauthorized');
  });
});

describe('POST /api/auth/logout', () => {
  test('200 ends the session and clears the cookie', async () => {
    const user = await app.given.user();
    const token = tokenOf(await login(user.email, PASSWORD));
    const answer = await app.withSession(token).post('/api/auth/logout');
    expect([answer.status, answer.body]).toEqual([200, { redirectUrl: null }]);
    expect(String(answer.headers['set-cookie'])).toMatch(/^session=;.*Max-Age=0/);
    const after = await app.withSession(token).get('/api/auth/me');
    expect([after.status, after.body.error]).toEqual([401, 'unauthorized']);
    expect((await auditOf(app, user.id)).at(-1)).toMatchObject({ action: 'logout' });
  });

  test('200 leaves the other sessions of the user alone', async () => {
    const user = await app.given.user();
    const other = await loggedIn(app, user.email);
    const token = tokenOf(await login(user.email, PASSWORD));
    expect((await app.withSession(token).post('/api/auth/logout')).status).toBe(200);
    expect((await other.get('/api/auth/me')).status).toBe(200);
  });

  test('200 for a missing, unknown and ended session', async () => {
    const user = await app.given.user();
    const token = tokenOf(await login(user.email, PASSWORD));
    const sessions = [app.anonymous, app.withSession('A'.repeat(43)), app.withSession(token), app.withSession(token)];
    for (const session of sessions) {
      const answer = await session.post('/api/auth/logout');
      expect([answer.status, answer.body]).toEqual([200, { redirectUrl: null }]);
    }
  });
});

describe('the life of a session (last: the clock moves)', () => {
  test('401 session_expired when its time is over, however often it was used', async () => {
    const user = await app.given.user();
    const session = await loggedIn(app, user.email);
    app.clock.advance({ days: 6 });
    expect((await session.get('/api/auth/me')).body.expiresAt).toBe('2026-03-22T10:30:00.000Z');
    app.clock.set('2026-03-22T10:29:59.999Z');
    expect((await session.get('/api/auth/me')).status).toBe(200);
    app.clock.advance({ ms: 1 });
    const answer = await session.get('/api/auth/me');
    expect([answer.status, answer.body.error]).toEqual([401, 'session_expired']);
    expect((await session.post('/api/auth/logout')).status).toBe(200);
    expect((await session.get('/api/auth/me')).body.error).toBe('unauthorized');
  });
});
