import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApp, type TestApp } from '../../support/app.ts';
import { expectRefusal, UNKNOWN_ID } from '../../support/refusals.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
  for (let i = 0; i < 3; i++) await app.given.product({ name: `Product ${i}` });
});
afterAll(() => app.close());

describe('query parameters', () => {
  const refused: [string, string][] = [
    ['limit=0', 'limit'],
    ['limit=1001', 'limit'],
    ['limit=-1', 'limit'],
    ['limit=1.5', 'limit'],
    ['limit=abc', 'limit'],
    ['limit=', 'limit'],
    ['limit', 'limit'],
    ['limit=1e400', 'limit'],
    ['limit=99999999999999999999', 'limit'],
    ['limit=true', 'limit'],
    ['limit=null', 'limit'],
    ['limit=1&limit=2', 'limit'],
    ['limit=1&limit=1', 'limit'],
    ['Limit=1', 'Limit'],
    ['limit[]=1', 'limit[]'],
    ['limit[a]=1', 'limit[a]'],
    ['status=', 'status'],
    ['status=ACTIVE', 'status'],
    ['status=active&status=active', 'status'],
    ['status=active,inactive', 'status'],
    ['status=%00', 'status'],
    ['a%00b=1', 'a\u0000b'],
    ['__proto__=1', '__proto__'],
    ['constructor=1', 'constructor'],
    ['page=2', 'page'],
    ['=1', ''],
    ['limit=0x10', 'limit'],
    ['limit=1e2', 'limit'],
    ['limit=1.0', 'limit'],
    ['limit=%201', 'limit'],
    ['limit=+1', 'limit'],
    ['cursor=', 'cursor'],
  ];
  test.each(refused)('400 validation_error for ?%s', async (query, field) => {
    const answer = await app.api.get(`/api/products?${query}`);
    expectRefusal(answer, 400, 'validation_error');
    expect(Object.keys(answer.body.fields)).toEqual([field]);
  });

  test('400 validation_error for one parameter a thousand times, and for thousands that nobody knows', async () => {
    const repeated = await app.api.get(`/api/products?${'status=a&'.repeat(900)}`);
    expectRefusal(repeated, 400, 'validation_error', 'status');
    const unknown = Array.from({ length: 2000 }, (_, i) => i.toString(36)).join('&');
    const answer = await app.api.get(`/api/products?${unknown}`);
    expectRefusal(answer, 400, 'validation_error');
    expect(Object.keys(answer.body.fields)).toHaveLength(200);
  });

  test('400 validation_error names every one that fails', async () => {
    const answer = await app.api.get('/api/products?limit=0&status=x&colour=red&cursor=');
    expectRefusal(answer, 400, 'validation_error', 'limit', 'status', 'colour', 'cursor');
  });

  test.each(['limit=1', 'limit=1000', 'limit=%31', 'lim%69t=1', 'limit=1&status=active', '', '&', 'status=active&'])(
    '200 for ?%s',
    async (query) => {
      expect((await app.api.get(`/api/products?${query}`)).status).toBe(200);
    },
  );

  test('200 a plus sign is one, written by hand or encoded, also in the link to the next page', async () => {
    const email = 'a+tag@plus.example';
    const { id } = await app.given.customer({ email });
    await app.given.customer({ email: 'a.tag@plus.example' });
    for (const text of [email, encodeURIComponent(email), String(new URLSearchParams({ email })).slice(6)]) {
      const { body } = await app.api.get(`/api/customers?email=${text}`);
      expect(body.map((customer: { id: string }) => customer.id)).toEqual([id]);
    }
    for (let i = 0; i < 2; i++) await app.given.invoice({ customerId: id });
    const first = await app.api.get(`/api/billing/invoices?limit=1&customerId=${id}&from=2026-03-15T10:30:00+02:00`);
    expect(first.body).toHaveLength(1);
    const link = /<([^>]+)>; rel="next"/.exec(first.headers.link!)![1]!;
    expect(link).toContain('from=2026-03-15T10%3A30%3A00%2B02%3A00');
    expect((await app.api.get(link)).body).toHaveLength(1);
  });

  test('400 validation_error for a space, which no parameter takes', async () => {
    for (const query of ['email=a%20b@acme.example', 'email=a@acme.example%20'])
      expectRefusal(await app.api.get(`/api/customers?${query}`), 400, 'validation_error', 'email');
  });

  test.each([
    ['customers', 'email', ['nobody', 'a@', '@b.example', 'a b@c.example', `${'x'.repeat(250)}@b.example`, '%25']],
    ['billing/coupons', 'code', ['A B', 'ä', '%25', 'x'.repeat(51), '..']],
  ])('400 validation_error for a filter of %s by %s that could never match', async (path, name, values) => {
    for (const value of values) {
      const answer = await app.api.get(`/api/${path}?${name}=${encodeURIComponent(value)}`);
      expectRefusal(answer, 400, 'validation_error', name);
    }
    const unknown = name === 'email' ? 'nobody@acme.example' : 'NOBODY';
    expect((await app.api.get(`/api/${path}?${name}=${unknown}`)).body).toEqual([]);
  });

  test.each(['1', '0', 'True', 'FALSE', 'yes', '', 'null'])(
    '400 validation_error for the boolean %j',
    async (value) => {
      expectRefusal(await app.api.get(`/api/billing/plans?active=${value}`), 400, 'validation_error', 'active');
    },
  );

  test.each(['%00', 'a%07b', '%1f'])('400 validation_error for control characters: %s', async (text) => {
    expectRefusal(await app.api.get(`/api/customers?email=${text}`), 400, 'validation_error', 'email');
  });

  test('200 [] for an id that matches nothing, 400 for what is no id', async () => {
    const { status, body } = await app.api.get(`/api/billing/invoices?customerId=${UNKNOWN_ID}`);
    expect([status, body]).toEqual([200, []]);
    for (const id of ['x', UNKNOWN_ID.toLowerCase(), `${UNKNOWN_ID} `, ''])
      expectRefusal(
        await app.api.get(`/api/billing/invoices?customerId=${encodeURIComponent(id)}`),
        400,
        'validation_error',
        'customerId',
      );
  });

  const ranges = ['2026-13-01T00:00:00Z', '2026-02-30T00:00:00Z', '2026-01-01', '2026-01-01T00:00:00', 'now', '1', ''];
  test.each(ranges)('400 validation_error for the instant %j', async (text) => {
    const answer = await app.api.get(`/api/billing/invoices?from=${encodeURIComponent(text)}`);
    expectRefusal(answer, 400, 'validation_error', 'from');
  });

  test('400 validation_error on `to` for an empty or reversed range, 200 for any offset', async () => {
    const list = (from: string, to: string) =>
      app.api.get(`/api/billing/invoices?from=${encodeURIComponent(from)}&to=${encodeURIComponent(to)}`);
    expectRefusal(await list('2026-01-02T00:00:00Z', '2026-01-01T00:00:00Z'), 400, 'validation_error', 'to');
    expectRefusal(await list('2026-01-01T00:00:00Z', '2026-01-01T02:00:00+02:00'), 400, 'validation_error', 'to');
    expect((await list('2026-01-01T00:00:00.123456+05:30', '2026-01-01T23:58:60-00:01')).status).toBe(200);
  });
});

describe('cursors', () => {
  const forged = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const LISTS = ['products', 'customers', 'users', 'api-keys', 'billing/plans', 'billing/tax-rules', 'billing/parked'];
  const MORE = ['billing/subscriptions', 'billing/invoices', 'billing/payments', 'billing/events'];

  test.each([...LISTS, ...MORE])('400 validation_error for what is no cursor: /api/%s', async (list) => {
    const names = ['products', 'customers', 'users', 'apiKeys', 'plans', 'taxRules', 'parked', 'subscriptions'];
    const cursors = [
      ...['x', 'null', '!!!', UNKNOWN_ID, '%F0%9F%9A%80', 'a'.repeat(512), 'a'.repeat(513)],
      ...[null, {}, [], [1], [2, 'products', UNKNOWN_ID], 'text', [1, 'nothing', UNKNOWN_ID]].map(forged),
      ...[...names, 'invoices', 'payments', 'events'].flatMap((name) =>
        ['', 'abc', '-1', '1e9', '1.5', "' OR 1=1", UNKNOWN_ID.toLowerCase(), 'x'.repeat(64), 7, null].map((key) =>
          forged([1, name, key]),
        ),
      ),
    ];
    for (const cursor of cursors)
      expectRefusal(await app.api.get(`/api/${list}?cursor=${cursor}`), 400, 'validation_error', 'cursor');
  });

  test('400 validation_error for the cursor of another list', async () => {
    const { headers } = await app.api.get('/api/products?limit=1');
    const cursor = /cursor=([^>&]+)/.exec(headers.link!)![1];
    expect((await app.api.get(`/api/products?cursor=${cursor}`)).body).toHaveLength(2);
    for (const list of [...LISTS, ...MORE].filter((one) => one !== 'products'))
      expectRefusal(await app.api.get(`/api/${list}?cursor=${cursor}`), 400, 'validation_error', 'cursor');
  });
});

describe('ids in paths', () => {
  const malformed = [
    UNKNOWN_ID.toLowerCase(),
    UNKNOWN_ID.slice(1),
    `${UNKNOWN_ID}0`,
    UNKNOWN_ID.replace('Q', 'I'),
    UNKNOWN_ID.replace('Q', 'U'),
    `8${UNKNOWN_ID.slice(1)}`,
    'null',
    'undefined',
    '%20',
    '%00',
    '%2e%2e',
    '..%2f',
    `${UNKNOWN_ID}%0a`,
    `%20${UNKNOWN_ID}`,
    '%F0%9F%9A%80',
    `evt_${UNKNOWN_ID}`,
  ];
  test.each(malformed)('400 validation_error for %s', async (id) => {
    for (const path of ['products', 'customers', 'billing/invoices', 'billing/subscriptions'])
      expectRefusal(await app.api.get(`/api/${path}/${id}`), 400, 'validation_error', 'id');
  });

  test('404 not_found for a well-formed one, also percent-encoded', async () => {
    expectRefusal(await app.api.get(`/api/products/${UNKNOWN_ID}`), 404, 'not_found');
    expectRefusal(await app.api.get(`/api/products/%30${UNKNOWN_ID.slice(1)}`), 404, 'not_found');
    const { id } = await app.given.product();
    expect((await app.api.get(`/api/products/%30${id.slice(1)}`)).body.id).toBe(id);
  });
});

describe('If-Match', () => {
  test.each(['1', 'W/"1"', '"1", "2"', '""', '"-1"', '"1.0"', '"abc"', "'1'", '"1', '**', '"9999999999999999"', ''])(
    '400 validation_error for %s',
    async (header) => {
      const { id, name } = await app.given.customer();
      const answer = await app.api.put(`/api/customers/${id}`, { name: 'Other' }, { 'If-Match': header });
      expectRefusal(answer, 400, 'validation_error', 'If-Match');
      expect((await app.api.get(`/api/customers/${id}`)).body.name).toBe(name);
    },
  );

  test('409 conflict for another version, and nothing changes; 200 for the present one and for *', async () => {
    const { id, name } = await app.given.customer();
    const put = (header: string, body: object) => app.api.put(`/api/customers/${id}`, body, { 'If-Match': header });
    expectRefusal(await put('"2"', { name: 'Other' }), 409, 'conflict', 'If-Match');
    expectRefusal(await put('"0"', { name: 'Other' }), 409, 'conflict', 'If-Match');
    expect((await app.api.get(`/api/customers/${id}`)).body).toMatchObject({ name, version: 1 });
    expect((await put('"1"', { name: 'Second' })).headers.etag).toBe('"2"');
    expectRefusal(await put('"1"', { name: 'Third' }), 409, 'conflict');
    expect((await put('*', { name: 'Third' })).headers.etag).toBe('"3"');
    expectRefusal(await app.api.delete(`/api/customers/${id}`, { 'If-Match': '"2"' }), 409, 'conflict');
    expect((await app.api.delete(`/api/customers/${id}`, { 'If-Match': '"3"' })).status).toBe(204);
  });

  test('200 where it means nothing, whatever it says', async () => {
    const { id } = await app.given.product();
    expect((await app.api.get(`/api/products/${id}`, { 'If-Match': 'nonsense' })).status).toBe(200);
    expect((await app.anonymous.get('/health', { 'If-Match': 'nonsense' })).status).toBe(200);
    expect((await app.api.put(`/api/products/${id}`, { name: 'Team' }, { 'If-Match': '"7"' })).status).toBe(200);
  });

  test('200 no conditional GET: the entity is answered again', async () => {
    const { id } = await app.given.customer();
    const { headers } = await app.api.get(`/api/customers/${id}`);
    const again = await app.api.get(`/api/customers/${id}`, { 'If-None-Match': headers.etag! });
    expect([again.status, again.body.id]).toEqual([200, id]);
  });
});
