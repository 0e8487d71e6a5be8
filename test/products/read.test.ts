import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApp, type TestApp } from '../support/app.ts';
import { expectRefusal, UNKNOWN_ID } from '../support/refusals.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

type Row = { id: string };
const ids = (rows: Row[]) => rows.map(({ id }) => id);

describe('listProducts', () => {
  test('200 in pages, newest first, linked, unmoved by rows created meanwhile', async () => {
    const made: string[] = [];
    for (let i = 0; i < 5; i++) made.unshift((await app.given.product({ name: `P${i}`, productType: 'api' })).id);
    const first = await app.api.get('/api/products?limit=2&productType=api');
    expect(ids(first.body)).toEqual(made.slice(0, 2));
    await app.given.product({ productType: 'api' });
    const next = /^<(\/api\/products\?[^>]+)>; rel="next"$/.exec(first.headers.link!)![1]!;
    const second = await app.api.get(next);
    expect(ids(second.body)).toEqual(made.slice(2, 4));
    const third = await app.api.get(/<([^>]+)>/.exec(second.headers.link!)![1]!);
    expect(ids(third.body)).toEqual(made.slice(4));
    expect(third.headers.link).toBeUndefined();
  });

  test('200 filtered by status and type together', async () => {
    const wanted = await app.given.product({ status: 'inactive', productType: 'licensed' });
    await app.given.product({ status: 'inactive' });
    await app.given.product({ productType: 'licensed' });
    const { body } = await app.api.get('/api/products?status=inactive&productType=licensed');
    expect(ids(body)).toEqual([wanted.id]);
  });

  test('200 hides nothing that is archived', async () => {
    const archived = await app.given.product({ status: 'archived' });
    expect(ids((await app.api.get('/api/products?limit=1000')).body)).toContain(archived.id);
  });

  test.each([
    ['limit=0', 'limit'],
    ['limit=1001', 'limit'],
    ['limit=2.5', 'limit'],
    ['limit=abc', 'limit'],
    ['status=gone', 'status'],
    ['productType=', 'productType'],
    ['page=2', 'page'],
    ['cursor=abc', 'cursor'],
    [`cursor=${Buffer.from('[1,"customers","01JQX5M3K9HZNGVX2Z66Z1C02N"]').toString('base64url')}`, 'cursor'],
  ])('400 validation_error for ?%s', async (query, field) => {
    expectRefusal(await app.api.get(`/api/products?${query}`), 400, 'validation_error', field);
  });

  test('401 unauthorized and 403 forbidden without the right caller', async () => {
    expectRefusal(await app.anonymous.get('/api/products'), 401, 'unauthorized');
    const session = await app.given.portalSession((await app.given.customer()).id);
    expectRefusal(await app.withSession(session).get('/api/products'), 403, 'forbidden');
  });
});

describe('getProduct', () => {
  test('200 and no ETag: products carry no version', async () => {
    const product = await app.given.product();
    const answer = await app.api.get(`/api/products/${product.id}`);
    expect(answer.body).toEqual(product);
    expect(answer.headers.etag).toBeUndefined();
  });

  test('404 not_found for an unknown id, 400 for a malformed one', async () => {
    expectRefusal(await app.api.get(`/api/products/${UNKNOWN_ID}`), 404, 'not_found');
    expectRefusal(await app.api.get('/api/products/42'), 400, 'validation_error', 'id');
    expectRefusal(await app.api.get(`/api/products/${UNKNOWN_ID.toLowerCase()}`), 400, 'validation_error', 'id');
  });

  test('401 unauthorized and 403 forbidden without the right caller', async () => {
    const { id } = await app.given.product();
    expectRefusal(await app.anonymous.get(`/api/products/${id}`), 401, 'unauthorized');
    const session = await app.given.portalSession((await app.given.customer()).id);
    expectRefusal(await app.withSession(session).get(`/api/products/${id}`), 403, 'forbidden');
  });
});

describe('v1ListProducts, v1GetProduct', () => {
  test('200 everything for an operator key, also one that only reads', async () => {
    const product = await app.given.product();
    const { key } = await app.given.apiKey({ access: 'read' });
    expect((await app.withKey(key).get('/api/v1/products?limit=1')).body).toEqual([product]);
    expect((await app.withKey(key).get(`/api/v1/products/${product.id}`)).body).toEqual(product);
  });

  test('200 a key with a customer sees the products of its subscriptions that are not canceled', async () => {
    const customer = await app.given.customer();
    const { key } = await app.given.apiKey({ customerId: customer.id });
    const mine = app.withKey(key);
    const held = await app.given.product();
    const ended = await app.given.product();
    const foreign = await app.given.product();
    const on = async (productId: string, customerId?: string) =>
      app.given.subscription({
        planId: (await app.given.plan({ productId })).id,
        ...(customerId ? { customerId } : {}),
      });
    await on(held.id, customer.id);
    const gone = await on(ended.id, customer.id);
    await on(foreign.id);
    expect((await app.api.delete(`/api/billing/subscriptions/${gone.id}`)).status).toBe(204);
    expect(ids((await mine.get('/api/v1/products')).body)).toEqual([held.id]);
    expect((await mine.get(`/api/v1/products/${held.id}`)).body.id).toBe(held.id);
    for (const { id } of [ended, foreign]) expectRefusal(await mine.get(`/api/v1/products/${id}`), 404, 'not_found');
    expectRefusal(await mine.get(`/api/v1/products/${UNKNOWN_ID}`), 404, 'not_found');
  });

  test('401 without, 401 invalid_api_key with a wrong key', async () => {
    for (const path of ['/api/v1/products', `/api/v1/products/${UNKNOWN_ID}`]) {
      expectRefusal(await app.anonymous.get(path), 401, 'unauthorized');
      const wrong = `rb_live_${'a'.repeat(46)}`;
      expectRefusal(await app.withKey(wrong).get(path), 401, 'invalid_api_key');
    }
  });
});
