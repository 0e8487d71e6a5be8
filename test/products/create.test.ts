import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApp, type TestApp } from '../support/app.ts';
import { expectRefusal } from '../support/refusals.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

const valid = { name: 'Pro', productType: 'saas', price: '49.99' };

describe('createProduct', () => {
  test('201 with the defaults, null figures and its Location', async () => {
    const answer = await app.api.post('/api/products', valid);
    expect(answer.status).toBe(201);
    expect(answer.headers.location).toBe(`/api/products/${answer.body.id}`);
    expect(answer.headers.etag).toBeUndefined();
    expect(answer.body).toEqual({
      id: expect.stringMatching(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/),
      ...valid,
      description: null,
      currency: 'USD',
      status: 'active',
      monthlyRevenue: '0.00',
      activeUsers: 0,
      dailyActiveUsers: 0,
      churnRate: '0.00',
      createdAt: '2026-03-15T10:30:00.000Z',
      updatedAt: '2026-03-15T10:30:00.000Z',
    });
    expect((await app.api.get(answer.headers.location!)).body).toEqual(answer.body);
  });

  test.each([
    ['USD', '50', '50.00'],
    ['USD', '49.9', '49.90'],
    ['USD', '0', '0.00'],
    ['USD', '999999999999.99', '999999999999.99'],
    ['JPY', '1500', '1500'],
    ['KWD', '1.25', '1.250'],
  ])('201 with a price in %s: %s is %s', async (currency, price, shown) => {
    const { body } = await app.api.post('/api/products', { ...valid, currency, price });
    expect(body).toMatchObject({ currency, price: shown, monthlyRevenue: zero(currency) });
  });

  test('201 with null for a member that may be null, which is the same as absence', async () => {
    expect((await app.given.product({ description: null })).description).toBeNull();
  });

  test('201 with surrounding blanks removed, inner line breaks kept', async () => {
    const product = await app.given.product({ name: '  Pro \t', description: ' a\nb ' });
    expect(product).toMatchObject({ name: 'Pro', description: 'a\nb' });
  });

  test('201 again for the same Idempotency-Key, and one product', async () => {
    const headers = { 'Idempotency-Key': 'product-1' };
    const first = await app.api.post('/api/products', { ...valid, name: 'Once' }, headers);
    const second = await app.api.post('/api/products', { ...valid, name: 'Once' }, headers);
    expect(second.body).toEqual(first.body);
    expect(second.headers['idempotent-replayed']).toBe('true');
    const { body } = await app.api.get('/api/products?limit=1000');
    expect(body.filter((product: { name: string }) => product.name === 'Once')).toHaveLength(1);
  });

  test('409 idempotency_key_reused with another body', async () => {
    const headers = { 'Idempotency-Key': 'product-2' };
    await app.api.post('/api/products', valid, headers);
    const again = await app.api.post('/api/products', { ...valid, price: '1.00' }, headers);
    expectRefusal(again, 409, 'idempotency_key_reused');
  });

  test.each<[string, unknown, string]>([
    ['more decimals than the currency has', { ...valid, price: '1.005' }, 'price'],
    ['decimals of a currency without', { ...valid, currency: 'JPY', price: '1500.0' }, 'price'],
    ['an exponent', { ...valid, price: '1e3' }, 'price'],
    ['a number for an amount', { ...valid, price: 12 }, 'price'],
    ['a negative amount', { ...valid, price: '-1.00' }, 'price'],
    ['an empty amount', { ...valid, price: '' }, 'price'],
    ['13 digits', { ...valid, price: '1000000000000' }, 'price'],
    ['null for a price', { ...valid, price: null }, 'price'],
    ['no price', { name: 'Pro', productType: 'saas' }, 'price'],
    ['a currency that does not exist', { ...valid, currency: 'ABC' }, 'currency'],
    ['a currency without decimals defined', { ...valid, currency: 'XAU' }, 'currency'],
    ['a lower case currency', { ...valid, currency: 'usd' }, 'currency'],
    ['null for a currency', { ...valid, currency: null }, 'currency'],
    ['an unknown type', { ...valid, productType: 'hardware' }, 'productType'],
    ['an unknown status', { ...valid, status: 'gone' }, 'status'],
    ['a blank name', { ...valid, name: '   ' }, 'name'],
    ['a name that is too long', { ...valid, name: 'x'.repeat(256) }, 'name'],
    ['a number for a name', { ...valid, name: 1 }, 'name'],
    ['a NUL in the name', { ...valid, name: 'a\u0000b' }, 'name'],
    ['a description that is too long', { ...valid, description: 'x'.repeat(5001) }, 'description'],
    ['an empty description', { ...valid, description: '' }, 'description'],
    ['an unknown member', { ...valid, sku: 'P-1' }, 'sku'],
    ['a computed member', { ...valid, churnRate: '0.00' }, 'churnRate'],
    ['an id', { ...valid, id: '01JQX5M3K9HZNGVX2Z66Z1C02N' }, 'id'],
  ])('400 validation_error with %s', async (_, body, field) => {
    expectRefusal(await app.api.post('/api/products', body), 400, 'validation_error', field);
  });

  test('400 validation_error names every failing member', async () => {
    const answer = await app.api.post('/api/products', { productType: 'x', price: 1, extra: true });
    expectRefusal(answer, 400, 'validation_error', 'name', 'productType', 'price', 'extra');
  });

  test('400 invalid_request without a body, with an array, or with what is not JSON', async () => {
    expectRefusal(await app.api.post('/api/products'), 400, 'invalid_request');
    expectRefusal(await app.api.post('/api/products', []), 400, 'invalid_request');
    const broken = await app.api.post('/api/products', '{', { 'Content-Type': 'application/json' });
    expectRefusal(broken, 400, 'invalid_request');
  });

  test('401 unauthorized without a session', async () => {
    expectRefusal(await app.anonymous.post('/api/products', valid), 401, 'unauthorized');
  });

  test('403 forbidden for a customer user', async () => {
    const session = await app.given.portalSession((await app.given.customer()).id);
    expectRefusal(await app.withSession(session).post('/api/products', valid), 403, 'forbidden');
  });

  test('413 payload_too_large over 1 MB', async () => {
    const answer = await app.api.post('/api/products', { ...valid, description: 'x'.repeat(1_048_577) });
    expectRefusal(answer, 413, 'payload_too_large');
  });

  test('415 unsupported_media_type for a form', async () => {
    const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
    expectRefusal(await app.api.post('/api/products', 'name=Pro', headers), 415, 'unsupported_media_type');
  });

  test('201 writes one audit row', async () => {
    const product = await app.given.product({ price: '5.00' });
    const rows = await app.database.read('audit_log').where({ entity_id: product.id });
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({ action: 'createProduct', entity_type: 'product', actor_type: 'user' });
    expect(JSON.parse(rows[0].changes)).toMatchObject({ price: [null, '5.00'], name: [null, 'Pro'] });
  });
});

const zero = (currency: string) => ({ USD: '0.00', JPY: '0', KWD: '0.000' })[currency];
