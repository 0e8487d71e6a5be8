import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Answer, startApp, type TestApp } from '../../support/app.ts';
import { raw } from '../../support/raw.ts';
import { expectRefusal } from '../../support/refusals.ts';

const MAX = 16_384;
const JSON_TYPE = 'application/json';
const PRODUCT = { name: 'Pro', productType: 'saas', price: '49.99' };

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

const post = (body: string | Buffer | string[], type: string | undefined = JSON_TYPE, headers = {}): Promise<Answer> =>
  raw(app, '/api/products', {
    method: 'POST',
    headers: { Cookie: `session=${app.admin.token}`, ...(type ? { 'Content-Type': type } : {}), ...headers },
    body,
  });
const products = async (): Promise<number> => (await app.database.read('products').count('* as n'))[0]!.n as number;

/** A body of exactly so many bytes. */
function bodyOf(bytes: number): string {
  const start = `${JSON.stringify({ ...PRODUCT, description: '' }).slice(0, -2)}`;
  return `${start}${'x'.repeat(bytes - start.length - 2)}"}`;
}

describe('size', () => {
  test('413 payload_too_large one byte above 16 KB, by Content-Length and in chunks', async () => {
    expectRefusal(await post(bodyOf(MAX + 1)), 413, 'payload_too_large');
    const text = bodyOf(MAX + 1);
    const chunks = [text.slice(0, 5000), text.slice(5000, 10_000), text.slice(10_000)];
    expectRefusal(await post(chunks), 413, 'payload_too_large');
  });

  test('413 before the body is sent, when its length says so', async () => {
    const answer = await raw(app, '/api/products', {
      method: 'POST',
      headers: {
        Cookie: `session=${app.admin.token}`,
        'Content-Type': JSON_TYPE,
        'Content-Length': String(MAX + 1),
      },
      hold: true,
    });
    expectRefusal(answer, 413, 'payload_too_large');
  });

  test('400 validation_error with exactly 16 KB: it was read', async () => {
    expectRefusal(await post(bodyOf(MAX)), 400, 'validation_error', 'description');
    expectRefusal(await post([bodyOf(MAX)]), 400, 'validation_error', 'description');
  });

  test('413 while the body is still coming, when it has grown too large', async () => {
    const headers = { Cookie: `session=${app.admin.token}`, 'Content-Type': JSON_TYPE };
    const body = Array.from({ length: 5 }, () => 'x'.repeat(5000));
    expectRefusal(
      await raw(app, '/api/products', { method: 'POST', headers, body, hold: true }),
      413,
      'payload_too_large',
    );
  });

  test('201 in chunks', async () => {
    const text = JSON.stringify(PRODUCT);
    expect((await post([text.slice(0, 5), text.slice(5)])).status).toBe(201);
  });

  test('401 before 413: who is not known sends nothing', async () => {
    const answer = await raw(app, '/api/products', { method: 'POST', body: bodyOf(MAX + 1) });
    expectRefusal(answer, 401, 'unauthorized');
  });
});

describe('type', () => {
  test.each([
    '',
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/jsonp',
    'application/vnd.api+json',
    'application/json, text/plain',
    'json',
  ])('415 unsupported_media_type for %j', async (type) => {
    expectRefusal(await post(JSON.stringify(PRODUCT), type), 415, 'unsupported_media_type');
  });

  test.each([
    'application/json',
    'APPLICATION/JSON',
    'application/json; charset=utf-8',
    'application/json;charset=UTF-8',
  ])('201 for %j', async (type) => {
    expect((await post(JSON.stringify(PRODUCT), type)).status).toBe(201);
  });

  test.each(['gzip', 'deflate', 'br', 'x-unknown'])(
    '415 unsupported_media_type for Content-Encoding %s',
    async (encoding) => {
      const body = gzipSync(JSON.stringify(PRODUCT));
      expectRefusal(await post(body, JSON_TYPE, { 'Content-Encoding': encoding }), 415, 'unsupported_media_type');
    },
  );

  test('200 for an operation without a body, with an empty one of any type', async () => {
    const headers = { Cookie: `session=${app.admin.token}`, 'Content-Type': 'text/plain' };
    expect(
      (await raw(app, '/api/auth/logout', { method: 'POST', headers: { 'Content-Type': 'text/plain' } })).status,
    ).toBe(200);
    expect((await raw(app, '/api/auth/me', { headers })).status).toBe(200);
  });
});

describe('content', () => {
  const malformed: [string, string | Buffer][] = [
    ['nothing', ''],
    ['white space', '  \n '],
    ['half an object', '{"name":'],
    ['single quotes', "{'name':'Pro'}"],
    ['a trailing comma', '{"name":"Pro",}'],
    ['NaN', '{"price":NaN}'],
    ['a comment', '{"name":"Pro"/* */}'],
    ['two values', '{} {}'],
    ['a byte order mark', '\uFEFF{}'],
    ['UTF-16', Buffer.from('{"name":"Pro"}', 'utf16le')],
    ['Latin-1', Buffer.from('{"name":"Zürich"}', 'latin1')],
    ['half a character', Buffer.from([0x7b, 0x22, 0xe2, 0x82, 0x22, 0x7d])],
    ['a surrogate in UTF-8', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22])],
    ['an array', '[]'],
    ['an array of objects', JSON.stringify([PRODUCT])],
    ['a string', '"Pro"'],
    ['a number', '1'],
    ['true', 'true'],
    ['null', 'null'],
  ];
  test.each(malformed)('400 invalid_request for %s', async (_, body) => {
    expectRefusal(await post(body), 400, 'invalid_request');
  });

  test('400 validation_error names every failing member, not only the first', async () => {
    const body = { name: '', productType: 'shoes', price: 12, currency: 'usd', colour: 'red', description: 7 };
    const answer = await post(JSON.stringify(body));
    expectRefusal(answer, 400, 'validation_error', ...Object.keys(body));
  });

  test('400 validation_error: nothing is coerced', async () => {
    for (const [name, value] of [
      ['price', 49.99],
      ['name', 1],
      ['name', true],
      ['name', ['Pro']],
      ['name', { text: 'Pro' }],
      ['name', null],
      ['status', null],
    ] as const)
      expectRefusal(await post(JSON.stringify({ ...PRODUCT, [name]: value })), 400, 'validation_error', name);
  });

  test('400 validation_error for members that are names of JavaScript', async () => {
    const before = await products();
    for (const name of ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty'])
      expectRefusal(
        await post(`{"name":"Pro","productType":"saas","price":"1","${name}":{"a":1}}`),
        400,
        'validation_error',
        name,
      );
    expect(({} as Record<string, unknown>).a).toBeUndefined();
    expect(await products()).toBe(before);
  });

  test('400 validation_error for what is nested too deeply', async () => {
    const deep = (levels: number) => `{"name":${'['.repeat(levels)}${']'.repeat(levels)}}`;
    expectRefusal(await post(deep(40)), 400, 'validation_error');
    expectRefusal(await post(deep(8000)), 400, 'validation_error');
  });

  test('400 validation_error for more values than a valid body can have, before anything looks at them', async () => {
    const members = (count: number) =>
      JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, i) => [i, 1])));
    expect((await post(members(100))).body.fields).toMatchObject({ 99: 'is not allowed', name: 'is required' });
    const answer = await post(members(1500));
    expectRefusal(answer, 400, 'validation_error', '_');
    expect(Object.keys(answer.body.fields)).toHaveLength(1);
  });

  test.each(['\\u0000', '\\u0008', '\\u001f', '\\ud800', '\\udc00\\ud800'])(
    '400 validation_error for %s in a text',
    async (text) => {
      const body = (value: string) => `{"name":"${value}","productType":"saas","price":"1"}`;
      expectRefusal(await post(body(`a${text}b`)), 400, 'validation_error', 'name');
      expectRefusal(await post(body(text)), 400, 'validation_error', 'name');
      expectRefusal(await post(`{"name":"Pro","productType":"saas","price":"1","${text}":1}`), 400, 'validation_error');
    },
  );

  test.each([
    ['/api/customers', '"name":"A","email":"a@b.example","metadata":', 'metadata.a.b'],
    [
      '/api/billing/plans',
      '"name":"P","pricingModel":"flat","billingCycle":"monthly","basePrice":"1","features":',
      'features.a.b',
    ],
  ])(
    '400 validation_error of POST %s with a number that does not survive, naming the member',
    async (path, members, field) => {
      const answer = await app.api.post(path, `{${members}{"a":{"b":9007199254740993}}}`, {
        'Content-Type': 'application/json',
      });
      expectRefusal(answer, 400, 'validation_error', field);
    },
  );

  test('400 invalid_request with a repeated member', async () => {
    const answer = await post('{"name":"First","name":"Last","productType":"saas","price":"1"}');
    expect([answer.status, answer.body.error]).toEqual([400, 'invalid_request']);
  });

  test('201 keeps every other text as it is', async () => {
    for (const name of [
      'Zürich 🚀',
      'مرحبا',
      '‮right to left',
      'a\tb\r\nc',
      '\u007f\u0085',
      'e\u0301',
      "'; DROP TABLE products; --",
      '<b>&amp;',
    ])
      expect([(await post(JSON.stringify({ ...PRODUCT, name }))).body.name]).toEqual([name]);
  });
});

describe('trimming', () => {
  test('201 without the white space at both ends, at every depth', async () => {
    const product = await post(JSON.stringify({ name: ' \t Pro \n', productType: ' saas ', price: ' 49.99 ' }));
    expect(product.body).toMatchObject({ name: 'Pro', productType: 'saas', price: '49.99' });
    const customer = await app.given.customer({ metadata: { note: '  kept inside  ', ' key ': 1 } });
    expect(customer.metadata).toEqual({ note: 'kept inside', ' key ': 1 });
  });

  test('400 validation_error for what is empty after trimming', async () => {
    expectRefusal(await post(JSON.stringify({ ...PRODUCT, name: ' \n\t ' })), 400, 'validation_error', 'name');
  });

  test('200 a password is taken as it is', async () => {
    const password = '  a password with spaces  ';
    const { email } = await app.given.user({ password });
    const login = async (text: string) =>
      (await app.anonymous.post('/api/auth/login', { email: ` ${email} `, password: text })).status;
    expect(await login(password)).toBe(200);
    expect(await login(password.trim())).toBe(401);
  });
});
