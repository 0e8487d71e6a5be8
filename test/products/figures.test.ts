import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { churnByProduct } from '../../src/billing/mrr/figures.ts';
import { percent } from '../../src/reports/product-figures.ts';
import { usageSubscription, use, voidEvent } from '../billing/usage/support.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { statementsOf } from '../support/statements.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

const get = async (id: string) => (await app.api.get(`/api/products/${id}`)).body;
const cancel = (id: string) => app.api.delete(`/api/billing/subscriptions/${id}`);

describe('monthlyRevenue (rules R8)', () => {
  test('200 net of tax and of voided invoices, in the currency of the product only', async () => {
    const product = await app.given.product();
    const other = await app.given.product();
    await app.given.taxRule({ country: 'US', region: 'CA' });
    const customer = await app.given.customer({ billingCountry: 'US', billingState: 'CA' });
    const on = async (over: Record<string, unknown>) => {
      const plan = await app.given.plan({ productId: product.id, ...over });
      return app.given.subscription({ customerId: customer.id, planId: plan.id });
    };
    await on({ basePrice: '100.00' });
    await on({ basePrice: '20.50' });
    await on({ basePrice: '7.00', currency: 'EUR' });
    const voided = await on({ basePrice: '1000.00' });
    const { body: invoices } = await app.api.get(`/api/billing/invoices?subscriptionId=${voided.id}`);
    expect(invoices).toHaveLength(1);
    await app.api.put(`/api/billing/invoices/${invoices[0].id}`, { status: 'void' });
    expect((await get(product.id)).monthlyRevenue).toBe('120.50');
    const { body: list } = await app.api.get('/api/products?limit=2');
    expect(list.map((row: { monthlyRevenue: string }) => row.monthlyRevenue)).toEqual(['0.00', '120.50']);
    expect((await get(other.id)).monthlyRevenue).toBe('0.00');
  });

  test('200 counts the last 30 days to the millisecond', async () => {
    const product = await app.given.product();
    const plan = await app.given.plan({ productId: product.id, basePrice: '10.00', billingCycle: 'yearly' });
    await app.given.subscription({ planId: plan.id, billingCycle: 'yearly' });
    expect((await get(product.id)).monthlyRevenue).toBe('10.00');
    app.clock.advance({ days: 30 });
    expect((await get(product.id)).monthlyRevenue).toBe('10.00');
    app.clock.advance({ ms: 1 });
    expect((await get(product.id)).monthlyRevenue).toBe('0.00');
  });
});

describe('churnRate (rules R8)', () => {
  test('200 of the subscriptions with MRR thirty days ago, those without any now', async () => {
    const product = await app.given.product();
    const plan = await app.given.plan({ productId: product.id, billingCycle: 'yearly' });
    const free = await app.given.plan({ productId: product.id, billingCycle: 'yearly', basePrice: '0' });
    const on = (planId: string) => app.given.subscription({ planId, billingCycle: 'yearly' });
    const [first, second, third] = [await on(plan.id), await on(plan.id), await on(plan.id)];
    const unpaid = await on(free.id);
    await cancel(third.id);
    await on(plan.id);
    expect((await get(product.id)).churnRate).toBe('0.00'); // nobody had MRR thirty days ago
    app.clock.advance({ days: 30 });
    expect((await get(product.id)).churnRate).toBe('0.00'); // "thirty days ago" is before that instant
    app.clock.advance({ ms: 1 });
    await cancel(unpaid.id);
    const young = await on(plan.id);
    await cancel(young.id);
    expect((await get(product.id)).churnRate).toBe('0.00');
    await cancel(first.id);
    expect((await get(product.id)).churnRate).toBe('33.33'); // of first, second and the one made last
    await cancel(second.id);
    expect((await get(product.id)).churnRate).toBe('66.67');
    app.clock.advance({ days: 31 });
    expect((await get(product.id)).churnRate).toBe('0.00'); // they were gone already thirty days ago
  });

  test('a subscription counts for the product it had, wherever it moved since', async () => {
    const [a, b] = [await app.given.product(), await app.given.product()];
    const plan = await app.given.plan({ productId: a.id, basePrice: '10.00' });
    const subscription = await app.given.subscription({ planId: plan.id });
    app.clock.advance({ days: 1 });
    const moved = {
      id: '01ZZZZZZZZZZZZZZZZZZZZZZZZ',
      subscription_id: subscription.id,
      customer_id: subscription.customerId,
      product_id: b.id,
      currency: 'USD',
      at: app.clock.now(),
      kind: 'expansion',
      delta: 500,
      subscription_mrr: 1500,
      customer_mrr: 1500,
      cause: 'test',
      created_at: app.clock.now(),
    };
    await app.database.write('mrr_movements').insert(moved);
    const before = await churnByProduct(app.database.read, [a.id, b.id], app.clock.now());
    expect([...before]).toEqual([[a.id, { base: 1, lost: 0 }]]);
    app.clock.advance({ ms: 1 });
    const after = await churnByProduct(app.database.read, [a.id, b.id], app.clock.now());
    expect([...after]).toEqual([[b.id, { base: 1, lost: 0 }]]);
  });

  test.each([
    [0, 0, '0.00'],
    [0, 3, '0.00'],
    [1, 3, '33.33'],
    [2, 3, '66.67'],
    [3, 3, '100.00'],
    [1, 8, '12.50'],
    [1, 20_000, '0.01'],
    [1, 20_001, '0.00'],
  ])('percent of %d of %d is %s', (part, whole, shown) => {
    expect(percent(part, whole)).toBe(shown);
  });
});

describe('activeUsers (rules R8)', () => {
  test('200 different users of usage events, or subscriptions without one, in 30 days and in one', async () => {
    const product = await app.given.product();
    const plan = { productId: product.id };
    const [a, b] = [await usageSubscription(app, plan), await usageSubscription(app, plan)];
    const users = async () => {
      const { activeUsers, dailyActiveUsers } = await get(product.id);
      return [activeUsers, dailyActiveUsers];
    };
    expect(await users()).toEqual([0, 0]);
    await use(app, a.id, '1', { properties: { userId: 'ada' } });
    await use(app, a.id, '1', { properties: { userId: 'grace' } });
    await use(app, b.id, '1', { properties: { userId: 'ada' } });
    await use(app, b.id, '1');
    await use(app, b.id, '1');
    const gone = await use(app, a.id, '1', { properties: { userId: 'nobody' } });
    expect(await users()).toEqual([4, 4]);
    await voidEvent(app, gone.id);
    expect(await users()).toEqual([3, 3]);
    app.clock.advance({ days: 1, ms: 1 });
    expect(await users()).toEqual([3, 0]);
    await use(app, b.id, '1');
    expect(await users()).toEqual([3, 1]);
    app.clock.advance({ days: 29 });
    expect(await users()).toEqual([1, 0]);
    expect((await get((await app.given.product()).id)).activeUsers).toBe(0);
  });
});

test('200 a longer page takes no more statements', async () => {
  for (let i = 0; i < 10; i++) await app.given.product();
  const list = (limit: number) => statementsOf(app, () => app.api.get(`/api/products?limit=${limit}`));
  const [two, ten] = [await list(2), await list(10)];
  expect(two).toBeGreaterThan(2);
  expect(ten).toBe(two);
});
