import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApp, type TestApp } from '../../support/app.ts';
import { expectRefusal, UNKNOWN_ID } from '../../support/refusals.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

type Row = { id: string };
const ids = (rows: Row[]) => rows.map(({ id }) => id);

describe('listPlans', () => {
  test('200 in pages, newest first, with prices and product names', async () => {
    const { id: productId } = await app.given.product({ name: 'Paged' });
    const made: string[] = [];
    for (let i = 0; i < 3; i++) made.unshift((await app.given.plan({ productId, name: `P${i}` })).id);
    const first = await app.api.get(`/api/billing/plans?productId=${productId}&limit=2`);
    expect(ids(first.body)).toEqual(made.slice(0, 2));
    expect(first.body[0]).toEqual((await app.api.get(`/api/billing/plans/${made[0]}`)).body);
    expect(first.body[0].productName).toBe('Paged');
    const second = await app.api.get(/<([^>]+)>/.exec(first.headers.link!)![1]!);
    expect(ids(second.body)).toEqual(made.slice(2));
    expect(second.headers.link).toBeUndefined();
  });

  test('200 filtered by product and active together, the present version of each once', async () => {
    const { id: productId } = await app.given.product();
    const sold = await app.given.plan({ productId });
    const stopped = await app.given.plan({ productId, active: false });
    await app.api.put(`/api/billing/plans/${sold.id}`, { basePrice: '1.00' });
    const list = async (query: string) => (await app.api.get(`/api/billing/plans?productId=${productId}${query}`)).body;
    expect(ids(await list(''))).toEqual([stopped.id, sold.id]);
    expect(ids(await list('&active=false'))).toEqual([stopped.id]);
    const active = await list('&active=true');
    expect(active).toHaveLength(1);
    expect(active[0]).toMatchObject({ id: sold.id, basePrice: '1.00', planVersion: 2 });
    expect((await app.api.get(`/api/billing/plans?productId=${UNKNOWN_ID}`)).body).toEqual([]);
  });

  test.each([
    ['active=1', 'active'],
    ['productId=x', 'productId'],
    ['limit=0', 'limit'],
    ['cursor=x', 'cursor'],
    ['currency=USD', 'currency'],
  ])('400 validation_error for ?%s', async (query, field) => {
    expectRefusal(await app.api.get(`/api/billing/plans?${query}`), 400, 'validation_error', field);
  });

  test('401 unauthorized and 403 forbidden without the right caller', async () => {
    const session = await app.given.portalSession((await app.given.customer()).id);
    for (const path of ['/api/billing/plans', `/api/billing/plans/${UNKNOWN_ID}`]) {
      expectRefusal(await app.anonymous.get(path), 401, 'unauthorized');
      expectRefusal(await app.withSession(session).get(path), 403, 'forbidden');
    }
  });
});

describe('getPlan', () => {
  test('404 not_found for an unknown plan or version, 400 for malformed ones', async () => {
    const { id } = await app.given.plan();
    const path = `/api/billing/plans/${id}`;
    expectRefusal(await app.api.get(`/api/billing/plans/${UNKNOWN_ID}`), 404, 'not_found');
    expectRefusal(await app.api.get(`${path}?planVersion=2`), 404, 'not_found');
    expectRefusal(await app.api.get(`${path}?planVersion=0`), 400, 'validation_error', 'planVersion');
    expectRefusal(await app.api.get(`${path}?planVersion=x`), 400, 'validation_error', 'planVersion');
    expectRefusal(await app.api.get('/api/billing/plans/x'), 400, 'validation_error', 'id');
  });
});

describe('v1ListPlans, v1GetPlan', () => {
  test('200 all plans for an operator key', async () => {
    const stopped = await app.given.plan({ active: false });
    const { key } = await app.given.apiKey({ access: 'read' });
    expect((await app.withKey(key).get('/api/v1/billing/plans?limit=1')).body).toEqual([stopped]);
    const answer = await app.withKey(key).get(`/api/v1/billing/plans/${stopped.id}`);
    expect(answer.body).toEqual(stopped);
    expect(answer.headers.etag).toBe('"1"');
  });

  test('200 the active plans for a key with a customer, and by id those of its subscriptions', async () => {
    const customer = await app.given.customer();
    const { key } = await app.given.apiKey({ customerId: customer.id });
    const mine = app.withKey(key);
    const { id: productId } = await app.given.product();
    const [sold, own, stopped] = [
      await app.given.plan({ productId }),
      await app.given.plan({ productId }),
      await app.given.plan({ productId }),
    ];
    await app.given.subscription({ customerId: customer.id, planId: own.id });
    await app.given.subscription({ planId: stopped.id });
    for (const { id } of [own, stopped]) await app.api.put(`/api/billing/plans/${id}`, { active: false });
    const list = async (query = '') =>
      ids((await mine.get(`/api/v1/billing/plans?productId=${productId}${query}`)).body);
    expect(await list()).toEqual([sold.id]);
    expect(await list('&active=true')).toEqual([sold.id]);
    expect(await list('&active=false')).toEqual([]);
    expect((await mine.get(`/api/v1/billing/plans/${sold.id}`)).body).toEqual(sold);
    expect((await mine.get(`/api/v1/billing/plans/${own.id}?planVersion=1`)).body.id).toBe(own.id);
    expectRefusal(await mine.get(`/api/v1/billing/plans/${stopped.id}`), 404, 'not_found');
  });

  test('401 without, 401 invalid_api_key with a wrong key', async () => {
    for (const path of ['/api/v1/billing/plans', `/api/v1/billing/plans/${UNKNOWN_ID}`]) {
      expectRefusal(await app.anonymous.get(path), 401, 'unauthorized');
      expectRefusal(await app.withKey('rb_live_x').get(path), 401, 'invalid_api_key');
    }
  });
});
