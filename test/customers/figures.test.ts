import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { healthScore } from '../../src/customers/customer.ts';
import { usageSubscription, use, voidEvent } from '../billing/usage/support.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { statementsOf } from '../support/statements.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

const get = async (id: string) => (await app.api.get(`/api/customers/${id}`)).body;
const health = async (id: string) => (await get(id)).healthScore;
const pay = (invoiceId: string, amount: string) =>
  app.api.post('/api/billing/payments', { invoiceId, amount, paymentMethod: 'check' });

describe('healthScore (rules R9)', () => {
  const nothing = { live: false, troubled: false, ending: false, paid: false, seen: false, overdue: false };
  test.each([
    [50, {}],
    [70, { live: true }],
    [65, { paid: true }],
    [65, { seen: true }],
    [30, { overdue: true }],
    [35, { troubled: true }],
    [40, { ending: true }],
    [100, { live: true, paid: true, seen: true }],
    [5, { overdue: true, troubled: true, ending: true }],
  ])('%d for %j', (score, facts) => {
    expect(healthScore({ ...nothing, ...facts })).toBe(score);
  });

  test('200 follows subscriptions, payments and invoices', async () => {
    const customer = await app.given.customer();
    const plan = await app.given.plan({ billingCycle: 'yearly' });
    expect(await health(customer.id)).toBe(50);
    const over = { customerId: customer.id, planId: plan.id, billingCycle: 'yearly' };
    const subscription = await app.given.subscription(over);
    await app.given.subscription(over);
    expect(await health(customer.id)).toBe(70); // once, however many are active
    const change = (body: unknown) => app.api.put(`/api/billing/subscriptions/${subscription.id}`, body);
    expect((await change({ cancelAtPeriodEnd: true })).status).toBe(200);
    expect(await health(customer.id)).toBe(60);
    await change({ cancelAtPeriodEnd: false });
    const { body: invoices } = await app.api.get(`/api/billing/invoices?customerId=${customer.id}`);
    expect((await pay(invoices[0].id, '49.99')).status).toBe(201);
    expect(await health(customer.id)).toBe(85);
    app.clock.set(invoices[1].dueDate);
    expect(await health(customer.id)).toBe(65); // due is overdue (rules R6)
    await pay(invoices[1].id, '49.99');
    expect(await health(customer.id)).toBe(85);
    app.clock.advance({ days: 90 });
    expect(await health(customer.id)).toBe(85);
    app.clock.advance({ ms: 1 });
    expect(await health(customer.id)).toBe(70); // the payments are older than 90 days
  });

  test('200 more for usage in the last 30 days, voided events aside', async () => {
    const { id, customerId } = await usageSubscription(app);
    const before = await health(customerId);
    const event = await use(app, id, '1');
    expect(await health(customerId)).toBe(before + 15);
    app.clock.advance({ days: 30 });
    expect(await health(customerId)).toBe(before + 15);
    await voidEvent(app, event.id);
    expect(await health(customerId)).toBe(before);
    await use(app, id, '1');
    app.clock.advance({ days: 30, ms: 1 });
    expect(await health(customerId)).toBe(before);
  });

  test('200 of a customer whose subscriptions are all canceled', async () => {
    const customer = await app.given.customer();
    const plan = await app.given.plan({ basePrice: '0' });
    const { id } = await app.given.subscription({ customerId: customer.id, planId: plan.id });
    await app.api.delete(`/api/billing/subscriptions/${id}`);
    expect(await health(customer.id)).toBe(50);
  });
});

describe('credit balances', () => {
  test('200 every currency ever used, by currency, and the one in the currency of the customer', async () => {
    const customer = await app.given.customer();
    for (const [currency, unitPrice, paid] of [
      ['USD', '10.00', '15.50'],
      ['JPY', '1000', '1500'],
      ['EUR', '1.00', '1.01'],
    ]) {
      const lineItems = [{ description: 'Work', quantity: 1, unitPrice }];
      const invoice = await app.given.invoice({ customerId: customer.id, currency, lineItems });
      expect((await pay(invoice.id, paid!)).status).toBe(201);
    }
    const creditBalances = [
      { currency: 'EUR', balance: '0.01' },
      { currency: 'JPY', balance: '500' },
      { currency: 'USD', balance: '5.50' },
    ];
    expect(await get(customer.id)).toMatchObject({ creditBalance: '5.50', creditBalances });
    const shown = async (currency: string | null) =>
      (await app.api.put(`/api/customers/${customer.id}`, { currency })).body.creditBalance;
    expect(await shown('JPY')).toBe('500');
    expect(await shown('KWD')).toBe('0.000');
    expect(await shown(null)).toBe('5.50');
    const { body: list } = await app.api.get(`/api/customers?email=${customer.email}`);
    expect(list[0].creditBalances).toEqual(creditBalances);
  });

  test('200 in the default currency of the settings when the customer has none', async () => {
    const { id } = await app.given.customer();
    await app.api.put('/api/settings/billing', { defaultCurrency: 'JPY' });
    expect((await get(id)).creditBalance).toBe('0');
    const product = await app.given.product({ price: '1500' });
    expect(product.currency).toBe('JPY');
    expect((await app.given.plan({ productId: product.id, basePrice: '1500' })).currency).toBe('JPY');
    await app.api.put('/api/settings/billing', { defaultCurrency: 'USD' });
  });
});

describe('products', () => {
  test('200 of subscriptions that are not canceled, by name, each once', async () => {
    const customer = await app.given.customer();
    const on = async (productId: string) => {
      const plan = await app.given.plan({ productId });
      return app.given.subscription({ customerId: customer.id, planId: plan.id });
    };
    const b = await app.given.product({ name: 'B', productType: 'api' });
    const a = await app.given.product({ name: 'A' });
    const c = await app.given.product({ name: 'C' });
    await on(b.id);
    await on(b.id);
    await on(a.id);
    const gone = await on(c.id);
    await app.api.delete(`/api/billing/subscriptions/${gone.id}`);
    const products = [
      { id: a.id, name: 'A', productType: 'saas' },
      { id: b.id, name: 'B', productType: 'api' },
    ];
    expect((await get(customer.id)).products).toEqual(products);
    const { body: list } = await app.api.get('/api/customers?limit=1');
    expect(list[0]).toMatchObject({ id: customer.id, products, version: 1 });
  });
});

test('200 a longer page takes no more statements', async () => {
  for (let i = 0; i < 10; i++) await app.given.customer();
  const list = (limit: number) => statementsOf(app, () => app.api.get(`/api/customers?limit=${limit}`));
  const [two, ten] = [await list(2), await list(10)];
  expect(two).toBeGreaterThan(2);
  expect(ten).toBe(two);
});
