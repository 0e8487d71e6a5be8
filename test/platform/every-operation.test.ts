import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { publishedSpec } from '../../src/app.ts';
import { type Operation, readContract } from '../../src/platform/http/contract.ts';
import { API_KEY_PER_MINUTE, SESSION_PER_MINUTE } from '../../src/platform/http/rate-limits.ts';
import { type Answer, type Api, startApp, type TestApp } from '../support/app.ts';
import { expectRefusal, UNKNOWN_ID } from '../support/refusals.ts';

/** What holds for every operation there is, beyond the statuses and codes of the contract test. */
const { operations } = readContract(publishedSpec());
const named = (wanted: (operation: Operation) => boolean): [string, Operation][] =>
  operations.filter(wanted).map((operation) => [operation.id, operation]);

const reads = named(({ path, method }) => path.startsWith('/api/') && method === 'GET');
const cron = named(({ access }) => access.kind === 'cron');
const withBody = named(({ hasBody }) => hasBody);
const withId = named(({ path }) => path.includes('{id}'));

let app: TestApp;
let operator: Api;
beforeAll(async () => {
  app = await startApp();
  operator = app.withKey((await app.given.apiKey()).key);
});
afterAll(() => app.close());

function call(operation: Operation, body?: unknown, headers?: Record<string, string>): Promise<Answer> {
  const api = operation.access.kind === 'apiKey' ? operator : app.api;
  const path = operation.path.replace(/\{(\w+)\}/g, UNKNOWN_ID);
  const given = body ?? (operation.hasBody ? {} : undefined);
  if (operation.method === 'GET') return api.get(path, headers);
  if (operation.method === 'DELETE') return api.delete(path, headers);
  return operation.method === 'PUT' ? api.put(path, given, headers) : api.post(path, given, headers);
}

test.each(cron)('401 invalid_cron_secret with another secret: %s', async (_, operation) => {
  const answer = await call(operation, undefined, { 'X-Cron-Secret': 'wrong' });
  expectRefusal(answer, 401, 'invalid_cron_secret');
});

test.each(withBody)('400 validation_error names a member nobody knows: %s', async (_, operation) => {
  const answer = await call(operation, { nobodyKnowsThis: 1 });
  expectRefusal(answer, 400, 'validation_error');
  expect(answer.body.fields).toHaveProperty('nobodyKnowsThis');
});

test.each(withId)('400 validation_error names a malformed id: %s', async (_, operation) => {
  const answer = await call({ ...operation, path: operation.path.replace('{id}', 'not-an-id') });
  expectRefusal(answer, 400, 'validation_error');
  expect(answer.body.fields).toHaveProperty('id');
});

test.each(reads)('400 validation_error names a parameter nobody knows: %s', async (_, operation) => {
  const answer = await call({ ...operation, path: `${operation.path}?nobodyKnowsThis=1` });
  expectRefusal(answer, 400, 'validation_error');
  expect(answer.body.fields).toHaveProperty('nobodyKnowsThis');
});

test.each(withBody)('413 payload_too_large above 16 KB, or the limit it names: %s', async (_, operation) => {
  const limit = Number(operation.schema['x-body-limit'] ?? 16_384);
  const bodyOf = (bytes: number) => JSON.stringify({ x: 'x'.repeat(bytes - '{"x":""}'.length) });
  const json = { 'Content-Type': 'application/json' };
  expectRefusal(await call(operation, bodyOf(limit + 1), json), 413, 'payload_too_large');
  expect((await call(operation, bodyOf(limit), json)).status).not.toBe(413);
});

describe('rate limits', () => {
  test('429 rate_limited after the requests of a minute, with Retry-After; with RateLimit for a key', async () => {
    const limited = await startApp({ config: { rateLimits: true } });
    const key = limited.withKey((await limited.given.apiKey()).key);
    const useUp = async (times: number, send: () => Promise<Answer>) => {
      for (let sent = 0; sent < times; sent += 20) await Promise.all(Array.from({ length: 20 }, send));
    };
    await useUp(SESSION_PER_MINUTE, () => limited.api.get('/api/auth/me'));
    await useUp(API_KEY_PER_MINUTE, () => key.get('/api/v1/products?limit=1'));
    for (const answer of [await limited.api.get('/api/products'), await key.get('/api/v1/products')]) {
      expectRefusal(answer, 429, 'rate_limited');
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    }
    const { headers } = await key.get('/api/v1/billing/plans');
    expect(headers).toMatchObject({ 'ratelimit-limit': '600', 'ratelimit-remaining': '0' });
    await limited.close();
  });
});
