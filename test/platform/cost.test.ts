import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Entity } from '../billing/support.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { dialect } from '../support/database.ts';
import { planOf, visitedRows } from '../support/plans.ts';
import { creditNoteOf, paymentOf, usageOf, usageSubscription } from '../support/valid-requests.ts';
import { type Seen, type Watch, watchedHandlers, watchStatements } from '../support/views.ts';

/** What an answer costs does not grow with rows that are not its own: others have thousands of everything here. */
const OTHERS = 4000;
/** Rows that a statement about one product or customer may visit; each has less than ten of anything. */
const MANY = 200;

let app: TestApp;
let own: Entity;
let stop: () => void;
let watch: Watch | undefined;
beforeAll(async () => {
  stop = watchStatements();
  const watching = () => {
    const taken = watch;
    watch = undefined;
    return taken;
  };
  app = await startApp({ app: { handlers: watchedHandlers(watching) } });
  await multiply(await everything());
  own = await everything();
  if (dialect === 'postgres') await app.database.write.raw('analyze');
});
afterAll(async () => {
  stop();
  await app.close();
});

/** A product and a customer with one of everything. */
async function everything(): Promise<Entity> {
  const usageId = await usageSubscription(app);
  await app.api.post('/api/billing/usage', usageOf(usageId));
  const { customerId, planId } = (await app.api.get(`/api/billing/subscriptions/${usageId}`)).body;
  const { productId } = (await app.api.get(`/api/billing/plans/${planId}`)).body;
  const couponCode = (await app.given.coupon()).code;
  const flat = await app.given.plan({ productId });
  const { id: subscriptionId } = await app.given.subscription({ customerId, planId: flat.id, couponCode });
  const [{ id: invoiceId }] = (await app.api.get(`/api/billing/invoices?subscriptionId=${subscriptionId}`)).body;
  const { id: paymentId } = (await app.api.post('/api/billing/payments', paymentOf(invoiceId))).body;
  await app.api.post('/api/billing/credit-notes', creditNoteOf(invoiceId));
  await app.api.post('/api/billing/credits', { customerId, amount: '5.00', description: 'Goodwill' });
  const { licenseKey, id: licenseId } = await app.given.license({ customerId, productId });
  await app.anonymous.post('/api/licenses/validate', { licenseKey, deviceId: 'laptop' });
  await app.drain();
  const [{ id: couponId }] = (await app.api.get('/api/billing/coupons?limit=1')).body;
  return {
    ...{ productId, customerId, planId, usageId, subscriptionId, invoiceId, paymentId, flatId: flat.id },
    couponId,
    licenseKey,
    licenseId,
  };
}

/** Writes thousands of rows like those of one customer, past the rules: only how many there are, and of whom, matters. */
async function multiply(one: Entity): Promise<void> {
  const db = app.database.write;
  const now = app.clock.now();
  const newIds = (count: number): string[] => Array.from({ length: count }, () => app.runtime.newIdAt(now));
  const copies = async (table: string, where: object, count: number, change: (n: number) => object) => {
    const row = await db(table).where(where).first();
    const ids = newIds(count);
    for (let n = 0; n < count; n += 100)
      await db(table).insert(ids.slice(n, n + 100).map((id, i) => ({ ...row, id, ...change(n + i) })));
    return ids;
  };
  const products = await copies('products', { id: one.productId }, 40, () => ({}));
  const product_id = (n: number) => products[n % 40]!;
  const plans = await copies('plans', { id: one.flatId }, 40, (n) => ({ product_id: product_id(n) }));
  const versions = await copies('plan_versions', { plan_id: one.flatId }, 40, (n) => ({ plan_id: plans[n] }));
  const customers = await copies('customers', { id: one.customerId }, 400, (n) => ({
    ...{ email: `${n}@others.example`, email_key: `${n}@others.example` },
  }));
  const customer_id = (n: number) => customers[n % 400]!;
  const subs = await copies('subscriptions', { id: one.subscriptionId }, OTHERS, (n) => ({
    ...{ customer_id: customer_id(n), plan_id: plans[n % 40], plan_version_id: versions[n % 40] },
  }));
  const licenses = await copies('licenses', { id: one.licenseId }, OTHERS, (n) => ({
    ...{ customer_id: customer_id(n), product_id: product_id(n), license_key: `OTHER-${n}` },
  }));
  await copies('license_activations', { license_id: one.licenseId }, OTHERS, (n) => ({ license_id: licenses[n] }));
  await copies('usage_events', { subscription_id: one.usageId }, OTHERS, (n) => ({ subscription_id: subs[n] }));
  await copies('mrr_movements', { subscription_id: one.subscriptionId }, OTHERS, (n) => ({
    ...{ subscription_id: subs[n], customer_id: customer_id(n), product_id: product_id(n), subscription_mrr: 0 },
  }));
  const invoices = await copies('invoices', { id: one.invoiceId }, OTHERS, (n) => ({
    ...{ customer_id: customer_id(n), subscription_id: subs[n], invoice_number: `O-${n}` },
    due_date: '2020-01-01T00:00:00.000Z',
  }));
  await copies('payments', { id: one.paymentId }, OTHERS, (n) => ({
    ...{ customer_id: customer_id(n), invoice_id: invoices[n] },
  }));
  const facts = newIds(OTHERS);
  const entries = await copies('journal_entries', { invoice_id: one.invoiceId }, OTHERS, (n) => ({
    ...{ invoice_id: invoices[n], customer_id: customer_id(n), fact_id: facts[n] },
  }));
  const [line] = await db('journal_lines').where({ account: 'revenue' }).whereNotNull('product_id').limit(1);
  for (let n = 0; n < OTHERS; n += 100)
    await db('journal_lines').insert(
      entries.slice(n, n + 100).map((id, i) => ({ ...line, entry_id: id, line_no: 1, product_id: product_id(n + i) })),
    );
}

async function statementsOf(path: string): Promise<Seen[]> {
  const seen: Seen[] = [];
  watch = { seen, between: async () => {} };
  const { status, text } = await app.api.get(path);
  if (status !== 200) throw new Error(text);
  return seen;
}

const PATHS: [string, (ids: Entity) => string][] = [
  ['a product', ({ productId }) => `/api/products/${productId}`],
  ['a list of products', () => '/api/products?limit=1'],
  ['a customer', ({ customerId }) => `/api/customers/${customerId}`],
  ['a list of customers', () => '/api/customers?limit=1'],
  ['a plan', ({ planId }) => `/api/billing/plans/${planId}`],
  ['a list of plans', ({ productId }) => `/api/billing/plans?productId=${productId}`],
  ['a coupon', ({ couponId }) => `/api/billing/coupons/${couponId}`],
  ['a list of coupons', () => '/api/billing/coupons?limit=1'],
  ['a subscription', ({ subscriptionId }) => `/api/billing/subscriptions/${subscriptionId}`],
  ['a list of subscriptions', ({ customerId }) => `/api/billing/subscriptions?customerId=${customerId}`],
  ['the upcoming invoice', ({ subscriptionId }) => `/api/billing/subscriptions/${subscriptionId}/upcoming-invoice`],
  ['an invoice', ({ invoiceId }) => `/api/billing/invoices/${invoiceId}`],
  ['a list of invoices', ({ customerId }) => `/api/billing/invoices?customerId=${customerId}`],
  ['an explanation', ({ invoiceId }) => `/api/billing/invoices/${invoiceId}/explain`],
  ['a PDF', ({ invoiceId }) => `/api/billing/invoices/${invoiceId}/pdf`],
  ['a list of payments', ({ customerId }) => `/api/billing/payments?customerId=${customerId}`],
  ['a list of credit notes', ({ customerId }) => `/api/billing/credit-notes?customerId=${customerId}`],
  ['a list of credits', ({ customerId }) => `/api/billing/credits?customerId=${customerId}`],
  ['usage', ({ usageId }) => `/api/billing/usage?subscriptionId=${usageId}`],
  ['a summary of usage', ({ usageId }) => `/api/billing/usage/${usageId}/summary`],
  ['a licence', ({ licenseKey }) => `/api/licenses/${licenseKey}`],
  ['a list of licences', ({ customerId }) => `/api/licenses?customerId=${customerId}`],
  ['the devices of a licence', ({ licenseKey }) => `/api/licenses/${licenseKey}/activations`],
  [
    'coverage of a customer',
    ({ customerId }) => `/api/billing/coverage?from=2026-01-01&to=2026-12-31&customerId=${customerId}`,
  ],
];

describe('visits no rows of others', () => {
  test.each(PATHS)('%s', async (_, pathOf) => {
    const seen = await statementsOf(pathOf(own));
    expect(seen.length).toBeGreaterThan(0);
    for (const statement of seen)
      if (dialect === 'postgres') {
        const { rows, plan } = await visitedRows(app.database.write, statement);
        if (rows > MANY) throw new Error(`${rows} rows: ${statement.sql}\n${plan}`);
      } else expect([statement.sql, await wide(statement)]).toEqual([statement.sql, []]);
  });

  test('and would be seen to', async () => {
    const all = { sql: 'select count(*) from license_activations', bindings: [], view: '' };
    if (dialect === 'postgres') expect((await visitedRows(app.database.write, all)).rows).toBeGreaterThan(OTHERS);
    else expect(await wide(all)).toEqual(['SCAN license_activations USING COVERING INDEX license_activations_of']);
  });
});

/** Tables whose rows do not become many. */
const SMALL = /^(settings|signing_keys|tax_rules|schema_migrations|r|j)\b/;
/** Columns that thousands of rows share. */
const SHARED = /^(status|state|account|currency|type|kind)\b/;

/** Steps of SQLite's plan that are not led by an owner: whole tables, and ranges of everybody's rows. */
async function wide(statement: Seen): Promise<string[]> {
  if (/limit \d+$/.test(statement.sql)) return []; // a page of a list, in its order
  const steps = await planOf(app.database.read, statement);
  const made = steps.flatMap((step) => /^(?:CO-ROUTINE|MATERIALIZE) (\w+)/.exec(step)?.[1] ?? []);
  return steps.filter((step) => {
    const [, led] = /^SEARCH .*\((\w+[=<>][^)]*)\)/.exec(step) ?? [];
    if (led) return !led.split(' AND ').some((column) => /^\w+=/.test(column) && !SHARED.test(column));
    const [, scanned] = /^SCAN (\w+)/.exec(step) ?? [];
    if (scanned === undefined || made.includes(scanned) || SMALL.test(scanned)) return false;
    return !/ CONSTANT ROW|events_unpositioned$/.test(step); // those without a position are the last second's
  });
}
