import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { publishedSpec } from '../../src/app.ts';
import { type Operation, readContract } from '../../src/platform/http/contract.ts';
import { API_KEY_PER_MINUTE, SESSION_PER_MINUTE } from '../../src/platform/http/rate-limits.ts';
import { type Answer, type Api, startApp, type TestApp } from '../support/app.ts';
import { UNKNOWN_ID } from '../support/refusals.ts';

/** What follows from the shape of an operation (contract 1.8.3), for every operation there is. */
const { operations } = readContract(publishedSpec());
type Named = [string, Operation];
const named = (wanted: (operation: Operation) => boolean): Named[] =>
  operations.filter(wanted).map((operation) => [operation.id, operation]);

const session = named(({ access }) => access.kind === 'session');
const admin = named(({ access }) => access.kind === 'session' && access.role === 'admin');
const changes = named(({ access, method }) => access.kind === 'session' && method !== 'GET');
const reads = named(({ path, method }) => path.startsWith('/api/') && method === 'GET');
const byKey = named(({ access }) => access.kind === 'apiKey');
const writing = named(({ access }) => access.kind === 'apiKey' && access.access === 'write');
const operators = named(({ access }) => access.kind === 'apiKey' && access.scope === 'op');
const cron = named(({ access }) => access.kind === 'cron');
const withBody = named(({ hasBody }) => hasBody);
const withId = named(({ path }) => path.includes('{id}'));

let app: TestApp;
let portal: Api;
let own: Api;
let readOnly: Api;
let operator: Api;
beforeAll(async () => {
  app = await startApp();
  const customerId = (await app.given.customer()).id;
  portal = app.withSession(await app.given.portalSession(customerId));
  own = app.withKey((await app.given.apiKey({ customerId })).key);
  readOnly = app.withKey((await app.given.apiKey({ access: 'read' })).key);
  operator = app.withKey((await app.given.apiKey()).key);
});
afterAll(() => app.close());

function call(api: Api, operation: Operation, body?: unknown, headers?: Record<string, string>): Promise<Answer> {
  const path = operation.path.replace(/\{(\w+)\}/g, UNKNOWN_ID);
  const given = body ?? (operation.hasBody ? {} : undefined);
  if (operation.method === 'GET') return api.get(path, headers);
  if (operation.method === 'DELETE') return api.delete(path, headers);
  return operation.method === 'PUT' ? api.put(path, given, headers) : api.post(path, given, headers);
}
const code = ({ status, body }: Answer) => [status, body.error];
const allowed = (operation: Operation): Api => (operation.access.kind === 'apiKey' ? operator : app.api);

describe('callers', () => {
  test.each(session)('401 unauthorized without a session: %s', async (_, operation) => {
    expect(code(await call(app.anonymous, operation))).toEqual([401, 'unauthorized']);
  });

  test.each(admin)('403 forbidden for a user of a customer: %s', async (_, operation) => {
    expect(code(await call(portal, operation))).toEqual([403, 'forbidden']);
  });

  test.each(byKey)('401 unauthorized without a key, invalid_api_key with a wrong one: %s', async (_, operation) => {
    expect(code(await call(app.anonymous, operation))).toEqual([401, 'unauthorized']);
    expect(code(await call(app.withKey('rb_live_wrong'), operation))).toEqual([401, 'invalid_api_key']);
  });

  if (writing.length > 0)
    test.each(writing)('403 forbidden for a key that may only read: %s', async (_, operation) => {
      expect(code(await call(readOnly, operation))).toEqual([403, 'forbidden']);
    });

  if (operators.length > 0)
    test.each(operators)('403 forbidden for a key of a customer: %s', async (_, operation) => {
      expect(code(await call(own, operation))).toEqual([403, 'forbidden']);
    });

  if (cron.length > 0)
    test.each(cron)('401 invalid_cron_secret without or with another secret: %s', async (_, operation) => {
      expect(code(await call(app.anonymous, operation))).toEqual([401, 'invalid_cron_secret']);
      const wrong = { 'X-Cron-Secret': 'wrong' };
      expect(code(await call(app.anonymous, operation, undefined, wrong))).toEqual([401, 'invalid_cron_secret']);
    });

  test.each(changes)('403 forbidden for a change from another site: %s', async (_, operation) => {
    const answer = await call(app.api, operation, undefined, { 'Sec-Fetch-Site': 'cross-site' });
    expect(code(answer)).toEqual([403, 'forbidden']);
  });
});

describe('bodies and paths', () => {
  test.each(withBody)('400 invalid_request for no body, no JSON, and no object: %s', async (_, operation) => {
    const json = { 'Content-Type': 'application/json' };
    for (const body of ['', '{', '[]', '"text"', 'null'])
      expect([body, ...code(await call(allowed(operation), operation, body, json))]).toEqual([
        body,
        400,
        'invalid_request',
      ]);
  });

  test.each(withBody)('415 unsupported_media_type for a form: %s', async (_, operation) => {
    const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
    expect(code(await call(allowed(operation), operation, 'a=b', form))).toEqual([415, 'unsupported_media_type']);
  });

  test.each(withBody)('413 payload_too_large above 1 MB: %s', async (_, operation) => {
    const large = { text: 'x'.repeat(1_048_576) };
    expect(code(await call(allowed(operation), operation, large))).toEqual([413, 'payload_too_large']);
  });

  test.each(withBody)('400 validation_error for a member nobody knows: %s', async (_, operation) => {
    const answer = await call(allowed(operation), operation, { nobodyKnowsThis: 1 });
    expect(code(answer)).toEqual([400, 'validation_error']);
    expect(answer.body.fields).toHaveProperty('nobodyKnowsThis');
  });

  test.each(withId)('400 validation_error for a malformed id: %s', async (_, operation) => {
    const malformed = { ...operation, path: operation.path.replace('{id}', 'not-an-id') };
    const answer = await call(allowed(operation), malformed);
    expect(code(answer)).toEqual([400, 'validation_error']);
    expect(answer.body.fields).toHaveProperty('id');
  });

  test.each(reads)('400 validation_error for a parameter nobody knows: %s', async (_, operation) => {
    const answer = await call(allowed(operation), { ...operation, path: `${operation.path}?nobodyKnowsThis=1` });
    expect(code(answer)).toEqual([400, 'validation_error']);
    expect(answer.body.fields).toHaveProperty('nobodyKnowsThis');
  });
});

describe('rate limits (last: the minute is used up)', () => {
  let limited: TestApp;
  let key: Api;
  beforeAll(async () => {
    limited = await startApp({ config: { rateLimits: true } });
    key = limited.withKey((await limited.given.apiKey()).key);
    const useUp = async (times: number, send: () => Promise<Answer>) => {
      for (let sent = 0; sent < times; sent += 20) await Promise.all(Array.from({ length: 20 }, send));
    };
    await useUp(SESSION_PER_MINUTE, () => limited.api.get('/api/auth/me'));
    await useUp(API_KEY_PER_MINUTE, () => key.get('/api/v1/products?limit=1'));
  });
  afterAll(() => limited.close());

  test.each(session)('429 rate_limited with Retry-After: %s', async (_, operation) => {
    const answer = await call(limited.api, operation);
    expect(code(answer)).toEqual([429, 'rate_limited']);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
  });

  test.each(byKey)('429 rate_limited with Retry-After and RateLimit: %s', async (_, operation) => {
    const answer = await call(key, operation);
    expect(code(answer)).toEqual([429, 'rate_limited']);
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    expect(answer.headers).toMatchObject({ 'ratelimit-limit': '600', 'ratelimit-remaining': '0' });
  });
});
