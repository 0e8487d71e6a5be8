import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { CHECKS, checkInvariants, type Violation } from '../../../src/billing/audit/invariants.ts';
import { runAudit } from '../../../src/cli/audit.ts';
import { addMilliseconds } from '../../../src/platform/calendar.ts';
import { execute } from '../../../src/platform/db/sql.ts';
import { startApp, type TestApp } from '../../support/app.ts';
import { loosen, undone } from '../../support/loosen.ts';
import { COLUMN_CORRUPTIONS } from './columns/corruptions.ts';
import { CORRUPTIONS } from './corruptions.ts';

let app: TestApp;
const reported = new Set<string>();
const key = ({ invariant, detail }: { invariant: string; detail: string }) => `${invariant} ${detail}`;

beforeAll(async () => {
  app = await startApp({ now: '2026-01-31T10:00:00.000Z' });
  await tellStory(app);
  await loosen(app);
  await execute(app.database.write, PARKED_ONCE);
}, 120_000);
afterAll(() => app.close());

const PARKED_ONCE = `insert into parked_items (id, subscription_id, customer_id, code, message, evidence, attempts, parked_at,
    resolved_at, created_at)
  select 'parked', min(id), min(customer_id), 'internal_error', 'm', '{}', 1, min(created_at), min(created_at), min(created_at)
  from subscriptions`;

/** One of everything that the checks look at. */
async function tellStory({ given, api, clock, cron, drain }: TestApp): Promise<void> {
  await given.taxRule({ country: 'US', region: 'CA', rate: '0.0725' });
  const raised = await given.taxRule({ country: 'DE', rate: '0.19' });
  await api.put(`/api/billing/tax-rules/${raised.id}`, { rate: '0.21', effectiveFrom: '2026-06-01' });
  const customer = await given.customer({ billingCountry: 'US', billingState: 'CA' });
  const plan = await given.plan();
  const metric = { name: 'calls', aggregation: 'sum', uniqueProperty: null };
  const usage = await given.plan({
    pricingModel: 'usage_based',
    basePrice: '0',
    unitPrice: '0.10',
    usageMetric: metric,
  });
  const sub = (over: object = {}) => given.subscription({ customerId: customer.id, planId: plan.id, ...over });
  const [paying, pausing, ending, unpaid] = [await sub(), await sub(), await sub(), await sub()];
  await sub({ planId: usage.id });
  const [used, left] = [await sub({ planId: usage.id }), await sub({ planId: usage.id })];
  const use = async (subscriptionId: string, more: object = {}) =>
    (await api.post('/api/billing/usage', { subscriptionId, metricName: 'calls', value: '12.5', ...more })).body.id;
  const [counted] = [await use(used.id), await use(used.id), await use(left.id)];
  await sub({ trialDays: 60 });
  await sub({ couponCode: (await given.coupon({ duration: 'forever' })).code });
  const put = (id: string, body: object) => api.put(`/api/billing/subscriptions/${id}`, body);
  const invoicesOf = async (id: string) => (await api.get(`/api/billing/invoices?subscriptionId=${id}`)).body;
  const pay = async (id: string, amount: string) => {
    const [invoice] = await invoicesOf(id);
    return api.post('/api/billing/payments', { invoiceId: invoice.id, amount, paymentMethod: 'bank_transfer' });
  };
  await pay(paying.id, '90.00');
  await pay(pausing.id, '53.61');
  await given.invoice({ customerId: customer.id, status: 'draft' });
  const manual = await given.invoice({ customerId: customer.id });
  await api.put(`/api/billing/invoices/${manual.id}`, { status: 'void' });
  clock.set('2026-02-22T10:00:00.000Z');
  await cron.post('/api/billing/cron/run');
  await pay(ending.id, '10.00');
  await put(ending.id, { cancelAtPeriodEnd: true });
  await put(pausing.id, { status: 'paused' });
  clock.set('2026-03-02T10:00:00.000Z');
  await cron.post('/api/billing/cron/run');
  await use(used.id, { timestamp: '2026-02-01T00:00:00Z' });
  await api.post(`/api/billing/usage/${counted}/void`);
  await api.delete(`/api/billing/subscriptions/${left.id}`);
  const [waived] = await invoicesOf(unpaid.id);
  await api.put(`/api/billing/invoices/${waived.id}`, { status: 'void' });
  const shortly = await sub();
  await put(shortly.id, { status: 'paused' });
  clock.set('2026-03-10T10:00:00.000Z');
  await put(pausing.id, { status: 'active' });
  await cron.post('/api/billing/cron/run');
  await giveBack(customer.id);
  await changeAfterRefund(await given.subscription({ planId: plan.id }));
  await license(customer.id);
  await drain();
}

/** Licences in every state, one of them signed by a key that is retired by now. */
async function license(customerId: string): Promise<void> {
  const { api, anonymous, given } = app;
  await api.post('/api/licenses/keypair');
  const product = await given.product();
  const make = async (over: object) => (await given.license({ customerId, productId: product.id, ...over })).licenseKey;
  const signed = await make({ features: { pro: true }, maxActivations: 2, expiresAt: '2030-01-01T00:00:00Z' });
  await api.post(`/api/licenses/${signed}/sign`);
  await api.post('/api/licenses/keypair');
  const used = await make({ maxActivations: 2 });
  for (const deviceId of ['a', 'b']) await anonymous.post('/api/licenses/validate', { licenseKey: used, deviceId });
  for (const status of ['suspended', 'revoked']) await api.put(`/api/licenses/${await make({})}`, { status });
  await api.put(`/api/licenses/${await make({})}`, { expiresAt: '2026-01-01T00:00:00Z' });
}

/** Credit, credit notes and refunds of every kind, on an invoice of their own. */
async function giveBack(customerId: string): Promise<void> {
  const post = async (path: string, body: object) => (await app.api.post(`/api/billing/${path}`, body)).body;
  await post('credits', { customerId, amount: '10.00', description: 'Goodwill' });
  const invoice = await app.given.invoice({ customerId });
  await post('credits', { customerId, amount: '30.00', description: 'Goodwill' });
  const note = { invoiceId: invoice.id, amount: '9.99', reason: 'An outage' };
  await post('credit-notes', { ...note, status: 'draft' });
  const { id } = await post('credit-notes', note);
  await app.api.put(`/api/billing/credit-notes/${id}`, { status: 'void' });
  const payment = { invoiceId: invoice.id, amount: '200.00', paymentMethod: 'check' };
  const { id: paymentId } = await post('payments', payment);
  await post('credit-notes', note);
  await post('refunds', { paymentId, amount: '120.00', reason: 'Too much' });
  await post('refunds', { paymentId, amount: '20.00', reason: 'Too much', destination: 'credit' });
}

/** A period paid in full, partly refunded, then sold at other terms and partly credited again. */
async function changeAfterRefund({ id }: { id: string }): Promise<void> {
  const { api, clock } = app;
  const [invoice] = (await api.get(`/api/billing/invoices?subscriptionId=${id}`)).body;
  const payment = { invoiceId: invoice.id, amount: invoice.amountDue, paymentMethod: 'check' };
  const { id: paymentId } = (await api.post('/api/billing/payments', payment)).body;
  await api.post('/api/billing/refunds', { paymentId, amount: '20.00', reason: 'An outage' });
  clock.advance({ days: 10 });
  await api.put(`/api/billing/subscriptions/${id}`, { quantity: 3 });
  await api.post('/api/billing/credit-notes', { invoiceId: invoice.id, amount: '10.00', reason: 'Another outage' });
}

/** What the checker says about the database after these statements, which are then undone. */
const violationsAfter = (sql: string[]): Promise<Violation[]> =>
  undone(app, async (db) => {
    for (const statement of sql) expect(await execute(db, statement)).toBeGreaterThan(0);
    return checkInvariants(db, addMilliseconds(app.clock.now(), 2 * 60_000));
  });

test('a true story breaks nothing', async () => {
  expect(await checkInvariants(app.database.read, app.clock.now())).toEqual([]);
  const sold = await app.database.read('subscriptions').distinct('status').orderBy('status');
  expect(sold.map(({ status }) => status)).toEqual(['active', 'canceled', 'past_due', 'paused', 'trialing']);
});

describe('is reported', () => {
  test.each(CORRUPTIONS)('$name', async ({ sql, breaks, names }) => {
    const found = await violationsAfter(sql);
    for (const violation of found) reported.add(key(violation));
    expect([...new Set(found.map(({ invariant }) => invariant))].sort()).toEqual([...breaks].sort());
    expect(found.every(({ ids }) => ids.length > 0 && ids.length <= 20)).toBe(true);
    if (names)
      expect(found.flatMap(({ ids }) => ids)).toEqual(expect.arrayContaining([expect.stringContaining(names)]));
  });

  test.each(COLUMN_CORRUPTIONS)('$name', async ({ sql, breaks }) => {
    const found = await violationsAfter(sql);
    for (const violation of found) reported.add(key(violation));
    const names = [...new Set(found.map(({ invariant }) => invariant))].sort();
    expect(names).toEqual([...breaks].sort());
  });

  test('by every check at least once', () => {
    expect(CHECKS.map(key).filter((name) => !reported.has(name))).toEqual([]);
  });
});

describe('the audit command', () => {
  test('says in one line that all checks hold', async () => {
    expect(await runAudit(app.runtime)).toEqual({ ok: true, text: `All ${CHECKS.length} checks hold.\n` });
  });

  test('names the offending ids, at most 20 of them', async () => {
    await execute(app.database.write, `update events set type = 'x.y'`);
    const { ok, text } = await runAudit(app.runtime);
    expect(ok).toBe(false);
    const [issued] = await app.database.read('invoices').whereNotNull('issued_at').orderBy('id').limit(1);
    expect(text).toContain(`INV16  invoice.issued does not stand exactly once for each such fact\n`);
    expect(text).toContain(`    ${issued.id}\n`);
  });
});
