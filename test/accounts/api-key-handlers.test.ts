import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { composeKey } from '../../src/accounts/keys/api-keys.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { UNKNOWN_ID } from '../support/refusals.ts';
import { auditOf } from './support.ts';

let app: TestApp;
let customer: { id: string };
beforeAll(async () => {
  app = await startApp();
  customer = await app.given.customer();
});
afterAll(() => app.close());

const code = (answer: { status: number; body: { error?: string } }) => [answer.status, answer.body.error];
const use = (key: string) => app.withKey(key).get('/api/v1/customers');

describe('POST /api/api-keys', () => {
  test('201 an operator key; the key appears here only', async () => {
    const answer = await app.api.post('/api/api-keys', { name: 'Storefront' });
    expect(answer.status).toBe(201);
    const { key, ...rest } = answer.body;
    expect(rest).toEqual({
      id: expect.any(String),
      name: 'Storefront',
      customerId: null,
      access: 'write',
      expiresAt: null,
      keyPrefix: key.slice(0, 12),
      status: 'active',
      createdBy: (await app.api.get('/api/auth/me')).body.user.id,
      creatorStatus: 'admin',
      lastUsedAt: null,
      createdAt: app.clock.now(),
    });
    expect(answer.headers.location).toBeUndefined();
    const stored = JSON.stringify([
      await app.database.read('api_keys').where({ id: rest.id }),
      await auditOf(app, rest.id),
      (await app.api.get('/api/api-keys')).body,
    ]);
    expect(stored).not.toContain(key);
    expect(stored).not.toContain(key.slice(12));
  });

  test('201 with customer, access and expiry; the expiry is kept in UTC with milliseconds', async () => {
    const body = { name: 'K', customerId: customer.id, access: 'read', expiresAt: '2027-01-01T01:00:00+01:00' };
    const answer = await app.api.post('/api/api-keys', body);
    expect(answer.body).toMatchObject({ ...body, expiresAt: '2027-01-01T00:00:00.000Z', status: 'active' });
  });

  test('201 is replayed with the key for the same Idempotency-Key, and stored encrypted', async () => {
    const headers = { 'Idempotency-Key': 'k1' };
    const first = await app.api.post('/api/api-keys', { name: 'K' }, headers);
    const again = await app.api.post('/api/api-keys', { name: 'K' }, headers);
    expect([again.status, again.text]).toEqual([201, first.text]);
    const rows = await app.database.read('idempotency_keys').where({ key: 'k1' });
    expect(rows).toHaveLength(1);
    expect(JSON.stringify(rows)).not.toContain(first.body.key.slice(12));
  });

  test('404 not_found for a customer that does not exist', async () => {
    const answer = await app.api.post('/api/api-keys', { name: 'K', customerId: UNKNOWN_ID });
    expect(code(answer)).toEqual([404, 'not_found']);
  });

  test.each([
    [{}, 'name'],
    [{ name: ' ' }, 'name'],
    [{ name: 'K', access: 'admin' }, 'access'],
    [{ name: 'K', expiresAt: '2026-03-15T10:30:00.000Z' }, 'expiresAt'],
    [{ name: 'K', expiresAt: '2026-03-15T11:30:00+01:00' }, 'expiresAt'],
    [{ name: 'K', expiresAt: '2027-02-30T00:00:00Z' }, 'expiresAt'],
    [{ name: 'K', expiresAt: 'tomorrow' }, 'expiresAt'],
    [{ name: 'K', key: 'mine' }, 'key'],
  ])('400 validation_error for %j', async (body, field) => {
    const answer = await app.api.post('/api/api-keys', body);
    expect(code(answer)).toEqual([400, 'validation_error']);
    expect(answer.body.fields).toHaveProperty(field);
  });
});

describe('a key as a credential', () => {
  test('200 for reading and 201 for writing with a write key', async () => {
    const { key } = await app.given.apiKey();
    expect((await use(key)).status).toBe(200);
    const body = { name: 'Acme', email: 'by-key@acme.example' };
    const answer = await app.withKey(key).post('/api/v1/customers', body);
    expect(answer.status).toBe(201);
    expect((await auditOf(app, answer.body.id)).at(0)).toMatchObject({ actor_type: 'api_key' });
  });

  test('403 forbidden for writing with a read key', async () => {
    const { key } = await app.given.apiKey({ access: 'read' });
    expect((await use(key)).status).toBe(200);
    const api = app.withKey(key);
    expect(code(await api.post('/api/v1/customers', { name: 'A', email: 'r@acme.example' }))).toEqual([
      403,
      'forbidden',
    ]);
    expect(code(await api.put(`/api/v1/customers/${customer.id}`, { name: 'A' }))).toEqual([403, 'forbidden']);
    expect(code(await api.delete(`/api/v1/customers/${customer.id}`))).toEqual([403, 'forbidden']);
  });

  test('a key of a customer sees that customer only, and 403 on what operators do', async () => {
    const other = await app.given.customer();
    const { key } = await app.given.apiKey({ customerId: customer.id });
    const api = app.withKey(key);
    expect((await use(key)).body.map((one: { id: string }) => one.id)).toEqual([customer.id]);
    expect((await api.get(`/api/v1/customers/${customer.id}`)).status).toBe(200);
    expect(code(await api.get(`/api/v1/customers/${other.id}`))).toEqual([404, 'not_found']);
    expect(code(await api.put(`/api/v1/customers/${other.id}`, { name: 'A' }))).toEqual([404, 'not_found']);
    expect(code(await api.post('/api/v1/customers', { name: 'A', email: 'x@acme.example' }))).toEqual([
      403,
      'forbidden',
    ]);
  });

  test('401 unauthorized without a key, and with a session only', async () => {
    for (const api of [app.anonymous, app.api, app.withKey('')])
      expect(code(await api.get('/api/v1/customers'))).toEqual([401, 'unauthorized']);
  });

  test.each([
    ['unknown', composeKey()],
    ['mistyped', 'rb_live_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcd0omAuq'],
    ['something else', 'garbage'],
  ])('401 invalid_api_key: %s', async (_, key) => {
    expect(code(await use(key))).toEqual([401, 'invalid_api_key']);
  });

  test('401 invalid_api_key from the next request after it was revoked', async () => {
    const { id, key } = await app.given.apiKey();
    expect((await use(key)).status).toBe(200);
    expect((await app.api.delete(`/api/api-keys/${id}`)).status).toBe(204);
    expect(code(await use(key))).toEqual([401, 'invalid_api_key']);
  });

  test('401 invalid_api_key from the moment it expires', async () => {
    const expiresAt = '2026-03-15T10:40:00.000Z';
    const { id, key } = await app.given.apiKey({ expiresAt });
    app.clock.set('2026-03-15T10:39:59.999Z');
    expect((await use(key)).status).toBe(200);
    app.clock.advance({ ms: 1 });
    expect(code(await use(key))).toEqual([401, 'invalid_api_key']);
    const listed = (await app.api.get('/api/api-keys?status=expired')).body;
    expect(listed.map((one: { id: string }) => one.id)).toEqual([id]);
  });
});

test('lastUsedAt is shown soon after a use, however many uses there are at once', async () => {
  const { id, key } = await app.given.apiKey();
  const lastUse = async () => {
    const { body } = await app.api.get('/api/api-keys?limit=1000');
    return body.find((one: { id: string }) => one.id === id).lastUsedAt;
  };
  await Promise.all(Array.from({ length: 10 }, () => use(key)));
  for (let i = 0; i < 200 && (await lastUse()) === null; i++) await new Promise((go) => setTimeout(go, 10));
  expect(await lastUse()).toBe(app.clock.now());
});

describe('GET and DELETE /api/api-keys', () => {
  test('200 newest first, page by page, by status and customer', async () => {
    const other = await app.given.customer();
    const keys = [];
    for (let i = 0; i < 3; i++) keys.push(await app.given.apiKey({ customerId: other.id }));
    await app.api.delete(`/api/api-keys/${keys[1].id}`);
    const ids = async (query: string) => {
      const answer = await app.api.get(`/api/api-keys?customerId=${other.id}&${query}`);
      return answer.body.map((one: { id: string }) => one.id);
    };
    expect(await ids('')).toEqual([keys[2].id, keys[1].id, keys[0].id]);
    expect(await ids('status=active')).toEqual([keys[2].id, keys[0].id]);
    expect(await ids('status=revoked')).toEqual([keys[1].id]);
    expect(await ids('status=expired')).toEqual([]);
    const first = await app.api.get(`/api/api-keys?customerId=${other.id}&limit=2`);
    const next = await app.api.get(/<([^>]+)>/.exec(first.headers.link!)![1]!);
    expect(next.body.map((one: { id: string }) => one.id)).toEqual([keys[0].id]);
    expect(next.headers.link).toBeUndefined();
    expect(next.body[0]).not.toHaveProperty('key');
  });

  test.each(['status=dead', 'limit=x', 'cursor=x', 'customerId=1', 'access=read'])('400 for ?%s', async (query) => {
    expect(code(await app.api.get(`/api/api-keys?${query}`))).toEqual([400, 'validation_error']);
  });

  test('204 again for a revoked key, audited once', async () => {
    const { id } = await app.given.apiKey();
    for (let i = 0; i < 2; i++) expect((await app.api.delete(`/api/api-keys/${id}`)).status).toBe(204);
    expect((await auditOf(app, id)).map((row) => row.action)).toEqual(['createApiKey', 'revokeApiKey']);
  });

  test('404 not_found and 400 for ids', async () => {
    expect(code(await app.api.delete(`/api/api-keys/${UNKNOWN_ID}`))).toEqual([404, 'not_found']);
    expect(code(await app.api.delete('/api/api-keys/x'))).toEqual([400, 'validation_error']);
  });
});
