import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApp, type TestApp } from '../support/app.ts';
import { expectRefusal, UNKNOWN_ID } from '../support/refusals.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

const put = (id: string, body: unknown) => app.api.put(`/api/products/${id}`, body);
const audits = (id: string) => app.database.read('audit_log').where({ entity_id: id }).orderBy('id');

describe('updateProduct', () => {
  test('200 changes what is sent and keeps the rest', async () => {
    const product = await app.given.product({ description: 'old' });
    app.clock.advance({ ms: 1000 });
    const { status, body } = await put(product.id, { name: 'Pro 2', status: 'inactive' });
    expect(status).toBe(200);
    expect(body).toEqual({ ...product, name: 'Pro 2', status: 'inactive', updatedAt: app.clock.now() });
    expect((await app.api.get(`/api/products/${product.id}`)).body).toEqual(body);
    const rows = await audits(product.id);
    expect(rows).toHaveLength(2);
    expect(JSON.parse(rows[1].changes)).toEqual({ name: ['Pro', 'Pro 2'], status: ['active', 'inactive'] });
  });

  test('200 null clears the description', async () => {
    const { id } = await app.given.product({ description: 'old' });
    expect((await put(id, { description: null })).body.description).toBeNull();
  });

  test.each([
    ['{}', {}],
    ['the values it has', { name: 'Pro', price: '49.99', productType: 'saas', currency: 'USD', description: null }],
  ])('200 %s changes nothing', async (_, body) => {
    const product = await app.given.product();
    app.clock.advance({ ms: 1000 });
    expect((await put(product.id, body)).body).toEqual(product);
    expect(await audits(product.id)).toHaveLength(1);
  });

  test('200 a new currency with a price of its own, or one that the price fits', async () => {
    const { id } = await app.given.product({ price: '49.99' });
    expect((await put(id, { currency: 'JPY', price: '1500' })).body).toMatchObject({ currency: 'JPY', price: '1500' });
    expect((await put(id, { currency: 'KWD' })).body).toMatchObject({ currency: 'KWD', price: '1500.000' });
  });

  test('400 validation_error when the price does not fit the new currency', async () => {
    const { id } = await app.given.product({ price: '49.99' });
    expectRefusal(await put(id, { currency: 'JPY' }), 400, 'validation_error', 'price');
    expectRefusal(await put(id, { currency: 'JPY', price: '1.5' }), 400, 'validation_error', 'price');
    expectRefusal(await put(id, { currency: 'ABC' }), 400, 'validation_error', 'currency');
    expect((await app.api.get(`/api/products/${id}`)).body).toMatchObject({ currency: 'USD', price: '49.99' });
  });

  test.each<[string, unknown, string]>([
    ['null for a name', { name: null }, 'name'],
    ['null for a price', { price: null }, 'price'],
    ['null for a status', { status: null }, 'status'],
    ['more decimals', { price: '1.005' }, 'price'],
    ['an unknown member', { monthlyRevenue: '1.00' }, 'monthlyRevenue'],
  ])('400 validation_error with %s', async (_, body, field) => {
    const { id } = await app.given.product();
    expectRefusal(await put(id, body), 400, 'validation_error', field);
  });

  test('409 conflict for another type once there are plans; before that 200', async () => {
    const { id } = await app.given.product();
    expect((await put(id, { productType: 'api' })).body.productType).toBe('api');
    await app.given.plan({ productId: id });
    expectRefusal(await put(id, { productType: 'saas', name: 'Other' }), 409, 'conflict', 'productType');
    expect((await app.api.get(`/api/products/${id}`)).body).toMatchObject({ productType: 'api', name: 'Pro' });
    expect((await put(id, { productType: 'api', name: 'Other' })).status).toBe(200);
  });

  test('404 not_found, 400 for a malformed id', async () => {
    expectRefusal(await put(UNKNOWN_ID, { name: 'x' }), 404, 'not_found');
    expectRefusal(await put('x', { name: 'x' }), 400, 'validation_error', 'id');
  });

  test('400 invalid_request without a body', async () => {
    expectRefusal(await put((await app.given.product()).id, undefined), 400, 'invalid_request');
  });

  test('401 unauthorized and 403 forbidden without the right caller', async () => {
    const { id } = await app.given.product();
    expectRefusal(await app.anonymous.put(`/api/products/${id}`, {}), 401, 'unauthorized');
    const session = await app.given.portalSession((await app.given.customer()).id);
    expectRefusal(await app.withSession(session).put(`/api/products/${id}`, {}), 403, 'forbidden');
  });
});

describe('deleteProduct', () => {
  test('204 and gone, with an audit row', async () => {
    const { id } = await app.given.product();
    const answer = await app.api.delete(`/api/products/${id}`);
    expect({ status: answer.status, text: answer.text }).toEqual({ status: 204, text: '' });
    expectRefusal(await app.api.get(`/api/products/${id}`), 404, 'not_found');
    expectRefusal(await app.api.delete(`/api/products/${id}`), 404, 'not_found');
    expect((await audits(id)).map((row) => row.action)).toEqual(['createProduct', 'deleteProduct']);
  });

  test('409 delete_conflict with a plan, 204 once it is deleted', async () => {
    const plan = await app.given.plan();
    expectRefusal(await app.api.delete(`/api/products/${plan.productId}`), 409, 'delete_conflict');
    await app.api.delete(`/api/billing/plans/${plan.id}`);
    expect((await app.api.delete(`/api/products/${plan.productId}`)).status).toBe(204);
  });

  test('204 or 409 but never a plan without product, when both happen at once', async () => {
    for (let round = 0; round < 10; round++) {
      const { id: productId } = await app.given.product();
      const body = { productId, name: 'P', pricingModel: 'flat', billingCycle: 'monthly', basePrice: '1.00' };
      const [gone, made] = await Promise.all([
        app.api.delete(`/api/products/${productId}`),
        app.api.post('/api/billing/plans', body),
      ]);
      if (gone!.status === 204) expectRefusal(made!, 404, 'not_found');
      else {
        expectRefusal(gone!, 409, 'delete_conflict');
        expect(made!.status).toBe(201);
      }
    }
  });

  test('400, 401, 403 and 404 as documented', async () => {
    expectRefusal(await app.api.delete('/api/products/x'), 400, 'validation_error', 'id');
    expectRefusal(await app.anonymous.delete(`/api/products/${UNKNOWN_ID}`), 401, 'unauthorized');
    const session = await app.given.portalSession((await app.given.customer()).id);
    expectRefusal(await app.withSession(session).delete(`/api/products/${UNKNOWN_ID}`), 403, 'forbidden');
    expectRefusal(await app.api.delete(`/api/products/${UNKNOWN_ID}`), 404, 'not_found');
  });
});
