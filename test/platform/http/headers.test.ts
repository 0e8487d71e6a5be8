import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Answer, startApp, type TestApp } from '../../support/app.ts';
import { raw } from '../../support/raw.ts';
import { UNKNOWN_ID } from '../../support/refusals.ts';

const SHOP = 'https://shop.example';
const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

let app: TestApp;
let key: { Authorization: string };
beforeAll(async () => {
  app = await startApp();
  key = { Authorization: `Bearer ${(await app.given.apiKey()).key}` };
});
afterAll(() => app.close());

/** One answer of every kind. */
async function everyKind(headers: Record<string, string>): Promise<Answer[]> {
  const { id } = await app.given.product();
  return [
    await app.anonymous.get('/health', headers),
    await app.anonymous.get('/openapi.yaml', headers),
    await app.api.get('/api/products', headers),
    await app.api.post('/api/products', { name: 'Pro', productType: 'saas', price: '1' }, headers),
    await app.api.delete(`/api/products/${id}`, headers),
    await app.api.get(`/api/products/${UNKNOWN_ID}`, headers),
    await app.api.post('/api/products', {}, headers),
    await app.anonymous.get('/api/products', headers),
    await app.anonymous.get('/api/nowhere', headers),
    await raw(app, '/api/products', { method: 'PATCH', headers }),
    await raw(app, '/api/v1/products', { method: 'OPTIONS', headers }),
    await raw(app, '/health', { method: 'HEAD', headers }),
  ];
}

describe('X-Request-Id', () => {
  test.each(['a', 'A-b_c.9', 'x'.repeat(128)])('is echoed: %s', async (id) => {
    for (const answer of await everyKind({ 'X-Request-Id': id })) {
      expect(answer.headers['x-request-id']).toBe(id);
      if (answer.status >= 400) expect(answer.body.requestId).toBe(id);
    }
  });

  test.each(['', ' ', 'a b', 'x'.repeat(129), 'a/b', 'a;b', 'é', 'a, b', '<script>'])(
    'is made anew instead of %j',
    async (id) => {
      const answer = await app.anonymous.get('/api/nowhere', { 'X-Request-Id': id });
      expect(answer.headers['x-request-id']).toMatch(ULID);
      expect(answer.body.requestId).toBe(answer.headers['x-request-id']);
    },
  );

  test('is made anew for each request', async () => {
    const ids = (await everyKind({})).map((answer) => answer.headers['x-request-id']);
    for (const id of ids) expect(id).toMatch(ULID);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('is found in the audit log', async () => {
    const { body } = await app.api.post(
      '/api/products',
      { name: 'Pro', productType: 'saas', price: '1' },
      { 'X-Request-Id': 'found-in-the-audit-log' },
    );
    const rows = await app.database.read('audit_log').where({ entity_id: body.id });
    expect(rows).toMatchObject([{ request_id: 'found-in-the-audit-log', action: 'createProduct' }]);
  });
});

describe('security headers', () => {
  test('stand on every kind of answer', async () => {
    for (const { headers } of await everyKind({})) {
      expect(headers['x-content-type-options']).toBe('nosniff');
      expect(headers['content-security-policy']).toContain("default-src 'self'");
      expect(headers['x-frame-options']).toBe('SAMEORIGIN');
      expect(headers['referrer-policy']).toBe('no-referrer');
      expect(headers).not.toHaveProperty('x-powered-by');
      expect(headers).not.toHaveProperty('server');
      expect(headers).not.toHaveProperty('strict-transport-security');
    }
  });

  test('with an https address: browsers shall stay with https', async () => {
    const secure = await startApp({ config: { publicUrl: 'https://billing.example' } });
    const { headers } = await secure.anonymous.get('/health');
    expect(headers['strict-transport-security']).toMatch(/^max-age=\d{7,}/);
    await secure.close();
  });

  test('nothing under /api is kept by a cache', async () => {
    const { id } = await app.given.product();
    for (const answer of [
      await app.api.get('/api/products'),
      await app.api.delete(`/api/products/${id}`),
      await app.anonymous.get('/api/products'),
      await app.anonymous.get('/api/nowhere'),
      await app.anonymous.get('/api/v1/products'),
      await app.anonymous.post('/api/auth/login', {}),
      await raw(app, '/api/v1/products', { method: 'OPTIONS' }),
    ])
      expect([answer.status, answer.headers['cache-control']]).toEqual([answer.status, 'no-store']);
  });
});

const corsHeaders = (answer: Answer): string[] =>
  Object.keys(answer.headers).filter((name) => name.startsWith('access-control-'));
const PREFLIGHT = {
  'Access-Control-Request-Method': 'POST',
  'Access-Control-Request-Headers': 'authorization,if-match',
};

describe('CORS', () => {
  test('200 and every refusal under /api/v1 may be read by an allowed origin', async () => {
    for (const answer of [
      await app.anonymous.get('/api/v1/products', { ...key, Origin: SHOP }),
      await app.anonymous.get(`/api/v1/products/${UNKNOWN_ID}`, { ...key, Origin: SHOP }),
      await app.anonymous.get('/api/v1/products', { Origin: SHOP }),
      await app.anonymous.get('/api/v1/products?limit=0', { ...key, Origin: SHOP }),
    ]) {
      expect(answer.headers['access-control-allow-origin']).toBe(SHOP);
      expect(answer.headers.vary).toMatch(/\bOrigin\b/);
      expect(answer.headers['access-control-expose-headers']!.split(',')).toEqual(
        expect.arrayContaining(['X-Request-Id', 'Location', 'ETag', 'Link', 'Retry-After', 'RateLimit-Remaining']),
      );
      expect(answer.headers).not.toHaveProperty('access-control-allow-credentials');
    }
  });

  test('200 for another origin, which may not read it', async () => {
    for (const origin of ['https://evil.example', 'https://shop.example.evil.example', 'http://shop.example', 'null']) {
      const answer = await app.anonymous.get('/api/v1/products', { ...key, Origin: origin });
      expect([answer.status, answer.headers['access-control-allow-origin']]).toEqual([200, undefined]);
    }
  });

  test('204 for a preflight without credentials', async () => {
    const headers = { ...PREFLIGHT, Origin: SHOP };
    const answer = await raw(app, '/api/v1/customers', { method: 'OPTIONS', headers });
    expect([answer.status, answer.text]).toEqual([204, '']);
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': SHOP,
      'access-control-allow-methods': 'GET,HEAD,POST,PUT,DELETE',
      'access-control-allow-headers': 'authorization,if-match',
      'access-control-max-age': '600',
    });
    expect(answer.headers['x-request-id']).toMatch(ULID);
  });

  test('204 for the preflight of another origin, which is allowed nothing', async () => {
    const headers = { ...PREFLIGHT, Origin: 'https://evil.example' };
    const answer = await raw(app, '/api/v1/customers', { method: 'OPTIONS', headers });
    expect([answer.status, answer.headers['access-control-allow-origin']]).toEqual([204, undefined]);
  });

  test.each(['/api/products', '/api/auth/login', '/health', '/openapi.json', '/api/billing/cron/run', '/api/v1x'])(
    'no word of it on %s',
    async (path) => {
      const headers = { ...PREFLIGHT, Origin: SHOP };
      for (const method of ['OPTIONS', 'GET', 'POST']) {
        const answer = await raw(app, path, { method, headers });
        expect([method, corsHeaders(answer)]).toEqual([method, []]);
        if (method === 'OPTIONS') expect([404, 405]).toContain(answer.status);
      }
    },
  );

  test('nobody is allowed when no origin is configured', async () => {
    const closed = await startApp({ config: { corsOrigins: [] } });
    const { key: secret } = await closed.given.apiKey();
    const headers = { Origin: SHOP, Authorization: `Bearer ${secret}` };
    const answer = await closed.anonymous.get('/api/v1/products', headers);
    expect([answer.status, answer.headers['access-control-allow-origin']]).toEqual([200, undefined]);
    await closed.close();
  });
});
