import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Answer, startApp, type TestApp } from '../../support/app.ts';
import { bytes, raw } from '../../support/raw.ts';
import { expectRefusal, UNKNOWN_ID } from '../../support/refusals.ts';

let app: TestApp;
let cookie: { Cookie: string };
beforeAll(async () => {
  app = await startApp();
  cookie = { Cookie: `session=${app.admin.token}` };
});
afterAll(() => app.close());

/** The error body of every path: these members and no others, as JSON, with the id of the answer. */
function expectErrorBody(answer: Answer): void {
  const { fields, ...rest } = answer.body;
  expect(rest).toEqual({ error: expect.any(String), message: expect.any(String), requestId: expect.any(String) });
  if (fields !== undefined) for (const sentence of Object.values(fields)) expect(typeof sentence).toBe('string');
  expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
  expect(answer.body.requestId).toBe(answer.headers['x-request-id']);
}

const NOWHERE = [
  '/',
  '/nowhere',
  '/api',
  '/api/',
  '/api/nowhere',
  '/api/v1',
  '/api/v1/',
  '/api/v1/users',
  '/api/products/',
  '/api//products',
  '//api/products',
  '/api/Products',
  '/API/products',
  '/api/products/%',
  '/api/products/%zz',
  '/api/products/%E0%A4%A',
  '/api/products/%C0%AF',
  '/api/products/../products',
  '/api/./products',
  '/api/%70roducts/',
  `/api/products/${UNKNOWN_ID}/`,
  `/api/products/${UNKNOWN_ID}/plans`,
  '/api/settings/providers/nobody',
  '/docs/%zz',
  '/docs/nothing.js',
  '/docs/..%2f..%2fpackage.json',
  '/health/',
  '/.env',
  '/api/products;a=b',
  '*',
];

describe('404 not_found', () => {
  test.each(NOWHERE)('for %s', async (path) => {
    const answer = await raw(app, path, { headers: cookie });
    expectErrorBody(answer);
    expectRefusal(answer, 404, 'not_found');
  });

  test('for every method, also one nobody uses', async () => {
    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND'])
      expectRefusal(await raw(app, '/api/nowhere', { method, headers: cookie }), 404, 'not_found');
  });

  test('without saying whether the caller is known', async () => {
    expectRefusal(await raw(app, '/api/nowhere'), 404, 'not_found');
  });
});

describe('405 method_not_allowed', () => {
  const cases: [string, string, string][] = [
    ['PATCH', '/api/products', 'GET, HEAD, POST'],
    ['DELETE', '/api/products', 'GET, HEAD, POST'],
    ['OPTIONS', '/api/products', 'GET, HEAD, POST'],
    ['TRACE', '/api/products', 'GET, HEAD, POST'],
    ['POST', `/api/products/${UNKNOWN_ID}`, 'GET, HEAD, PUT, DELETE'],
    ['HEAD', '/api/auth/login', 'POST'],
    ['GET', '/api/auth/login', 'POST'],
    ['PUT', '/api/auth/me', 'GET, HEAD'],
    ['POST', '/health', 'GET, HEAD'],
    ['GET', '/api/billing/cron/run', 'POST'],
    ['PATCH', '/api/v1/customers', 'GET, HEAD, POST'],
    ['POST', '/api/v1/products', 'GET, HEAD'],
  ];
  test.each(cases)('%s %s, allowed is %s', async (method, path, allow) => {
    const answer = await raw(app, path, { method });
    expect([answer.status, answer.headers.allow]).toEqual([405, allow]);
    if (method === 'HEAD') return expect(answer.text).toBe('');
    expectErrorBody(answer);
    expect(answer.body.error).toBe('method_not_allowed');
  });
});

describe('HEAD', () => {
  test.each(['/health', '/ready', '/openapi.json', '/docs', '/api/products', '/api/auth/me', '/api/products?limit=1'])(
    'has the head of GET %s, and no body',
    async (path) => {
      const [get, head] = await Promise.all(
        ['GET', 'HEAD'].map((method) => raw(app, path, { method, headers: { ...cookie, 'X-Request-Id': 'same' } })),
      );
      expect([head!.status, head!.text]).toEqual([200, '']);
      const { date: _, ...headers } = head!.headers;
      expect(get!.headers).toMatchObject(headers);
      const length = Buffer.byteLength(get!.text);
      expect(Number(head!.headers['content-length'] ?? length)).toBe(length);
    },
  );

  test('401 without a session, 404 for what is not there, without a body', async () => {
    expect(await raw(app, '/api/products', { method: 'HEAD' })).toMatchObject({ status: 401, text: '' });
    expect(await raw(app, '/api/nowhere', { method: 'HEAD' })).toMatchObject({ status: 404, text: '' });
  });
});

describe('what is too long, or no request at all', () => {
  test('400 validation_error for a URL above 8 KB', async () => {
    const path = (length: number) => `/api/customers?email=${'a'.repeat(length - '/api/customers?email='.length)}`;
    const long = await raw(app, path(8193), { headers: cookie });
    expectErrorBody(long);
    expectRefusal(long, 400, 'validation_error', 'url');
    expectRefusal(await raw(app, path(8192), { headers: cookie }), 400, 'validation_error', 'email');
  });

  test('400 invalid_request for a URL or a header that Node does not take', async () => {
    for (const answer of [
      await raw(app, `/api/customers?email=${'a'.repeat(20_000)}`, { headers: cookie }),
      await raw(app, '/api/customers', { headers: { ...cookie, 'X-Long': 'a'.repeat(20_000) } }),
    ]) {
      expectErrorBody(answer);
      expectRefusal(answer, 400, 'invalid_request');
    }
  });

  test.each([
    'nonsense\r\n\r\n',
    'GET /health HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n',
    'GET /health HTTP/1.1\r\nHost: a\r\nBroken header\r\n\r\n',
    'POST /api/auth/login HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}',
    'POST /api/auth/login HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
  ])('400 invalid_request for %j', async (text) => {
    const answer = await bytes(app, text);
    expectErrorBody(answer);
    expect([answer.status, answer.body.error]).toEqual([400, 'invalid_request']);
    expect((await app.anonymous.get('/health')).status).toBe(200);
  });

  test('200 for an expectation that nobody knows', async () => {
    expect((await raw(app, '/health', { headers: { Expect: 'the-unexpected' } })).status).toBe(200);
  });
});
