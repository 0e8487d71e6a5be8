import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApp, type TestApp } from '../support/app.ts';
import { UNKNOWN_ID } from '../support/refusals.ts';
import { auditOf, loggedIn, PASSWORD } from './support.ts';

let app: TestApp;
let customer: { id: string };
let n = 0;
beforeAll(async () => {
  app = await startApp();
  customer = await app.given.customer();
});
afterAll(() => app.close());

const email = () => `user-of-test-${++n}@acme.example`;
const code = (answer: { status: number; body: { error?: string } }) => [answer.status, answer.body.error];

describe('POST /api/users', () => {
  test('201 an admin', async () => {
    const answer = await app.api.post('/api/users', { email: 'Ada@Acme.Example', name: ' Ada ', role: 'admin' });
    expect(answer.status).toBe(201);
    expect(answer.body).toEqual({
      id: expect.any(String),
      email: 'ada@acme.example',
      name: 'Ada',
      role: 'admin',
      customerId: null,
      authProvider: 'sso',
      lastLoginAt: null,
      createdAt: app.clock.now(),
      updatedAt: app.clock.now(),
    });
    expect(answer.headers.location).toBeUndefined();
  });

  test('201 a user of a customer, with a password that is neither answered nor audited', async () => {
    const body = { email: email(), name: 'Grace', role: 'customer', customerId: customer.id, password: PASSWORD };
    const answer = await app.api.post('/api/users', body);
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({ customerId: customer.id, authProvider: 'local' });
    const rows = await auditOf(app, answer.body.id);
    expect(rows).toMatchObject([
      { action: 'createUser', actor_type: 'user', entity_type: 'user', changes: { role: [null, 'customer'] } },
    ]);
    expect(answer.text + JSON.stringify(rows)).not.toMatch(/argon2|password that/);
  });

  test('201 null for customerId is absence', async () => {
    const body = { email: email(), name: 'Ada', role: 'admin', customerId: null };
    expect((await app.api.post('/api/users', body)).status).toBe(201);
  });

  test('201 is replayed for the same Idempotency-Key', async () => {
    const body = { email: email(), name: 'Ada', role: 'admin', password: PASSWORD };
    const first = await app.api.post('/api/users', body, { 'Idempotency-Key': 'u1' });
    const again = await app.api.post('/api/users', body, { 'Idempotency-Key': 'u1' });
    expect([again.status, again.text, again.headers['idempotent-replayed']]).toEqual([201, first.text, 'true']);
  });

  test('409 already_exists for a taken e-mail, whatever its case', async () => {
    const user = await app.given.user();
    const answer = await app.api.post('/api/users', { email: user.email.toUpperCase(), name: 'B', role: 'admin' });
    expect(code(answer)).toEqual([409, 'already_exists']);
    expect(answer.body.fields).toHaveProperty('email');
  });

  test('409 for all but one of many simultaneous requests with one e-mail', async () => {
    const body = { email: email(), name: 'Race', role: 'admin' };
    const answers = await Promise.all(Array.from({ length: 6 }, () => app.api.post('/api/users', body)));
    expect(answers.map((answer) => answer.status).sort()).toEqual([201, 409, 409, 409, 409, 409]);
  });

  test('404 not_found for a customer that does not exist', async () => {
    const body = { email: email(), name: 'A', role: 'customer', customerId: UNKNOWN_ID };
    expect(code(await app.api.post('/api/users', body))).toEqual([404, 'not_found']);
  });

  test.each([
    [{ role: 'customer' }, 'customerId'],
    [{ role: 'customer', customerId: null }, 'customerId'],
    [{ role: 'owner' }, 'role'],
    [{ email: 'not an e-mail' }, 'email'],
    [{ email: undefined }, 'email'],
    [{ name: '   ' }, 'name'],
    [{ name: 'x'.repeat(256) }, 'name'],
    [{ password: 'elevenchars' }, 'password'],
    [{ password: 'x'.repeat(129) }, 'password'],
    [{ customerId: 'x' }, 'customerId'],
    [{ authProvider: 'local' }, 'authProvider'],
    [{ id: UNKNOWN_ID }, 'id'],
  ])('400 validation_error for %j', async (over, field) => {
    const answer = await app.api.post('/api/users', { email: email(), name: 'A', role: 'admin', ...over });
    expect(code(answer)).toEqual([400, 'validation_error']);
    expect(answer.body.fields).toHaveProperty(field);
  });

  test('400 validation_error for an admin with a customer', async () => {
    const body = { email: email(), name: 'A', role: 'admin', customerId: customer.id };
    const answer = await app.api.post('/api/users', body);
    expect(code(answer)).toEqual([400, 'validation_error']);
    expect(answer.body.fields).toHaveProperty('customerId');
  });
});

describe('GET /api/users', () => {
  test('200 newest first, page by page', async () => {
    const users = [await app.given.user(), await app.given.user(), await app.given.user()];
    const first = await app.api.get('/api/users?limit=2');
    expect(first.body.map((user: { id: string }) => user.id)).toEqual([users[2].id, users[1].id]);
    const next = /<([^>]+)>; rel="next"/.exec(first.headers.link!)![1]!;
    const second = await app.api.get(next);
    expect(second.body[0].id).toBe(users[0].id);
    expect((await app.api.get('/api/users')).headers.link).toBeUndefined();
  });

  test('200 filtered by role and customer; a filter that matches nothing gives []', async () => {
    const other = await app.given.customer();
    const user = await app.given.user({ role: 'customer', customerId: other.id });
    const ids = async (query: string) => (await app.api.get(`/api/users?${query}`)).body.map((u: typeof user) => u.id);
    expect(await ids(`customerId=${other.id}`)).toEqual([user.id]);
    expect(await ids(`customerId=${other.id}&role=admin`)).toEqual([]);
    expect(await ids(`customerId=${UNKNOWN_ID}`)).toEqual([]);
    expect(await ids('role=customer')).toContain(user.id);
    expect(await ids('role=admin')).not.toContain(user.id);
  });

  test.each(['role=owner', 'limit=0', 'limit=1001', 'cursor=garbage', 'customerId=x', 'email=a', 'limit=1&limit=2'])(
    '400 validation_error for ?%s',
    async (query) => {
      expect(code(await app.api.get(`/api/users?${query}`))).toEqual([400, 'validation_error']);
    },
  );
});

describe('PUT /api/users/{id}', () => {
  test('200 changes what is sent; sessions stay', async () => {
    const user = await app.given.user();
    const session = await loggedIn(app, user.email);
    app.clock.advance({ ms: 1000 });
    const answer = await app.api.put(`/api/users/${user.id}`, { name: 'New', email: 'NEW@acme.example' });
    expect(answer.status).toBe(200);
    expect(answer.body).toMatchObject({
      ...user,
      name: 'New',
      email: 'new@acme.example',
      updatedAt: app.clock.now(),
      lastLoginAt: user.createdAt,
    });
    expect((await session.get('/api/auth/me')).body.user.name).toBe('New');
    expect((await auditOf(app, user.id)).at(-1)).toMatchObject({
      action: 'updateUser',
      changes: { name: ['A User', 'New'], email: [user.email, 'new@acme.example'] },
    });
  });

  test('200 {} and equal values change nothing', async () => {
    const user = await app.given.user();
    const rows = (await auditOf(app, user.id)).length;
    app.clock.advance({ ms: 1000 });
    for (const body of [{}, { name: user.name, email: user.email.toUpperCase(), role: 'admin', customerId: null }]) {
      const answer = await app.api.put(`/api/users/${user.id}`, body);
      expect([answer.status, answer.body]).toEqual([200, user]);
    }
    expect(await auditOf(app, user.id)).toHaveLength(rows);
  });

  test.each([
    ['password', () => ({ password: 'another long password' })],
    ['role', () => ({ role: 'customer', customerId: customer.id })],
  ])('200 a new %s ends the sessions of the user', async (_, change) => {
    const user = await app.given.user();
    const session = await loggedIn(app, user.email);
    expect((await app.api.put(`/api/users/${user.id}`, change())).status).toBe(200);
    expect(code(await session.get('/api/auth/me'))).toEqual([401, 'unauthorized']);
  });

  test('200 another customer ends the sessions of the user', async () => {
    const user = await app.given.user({ role: 'customer', customerId: customer.id });
    const session = await loggedIn(app, user.email);
    const other = await app.given.customer();
    expect((await app.api.put(`/api/users/${user.id}`, { customerId: other.id })).body.customerId).toBe(other.id);
    expect(code(await session.get('/api/auth/me'))).toEqual([401, 'unauthorized']);
  });

  test('200 a password makes the user local; the audit row says so without it', async () => {
    const user = await app.given.user({ password: undefined });
    const answer = await app.api.put(`/api/users/${user.id}`, { password: PASSWORD });
    expect(answer.body.authProvider).toBe('local');
    await loggedIn(app, user.email);
    const row = (await auditOf(app, user.id)).find((one) => one.action === 'updateUser');
    expect(row).toMatchObject({ reason: 'password set', changes: { authProvider: ['sso', 'local'] } });
    expect(JSON.stringify(row)).not.toMatch(/argon2|password that/);
  });

  test('409 already_exists for the e-mail of another user', async () => {
    const [one, two] = [await app.given.user(), await app.given.user()];
    const answer = await app.api.put(`/api/users/${one.id}`, { email: two.email.toUpperCase() });
    expect(code(answer)).toEqual([409, 'already_exists']);
  });

  test('409 for all but one of several users who take one e-mail at once', async () => {
    const users = [await app.given.user(), await app.given.user(), await app.given.user()];
    const wanted = { email: email() };
    const answers = await Promise.all(users.map((user) => app.api.put(`/api/users/${user.id}`, wanted)));
    expect(answers.map((answer) => answer.status).sort()).toEqual([200, 409, 409]);
  });

  test('404 not_found for an unknown user and for an unknown customer', async () => {
    expect(code(await app.api.put(`/api/users/${UNKNOWN_ID}`, { name: 'x' }))).toEqual([404, 'not_found']);
    const user = await app.given.user({ role: 'customer', customerId: customer.id });
    const answer = await app.api.put(`/api/users/${user.id}`, { customerId: UNKNOWN_ID });
    expect(code(answer)).toEqual([404, 'not_found']);
  });

  test.each([
    [{ role: 'admin' }, 'customerId'],
    [{ customerId: null }, 'customerId'],
    [{ name: null }, 'name'],
    [{ password: null }, 'password'],
    [{ lastLoginAt: '2026-01-01T00:00:00Z' }, 'lastLoginAt'],
  ])('400 validation_error for %j on a user of a customer', async (body, field) => {
    const user = await app.given.user({ role: 'customer', customerId: customer.id });
    const answer = await app.api.put(`/api/users/${user.id}`, body);
    expect(code(answer)).toEqual([400, 'validation_error']);
    expect(answer.body.fields).toHaveProperty(field);
  });

  test('400 validation_error for a malformed id', async () => {
    const answer = await app.api.put('/api/users/x', {});
    expect(code(answer)).toEqual([400, 'validation_error']);
    expect(answer.body.fields).toHaveProperty('id');
  });
});
