import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from '@jest/globals';
import { closeApps, type Entity, invoicesOf, runAt, startAt } from '../billing/support.ts';
import { usageSubscription } from '../billing/usage/support.ts';
import type { Answer, Api, TestApp } from '../support/app.ts';

afterEach(closeApps);

const read = (file: string): string => readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8');
const SUBS = '/api/v1/billing/subscriptions';
const USAGE = '/api/v1/billing/usage';

/** A server with a customer, and a key that is narrowed to it. */
async function own(now = '2026-03-01T10:00:00.000Z'): Promise<{ app: TestApp; key: Api; customerId: string }> {
  const app = await startAt(now);
  const { id: customerId } = await app.given.customer();
  return { app, key: await keyFor(app, customerId), customerId };
}

const keyFor = async (app: TestApp, customerId: string): Promise<Api> =>
  app.withKey((await app.given.apiKey({ customerId, access: 'write' })).key);

const answered = ({ status, body }: Answer) => [status, body?.error ?? body?.status ?? null];

test('every write that is open to a scoped caller stands in the table of contract 1.11, and nothing else', () => {
  const { paths } = JSON.parse(read('generated/openapi.json'));
  const open = Object.values(paths as Record<string, Record<string, Entity>>)
    .flatMap((path) => Object.entries(path))
    .filter(([method, { 'x-auth': auth = 'admin' }]) => method !== 'get' && /^(none|session|key \w own)$/.test(auth))
    .map(([, { operationId }]) => operationId);
  const section = /\*\*What a scoped caller may do\.\*\*([\s\S]*?)\n## /.exec(read('docs/contract.md'))![1]!;
  const rows = section.split('\n').filter((line) => line.startsWith('| `'));
  const named = rows.flatMap((row) => [...row.split('|')[1]!.matchAll(/`(\w+)`/g)].map(([, id]) => id));
  expect(named.sort()).toEqual(open.sort());
});

describe('v1UpdateCustomer', () => {
  test.each([
    ['email', 'other@acme.example'],
    ['tier', 'enterprise'],
    ['metadata', { discount: 'all' }],
    ['stripeCustomerId', 'cus_1'],
  ])('403 %s', async (member, value) => {
    const { key, customerId } = await own();
    const answer = await key.put(`/api/v1/customers/${customerId}`, { [member]: value });
    expect(answered(answer)).toEqual([403, 'forbidden']);
  });
});

describe('v1CreateSubscription', () => {
  test.each([
    ['trialDays', 30],
    ['trialDays', 0],
    ['preRenewalInvoiceDays', 0],
  ])('403 %s', async (member, value) => {
    const { app, key, customerId } = await own();
    const { id: planId } = await app.given.plan();
    const answer = await key.post(SUBS, { customerId, planId, billingCycle: 'monthly', [member]: value });
    expect(answered(answer)).toEqual([403, 'forbidden']);
  });

  test('one trial of each product: by cancel and create, on another plan, after another caller gave it', async () => {
    const { app, key, customerId } = await own();
    const { id: productId } = await app.given.product();
    const plan = async (over = {}) => (await app.given.plan({ productId, trialDays: 14, ...over })).id;
    const [planId, other] = [await plan(), await plan({ name: 'Other' })];
    const create = (of: string) => key.post(SUBS, { customerId, planId: of, billingCycle: 'monthly' });
    const first = await create(planId);
    expect(answered(first)).toEqual([201, 'trialing']);
    await key.delete(`${SUBS}/${first.body.id}`);
    expect(answered(await create(planId))).toEqual([201, 'active']);
    expect(answered(await create(other))).toEqual([201, 'active']);
    const elsewhere = (await app.given.plan({ trialDays: 14 })).id;
    expect(answered(await create(elsewhere))).toEqual([201, 'trialing']);
    const given = await app.given.subscription({ customerId, planId });
    expect(given.status).toBe('trialing'); // the operator gives as many as it likes
    const reused = await app.given.customer();
    await app.given.subscription({ customerId: reused.id, planId });
    const body = { customerId: reused.id, planId, billingCycle: 'monthly' };
    expect(answered(await (await keyFor(app, reused.id)).post(SUBS, body))).toEqual([201, 'active']);
  });

  test('of two creations at once one gets the trial', async () => {
    const { app, key, customerId } = await own();
    const { id: planId } = await app.given.plan({ trialDays: 14 });
    const create = () => key.post(SUBS, { customerId, planId, billingCycle: 'monthly' });
    const answers = await Promise.all([create(), create(), create(), create()]);
    expect(answers.map(({ body }) => body.status).sort()).toEqual(['active', 'active', 'active', 'trialing']);
  });

  test('409 a coupon the customer had before, on any subscription', async () => {
    const { app, key, customerId } = await own();
    const { id: planId } = await app.given.plan();
    const { code: couponCode } = await app.given.coupon({ discountValue: '100', duration: 'once' });
    const create = (of: Api, path: string) =>
      of.post(path, { customerId, planId, billingCycle: 'monthly', couponCode });
    const first = await create(key, SUBS);
    expect(first.status).toBe(201);
    await key.delete(`${SUBS}/${first.body.id}`);
    expect(answered(await create(key, SUBS))).toEqual([409, 'already_exists']);
    expect((await create(app.api, '/api/billing/subscriptions')).status).toBe(201);
    const { id } = await app.given.subscription({ customerId });
    expect(answered(await key.post(`${SUBS}/${id}/discounts`, { couponCode }))).toEqual([409, 'already_exists']);
  });
});

describe('v1UpdateSubscription', () => {
  test.each([
    ['preRenewalInvoiceDays', 0],
    ['metadata', { price: 'special' }],
  ])('403 %s', async (member, value) => {
    const { app, key, customerId } = await own();
    const { id } = await app.given.subscription({ customerId });
    expect(answered(await key.put(`${SUBS}/${id}`, { [member]: value }))).toEqual([403, 'forbidden']);
  });

  test('a pause is lifted by whoever set it, and by the operator', async () => {
    const { app, key, customerId } = await own();
    const { id } = await app.given.subscription({ customerId });
    const byKey = (status: string) => key.put(`${SUBS}/${id}`, { status });
    const byOperator = (status: string) => app.api.put(`/api/billing/subscriptions/${id}`, { status });
    expect(answered(await byKey('paused'))).toEqual([200, 'paused']);
    expect(answered(await byKey('active'))).toEqual([200, 'active']);
    expect(answered(await byOperator('paused'))).toEqual([200, 'paused']);
    expect(answered(await byKey('active'))).toEqual([403, 'forbidden']);
    expect(answered(await byKey('paused'))).toEqual([200, 'paused']);
    expect(answered(await byKey('active'))).toEqual([403, 'forbidden']);
    expect(answered(await byOperator('active'))).toEqual([200, 'active']);
    await byKey('paused');
    await byOperator('paused'); // the operator wants it as well
    expect(answered(await byKey('active'))).toEqual([403, 'forbidden']);
    expect(answered(await byKey('canceled'))).toEqual([200, 'canceled']);
  });

  test('an end is taken back by whoever set it, and by the operator', async () => {
    const { app, key, customerId } = await own();
    const { id } = await app.given.subscription({ customerId });
    const body = (cancelAtPeriodEnd: boolean) => ({ cancelAtPeriodEnd });
    const byKey = async (value: boolean) => (await key.put(`${SUBS}/${id}`, body(value))).status;
    const byOperator = async (value: boolean) =>
      (await app.api.put(`/api/billing/subscriptions/${id}`, body(value))).status;
    expect([await byKey(true), await byKey(false)]).toEqual([200, 200]);
    expect([await byOperator(true), await byKey(false), await byKey(true), await byKey(false)]).toEqual([
      ...[200, 403, 200, 403],
    ]);
    expect([await byOperator(false), await byKey(true), await byOperator(true), await byKey(false)]).toEqual([
      ...[200, 200, 200, 403],
    ]);
  });

  test('403 a pause from before anybody noted who set it', async () => {
    const { app, key, customerId } = await own();
    const { id } = await app.given.subscription({ customerId });
    await key.put(`${SUBS}/${id}`, { status: 'paused' });
    await app.database.transaction((db) => db('subscriptions').where({ id }).update({ paused_by: null }));
    expect(answered(await key.put(`${SUBS}/${id}`, { status: 'active' }))).toEqual([403, 'forbidden']);
  });
});

describe('v1ChangeSubscriptionPlan', () => {
  test('403 prorate false; 409 a trial taken to a product of which the customer had one, previewed alike', async () => {
    const { app, key, customerId } = await own();
    const [a, b] = [await app.given.plan({ trialDays: 14 }), await app.given.plan({ trialDays: 14 })];
    const create = async (planId: string) =>
      (await key.post(SUBS, { customerId, planId, billingCycle: 'monthly' })).body.id;
    await create(a.id);
    const second = `${SUBS}/${await create(b.id)}/change-plan`;
    expect(answered(await key.post(second, { newPlanId: a.id, prorate: false }))).toEqual([403, 'forbidden']);
    expect(answered(await key.post(`${second}/preview`, { newPlanId: a.id }))).toEqual([409, 'conflict']);
    expect(answered(await key.post(second, { newPlanId: a.id }))).toEqual([409, 'conflict']);
    const atEnd = await key.post(second, { newPlanId: a.id, effective: 'period_end' });
    expect(atEnd.status).toBe(200);
    const c = await app.given.plan({ trialDays: 14 });
    expect((await key.post(second, { newPlanId: c.id })).status).toBe(200);
    const body = { customerId, planId: c.id, billingCycle: 'monthly' };
    expect(answered(await key.post(SUBS, body))).toEqual([201, 'active']);
  });

  test('to and fro begins no trial anew', async () => {
    const { app, key, customerId } = await own();
    const { id: productId } = await app.given.product();
    const plan = async () => (await app.given.plan({ productId, trialDays: 14 })).id;
    const [a, b] = [await plan(), await plan()];
    const { body: made } = await key.post(SUBS, { customerId, planId: a, billingCycle: 'monthly' });
    app.clock.advance({ days: 13 });
    for (const newPlanId of [b, a]) await key.post(`${SUBS}/${made.id}/change-plan`, { newPlanId });
    expect((await key.get(`${SUBS}/${made.id}`)).body.trialEnd).toBe(made.trialEnd);
    app.clock.advance({ days: 2 });
    for (const newPlanId of [b, a])
      expect((await key.post(`${SUBS}/${made.id}/change-plan`, { newPlanId })).body.subscription.status).toBe('active');
  });
});

describe('v1RecordUsage', () => {
  const metered = async (aggregation = 'sum') => {
    const { app, key, customerId } = await own();
    const usageMetric = { name: 'calls', aggregation, uniqueProperty: aggregation === 'unique' ? 'user' : null };
    const { id } = await usageSubscription(app, { usageMetric }, { customerId });
    const event = (value: string, over = {}) => ({ subscriptionId: id, metricName: 'calls', value, ...over });
    return { app, key, id, event };
  };

  test('U.23 adds, but takes nothing back: 500 of the operator stay billed', async () => {
    const { app, key, id, event } = await metered();
    app.clock.advance({ hours: 1 });
    await app.api.post('/api/billing/usage', event('500'));
    for (const value of ['-499', '-0.5'])
      expect(answered(await key.post(USAGE, event(value)))).toEqual([403, 'forbidden']);
    expect((await key.post(USAGE, event('1'))).status).toBe(201);
    const { body } = await key.post(USAGE, [event('-1'), event('0')]);
    expect(body).toMatchObject({ accepted: 1, rejected: 1 });
    expect(body.results[0]).toMatchObject({ status: 'rejected', error: { error: 'forbidden' } });
    await runAt(app, '2026-04-01T10:00:00.000Z');
    expect((await invoicesOf(app, id)).map(({ total }) => total)).toEqual(['50.10']);
  });

  test.each(['sum', 'max', 'count', 'unique'])(
    '403 a period that is billed, whatever the aggregation: %s',
    async (kind) => {
      const { app, key, event } = await metered(kind);
      app.clock.advance({ hours: 1 });
      const properties = { user: 'a' };
      expect((await key.post(USAGE, event('3', { properties }))).status).toBe(201);
      await runAt(app, '2026-04-01T10:00:00.000Z');
      const late = event('9', { timestamp: '2026-03-20T00:00:00Z', properties: { user: 'b' } });
      expect(answered(await key.post(USAGE, late))).toEqual([403, 'forbidden']);
      expect((await app.api.post('/api/billing/usage', late)).status).toBe(201);
      expect((await key.post(USAGE, event('1', { properties }))).status).toBe(201);
      expect(answered(await key.post(USAGE, event('-1', { properties })))).toEqual([403, 'forbidden']);
    },
  );

  test('403 a period that was skipped or waived', async () => {
    const { app, key, id, event } = await metered();
    await runAt(app, '2026-04-01T10:00:00.000Z');
    const late = event('9', { timestamp: '2026-03-20T00:00:00Z' });
    expect(answered(await key.post(USAGE, late))).toEqual([403, 'forbidden']);
    await key.post(USAGE, event('5', { timestamp: '2026-04-01T10:00:00Z' }));
    await runAt(app, '2026-05-01T10:00:00.000Z');
    const [invoice] = await invoicesOf(app, id);
    await app.api.put(`/api/billing/invoices/${invoice.id}`, { status: 'void' });
    const waived = event('9', { timestamp: '2026-04-20T00:00:00Z' });
    expect(answered(await key.post(USAGE, waived))).toEqual([403, 'forbidden']);
  });

  test('403 a metric whose last value counts', async () => {
    const { key, event } = await metered('last');
    for (const value of ['0', '5', '-1'])
      expect(answered(await key.post(USAGE, event(value)))).toEqual([403, 'forbidden']);
  });

  test('does not take the keys of the operator, nor the operator its', async () => {
    const { app, key, id, event } = await metered();
    const keyed = (value: string) => event(value, { idempotencyKey: '2026-03-01' });
    const all = [
      await key.post(USAGE, keyed('0')),
      await key.post(USAGE, keyed('0')),
      await app.api.post('/api/billing/usage', keyed('500')),
      await app.api.post('/api/billing/usage', [keyed('500')]),
      await key.post(USAGE, keyed('7')),
    ];
    expect(all.map(({ status }) => status)).toEqual([201, 200, 201, 200, 409]);
    const { body } = await app.api.get(`/api/billing/usage/${id}/summary`);
    expect(body.metrics[0]).toMatchObject({ totalValue: '500', recordCount: 2 });
  });

  test('403 voids are for operator keys', async () => {
    const { app, key, event } = await metered();
    const { body } = await app.api.post('/api/billing/usage', event('5'));
    expect(answered(await key.post(`${USAGE}/${body.id}/void`))).toEqual([403, 'forbidden']);
  });
});
