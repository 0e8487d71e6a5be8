import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Api, startApp, type TestApp } from '../../support/app.ts';
import { expectRefusal, UNKNOWN_ID } from '../../support/refusals.ts';
import { auditOf, type Entity, eventsOf, invoicesOf } from '../support.ts';

let app: TestApp;
let planId: string;
beforeAll(async () => {
  app = await startApp();
  planId = (await app.given.plan()).id;
});
afterAll(() => app.close());

const URL = '/api/billing/subscriptions';
const create = async (over: Entity, api: Api = app.api, path = URL, headers = {}) =>
  api.post(
    path,
    { customerId: over.customerId ?? (await app.given.customer()).id, planId, billingCycle: 'monthly', ...over },
    headers,
  );
const metric = { name: 'calls', aggregation: 'sum' };

describe('createSubscription', () => {
  test('201 with the defaults, ETag "1" and its Location', async () => {
    const customer = await app.given.customer({ name: 'Acme' });
    const answer = await create({ customerId: customer.id });
    expect(answer.status).toBe(201);
    expect(answer.headers).toMatchObject({ location: `${URL}/${answer.body.id}`, etag: '"1"' });
    expect(answer.body).toEqual({
      id: expect.stringMatching(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/),
      customerId: customer.id,
      customerName: 'Acme',
      planId,
      planName: 'Pro Monthly',
      planVersion: 1,
      status: 'active',
      billingCycle: 'monthly',
      currency: 'USD',
      quantity: 1,
      currentPeriodStart: '2026-03-15T10:30:00.000Z',
      currentPeriodEnd: '2026-04-15T10:30:00.000Z',
      cancelAtPeriodEnd: false,
      trialEnd: null,
      couponCode: null,
      discounts: [],
      preRenewalInvoiceDays: 7,
      pendingChange: null,
      metadata: {},
      managedBy: null,
      pauseReason: null,
      pausedAt: null,
      canceledAt: null,
      version: 1,
      createdAt: app.clock.now(),
      updatedAt: app.clock.now(),
    });
    const got = await app.api.get(answer.headers.location!);
    expect(got.body).toEqual(answer.body);
    expect(got.headers.etag).toBe('"1"');
  });

  test('201 with every member; its events and its audit row', async () => {
    const members = { quantity: 3, preRenewalInvoiceDays: 0, metadata: { order: 'PO-1', seats: 3, vip: true } };
    const perUnit = await app.given.plan({ pricingModel: 'per_unit', basePrice: '0', unitPrice: '10' });
    const { body } = await create({ ...members, planId: perUnit.id, billingCycle: 'quarterly', trialDays: 0 });
    expect(body).toMatchObject({ ...members, billingCycle: 'quarterly', status: 'active' });
    const [created, ...invoice] = await eventsOf(app, body.customerId);
    expect(created).toMatchObject({ type: 'subscription.created', sequence: 1 });
    expect(created.data).toEqual({
      subscriptionId: body.id,
      customerId: body.customerId,
      planId: perUnit.id,
      planVersion: 1,
      status: 'active',
      billingCycle: 'quarterly',
      quantity: 3,
      amount: '90.00',
      currency: 'USD',
      currentPeriodStart: body.currentPeriodStart,
      currentPeriodEnd: body.currentPeriodEnd,
      trialEnd: null,
    });
    expect(invoice.map(({ type }) => type)).toEqual(['invoice.created', 'invoice.issued']);
    expect(await auditOf(app, body.id)).toMatchObject([
      { action: 'createSubscription', entity_type: 'subscription', actor_type: 'user' },
    ]);
  });

  test('201 on a plan that bills nothing in advance: no invoice, no amount in the event', async () => {
    const plan = await app.given.plan({ pricingModel: 'usage_based', basePrice: '7', usageMetric: metric });
    const { body } = await create({ planId: plan.id });
    expect(await invoicesOf(app, body.id)).toEqual([]);
    expect((await eventsOf(app, body.customerId)).map(({ type, data }) => [type, data.amount])).toEqual([
      ['subscription.created', null],
    ]);
  });

  test('201 in a trial: no invoice; the price of a period stands in the event', async () => {
    const { body } = await create({ trialDays: 730 });
    expect(body).toMatchObject({ status: 'trialing', trialEnd: '2028-03-14T10:30:00.000Z' });
    const [{ data }] = (await eventsOf(app, body.customerId)) as [Entity];
    expect(data).toMatchObject({ status: 'trialing', amount: '49.99', trialEnd: body.trialEnd });
  });

  test.each<[string, Entity, string]>([
    ['an unknown cycle', { billingCycle: 'weekly' }, 'billingCycle'],
    ['quantity 0', { quantity: 0 }, 'quantity'],
    ['a fraction of a seat', { quantity: 1.5 }, 'quantity'],
    ['quantity as text', { quantity: '1' }, 'quantity'],
    ['a negative trial', { trialDays: -1 }, 'trialDays'],
    ['a trial above two years', { trialDays: 731 }, 'trialDays'],
    ['preRenewalInvoiceDays 91', { preRenewalInvoiceDays: 91 }, 'preRenewalInvoiceDays'],
    ['metadata with an object', { metadata: { a: {} } }, 'metadata.a'],
    ['a malformed customerId', { customerId: 'acme' }, 'customerId'],
    ['a malformed planId', { planId: 'pro' }, 'planId'],
    ['a status', { status: 'active' }, 'status'],
    ['a currency', { currency: 'USD' }, 'currency'],
  ])('400 validation_error for %s', async (_, over, field) => {
    expectRefusal(await create(over), 400, 'validation_error', field);
  });

  test('400 validation_error names all required members', async () => {
    expectRefusal(await app.api.post(URL, {}), 400, 'validation_error', 'customerId', 'planId', 'billingCycle');
  });

  test('P.21 400 validation_error on billingCycle for a cycle that is no multiple of the plan', async () => {
    const yearly = (await app.given.plan({ billingCycle: 'yearly' })).id;
    const quarterly = (await app.given.plan({ billingCycle: 'quarterly' })).id;
    for (const [plan, cycle] of [
      [yearly, 'monthly'],
      [yearly, 'quarterly'],
      [quarterly, 'monthly'],
    ])
      expectRefusal(await create({ planId: plan, billingCycle: cycle }), 400, 'validation_error', 'billingCycle');
    expect((await create({ planId: quarterly, billingCycle: 'yearly' })).status).toBe(201);
  });

  test('400 validation_error for seats and a longer cycle of a usage plan with tiers', async () => {
    const tiers = [{ upTo: null, unitPrice: '1' }];
    const plan = await app.given.plan({ pricingModel: 'usage_based', basePrice: '0', usageMetric: metric, tiers });
    const answer = await create({ planId: plan.id, quantity: 2, billingCycle: 'quarterly' });
    expectRefusal(answer, 400, 'validation_error', 'quantity', 'billingCycle');
    expect((await create({ planId: plan.id })).status).toBe(201);
  });

  test('400 validation_error for an amount out of bounds: nothing is stored', async () => {
    const plan = await app.given.plan({ pricingModel: 'per_unit', basePrice: '0', unitPrice: '999999999' });
    const customer = await app.given.customer();
    const answer = await create({ customerId: customer.id, planId: plan.id, quantity: 999_999_999 });
    expectRefusal(answer, 400, 'validation_error');
    expect(await app.database.read('subscriptions').where({ customer_id: customer.id })).toEqual([]);
    expect(await eventsOf(app, customer.id)).toEqual([]);
  });

  test('404 not_found for an unknown customer, plan_not_found for an unknown or inactive plan', async () => {
    expectRefusal(await create({ customerId: UNKNOWN_ID }), 404, 'not_found');
    expectRefusal(await create({ planId: UNKNOWN_ID }), 404, 'plan_not_found');
    const retired = await app.given.plan({ active: false });
    expectRefusal(await create({ planId: retired.id }), 404, 'plan_not_found');
  });

  test('201 by key under v1, with the Location of v1', async () => {
    const { key } = await app.given.apiKey();
    const answer = await create({ trialDays: 5 }, app.withKey(key), '/api/v1/billing/subscriptions');
    expect(answer.status).toBe(201);
    expect(answer.headers.location).toBe(`/api/v1/billing/subscriptions/${answer.body.id}`);
    expect(await auditOf(app, answer.body.id)).toMatchObject([
      { actor_type: 'api_key', action: 'v1CreateSubscription' },
    ]);
  });

  test('by the key of a customer: 201 for itself, 404 for another, 403 for trialDays', async () => {
    const customer = await app.given.customer();
    const api = app.withKey((await app.given.apiKey({ customerId: customer.id })).key);
    const path = '/api/v1/billing/subscriptions';
    const trial = (await app.given.plan({ trialDays: 10 })).id;
    expect((await create({ customerId: customer.id, planId: trial }, api, path)).body.status).toBe('trialing');
    expectRefusal(await create({}, api, path), 404, 'not_found');
    expectRefusal(await create({ customerId: customer.id, trialDays: 0 }, api, path), 403, 'forbidden');
  });
});

describe('Idempotency-Key', () => {
  test('the same again is answered byte for byte, and sold once', async () => {
    const body = { customerId: (await app.given.customer()).id, planId, billingCycle: 'monthly' };
    const headers = { 'Idempotency-Key': 'order-1' };
    const first = await app.api.post(URL, body, headers);
    app.clock.advance({ days: 1 });
    const again = await app.api.post(URL, body, headers);
    expect([again.status, again.text, again.headers.location, again.headers.etag]).toEqual([
      201,
      first.text,
      first.headers.location,
      first.headers.etag,
    ]);
    expect(first.headers['idempotent-replayed']).toBeUndefined();
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect((await app.api.get(`${URL}?customerId=${body.customerId}`)).body).toHaveLength(1);
    expectRefusal(await app.api.post(URL, { ...body, quantity: 2 }, headers), 409, 'idempotency_key_reused');
    expectRefusal(await app.api.post('/api/billing/invoices', body, headers), 400, 'validation_error');
  });

  test('a refused request leaves the key free', async () => {
    const body = { customerId: (await app.given.customer()).id, planId: UNKNOWN_ID, billingCycle: 'monthly' };
    const headers = { 'Idempotency-Key': 'order-2' };
    expectRefusal(await app.api.post(URL, body, headers), 404, 'plan_not_found');
    expect((await app.api.post(URL, { ...body, planId }, headers)).status).toBe(201);
  });

  test('ten at the same time: one effect, ten equal answers', async () => {
    const body = { customerId: (await app.given.customer()).id, planId, billingCycle: 'monthly' };
    const headers = { 'Idempotency-Key': 'order-3' };
    const answers = await Promise.all(Array.from({ length: 10 }, () => app.api.post(URL, body, headers)));
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(answers.filter(({ headers: h }) => h['idempotent-replayed'] === 'true')).toHaveLength(9);
    const [sub] = (await app.api.get(`${URL}?customerId=${body.customerId}`)).body;
    expect(await invoicesOf(app, sub.id)).toHaveLength(1);
    expect((await eventsOf(app, body.customerId)).map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
  });
});
