import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createVault } from '../../../src/platform/secrets.ts';
import { type Answer, type Api, startApp, type TestApp } from '../../support/app.ts';
import { raw } from '../../support/raw.ts';
import { expectRefusal } from '../../support/refusals.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

let count = 0;
const newKey = (): { 'Idempotency-Key': string } => ({ 'Idempotency-Key': `key-${++count}` });
const newCustomer = () => ({ name: 'Acme Corp', email: `idempotent-${++count}@acme.example` });
const rows = async (table: string): Promise<number> => Number((await app.database.read(table).count('* as n'))[0]!.n);
const stored = (headers: { 'Idempotency-Key': string }) =>
  app.database.read('idempotency_keys').where({ key: headers['Idempotency-Key'] });
/** What a repetition must give again. */
const essence = ({ status, text, headers }: Answer) => [
  status,
  text,
  headers.location,
  headers.etag,
  headers['content-type'],
];

describe('the same request again', () => {
  test('201 the same answer byte for byte, and no second effect', async () => {
    const [headers, body] = [newKey(), newCustomer()];
    const first = await app.api.post('/api/customers', body, headers);
    expect(first.status).toBe(201);
    expect(first.headers).not.toHaveProperty('idempotent-replayed');
    await app.api.put(`/api/customers/${first.body.id}`, { company: 'Changed since' });
    const tables = ['customers', 'audit_log', 'events', 'idempotency_keys'];
    const before = await Promise.all(tables.map(rows));
    const again = await app.api.post('/api/customers', body, headers);
    expect(essence(again)).toEqual(essence(first));
    expect(again.headers).toMatchObject({ 'idempotent-replayed': 'true', etag: '"1"' });
    expect(again.headers.location).toBe(`/api/customers/${first.body.id}`);
    expect(again.headers['x-request-id']).not.toBe(first.headers['x-request-id']);
    expect(await Promise.all(tables.map(rows))).toEqual(before);
  });

  test('201 also after the secret key has changed; 409 idempotency_key_reused for another body', async () => {
    const OLD = 'the secret key before the rotation, long enough';
    const rotated = await startApp({ config: { previousSecretKey: OLD } });
    try {
      const [headers, body] = [newKey(), newCustomer()];
      const first = await rotated.api.post('/api/customers', body, headers);
      const [body_hash] = createVault(OLD).fingerprints(JSON.stringify(body));
      const hit = await rotated.database.write('idempotency_keys').where({ state: 'done' }).update({ body_hash });
      expect(hit).toBe(1);
      expect(essence(await rotated.api.post('/api/customers', body, headers))).toEqual(essence(first));
      const other = await rotated.api.post('/api/customers', { ...body, name: 'Other Corp' }, headers);
      expectRefusal(other, 409, 'idempotency_key_reused');
    } finally {
      await rotated.close();
    }
  });

  test('201 money is taken once', async () => {
    const invoice = await app.given.invoice();
    const [headers, body] = [newKey(), { invoiceId: invoice.id, amount: '10.00', paymentMethod: 'check' }];
    const [first, again] = [await pay(), await pay()];
    expect(essence(again)).toEqual(essence(first));
    expect((await app.api.get(`/api/billing/invoices/${invoice.id}`)).body.amountPaid).toBe('10.00');
    function pay() {
      return app.api.post('/api/billing/payments', body, headers);
    }
  });

  test('201 ten at once: one effect, ten equal answers', async () => {
    const [headers, body] = [newKey(), newCustomer()];
    const before = await rows('customers');
    const answers = await Promise.all(Array.from({ length: 10 }, () => app.api.post('/api/customers', body, headers)));
    for (const answer of answers) expect(essence(answer)).toEqual(essence(answers[0]!));
    expect(answers[0]!.status).toBe(201);
    expect(answers.filter((answer) => !('idempotent-replayed' in answer.headers))).toHaveLength(1);
    expect(await rows('customers')).toBe(before + 1);
  });

  test('201 and 409 ten at once with two contents: one effect', async () => {
    const headers = newKey();
    const bodies = [newCustomer(), newCustomer()];
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) => app.api.post('/api/customers', bodies[i % 2], headers)),
    );
    const made = answers.filter(({ status }) => status === 201);
    expect(new Set(made.map(({ body }) => body.id)).size).toBe(1);
    for (const answer of answers.filter(({ status }) => status !== 201))
      expectRefusal(answer, 409, 'idempotency_key_reused');
    expect(made).toHaveLength(5);
  });
});

describe('409 idempotency_key_reused', () => {
  test('for another body, also one that means the same', async () => {
    const [headers, body] = [{ ...newKey(), 'Content-Type': 'application/json' }, newCustomer()];
    expect((await app.api.post('/api/customers', JSON.stringify(body), headers)).status).toBe(201);
    expectRefusal(await app.api.post('/api/customers', newCustomer(), headers), 409, 'idempotency_key_reused');
    expectRefusal(
      await app.api.post('/api/customers', `${JSON.stringify(body)}\n`, headers),
      409,
      'idempotency_key_reused',
    );
    expect((await app.api.post('/api/customers', JSON.stringify(body), headers)).status).toBe(201);
  });

  test('for another path', async () => {
    const headers = newKey();
    expect((await app.api.post('/api/customers', newCustomer(), headers)).status).toBe(201);
    const product = { name: 'Pro', productType: 'saas', price: '1' };
    expectRefusal(await app.api.post('/api/products', product, headers), 409, 'idempotency_key_reused');
  });
});

describe('whose key it is', () => {
  test('each user and each API key has its own', async () => {
    const headers = newKey();
    const user = await app.given.user({ password: 'a password that is long' });
    const login = await app.anonymous.post('/api/auth/login', {
      email: user.email,
      password: 'a password that is long',
    });
    const session = app.withSession(/session=([^;]+)/.exec(String(login.headers['set-cookie']))![1]!);
    const keys: Api[] = [];
    for (let i = 0; i < 2; i++) keys.push(app.withKey((await app.given.apiKey()).key));
    const answers = [
      await app.api.post('/api/customers', newCustomer(), headers),
      await session.post('/api/customers', newCustomer(), headers),
      await keys[0]!.post('/api/v1/customers', newCustomer(), headers),
      await keys[1]!.post('/api/v1/customers', newCustomer(), headers),
    ];
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 201]);
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(4);
    expect(await stored(headers)).toHaveLength(4);
  });

  test('401 for somebody unknown, who learns nothing of a stored answer', async () => {
    const [headers, body] = [newKey(), newCustomer()];
    await app.api.post('/api/customers', body, headers);
    expectRefusal(await app.anonymous.post('/api/customers', body, headers), 401, 'unauthorized');
  });
});

describe('what is kept', () => {
  test('no refusal: the key may be used again', async () => {
    const headers = newKey();
    const taken = newCustomer();
    await app.api.post('/api/customers', taken);
    expectRefusal(await app.api.post('/api/customers', { name: '' }, headers), 400, 'validation_error');
    expectRefusal(await app.api.post('/api/customers', taken, headers), 409, 'already_exists');
    expect(await stored(headers)).toEqual([]);
    expect((await app.api.post('/api/customers', newCustomer(), headers)).status).toBe(201);
  });

  test('201 an answer with a secret is stored encrypted, and given again', async () => {
    const headers = newKey();
    const first = await app.api.post('/api/api-keys', { name: 'Integration' }, headers);
    const [row] = await stored(headers);
    expect(row.body).toMatch(/^v1\./);
    expect(JSON.stringify(row)).not.toContain(first.body.key);
    expect(JSON.stringify(row)).not.toContain(first.body.key.slice(8, 20));
    const again = await app.api.post('/api/api-keys', { name: 'Integration' }, headers);
    expect(essence(again)).toEqual(essence(first));
    expect((await app.withKey(again.body.key).get('/api/v1/products')).status).toBe(200);
  });

  test('for 30 days, by the clock of the server', async () => {
    const key = app.withKey((await app.given.apiKey()).key);
    const [headers, body] = [newKey(), { name: 'Acme Corp', email: `kept-${++count}@acme.example` }];
    const send = () => key.post('/api/v1/customers', body, headers);
    const first = await send();
    app.clock.advance({ days: 30, ms: -1 });
    expect(essence(await send())).toEqual(essence(first));
    app.clock.advance({ ms: 1 });
    expectRefusal(await send(), 409, 'already_exists', 'email');
    body.email = `kept-${++count}@acme.example`;
    const second = await send();
    expect([second.status, second.headers['idempotent-replayed']]).toEqual([201, undefined]);
    expect(essence(await send())).toEqual(essence(second));
  });
});

describe('the header', () => {
  test.each(['x', 'a key with spaces', '~!@#$%^&*()', 'x'.repeat(255)])('201 with %s', async (text) => {
    const headers = { 'Idempotency-Key': `${text.slice(0, 250)}${++count}` };
    expect((await app.api.post('/api/customers', newCustomer(), headers)).status).toBe(201);
  });

  test.each(['', 'x'.repeat(256), 'ключ', 'é', 'a\tb'])('400 validation_error with %j', async (text) => {
    const before = await rows('customers');
    const answer = await raw(app, '/api/customers', {
      method: 'POST',
      headers: {
        Cookie: `session=${app.admin.token}`,
        'Content-Type': 'application/json',
        'Idempotency-Key': Buffer.from(text).toString('latin1'),
      },
      body: JSON.stringify(newCustomer()),
    });
    expectRefusal(answer, 400, 'validation_error', 'Idempotency-Key');
    expect(await rows('customers')).toBe(before);
  });

  test('means nothing where a repetition is safe by itself', async () => {
    const headers = { 'Idempotency-Key': 'x'.repeat(300) };
    const { email, password } = app.admin;
    expect((await app.anonymous.post('/api/auth/login', { email, password }, headers)).status).toBe(200);
    expect((await app.cron.post('/api/billing/cron/dunning', undefined, headers)).status).toBe(200);
    const { id } = await app.given.customer();
    expect((await app.api.put(`/api/customers/${id}`, { name: 'Other' }, headers)).status).toBe(200);
    expect((await app.api.get('/api/customers', headers)).status).toBe(200);
    expect(await stored(headers)).toEqual([]);
  });
});
