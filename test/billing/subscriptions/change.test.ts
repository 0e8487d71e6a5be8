import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApp, type TestApp } from '../../support/app.ts';
import { expectRefusal, UNKNOWN_ID } from '../../support/refusals.ts';
import { auditOf, type Entity, eventsOf, putSubscription, subscriptionOf } from '../support.ts';

let app: TestApp;
let planId: string;
beforeAll(async () => {
  app = await startApp();
  planId = (await app.given.plan()).id;
});
afterAll(() => app.close());

const given = (over: Entity = {}) => app.given.subscription({ planId, ...over });
const put = (id: string, body: unknown, headers = {}) => putSubscription(app, id, body, headers);
const remove = (id: string, headers = {}) => app.api.delete(`/api/billing/subscriptions/${id}`, headers);

describe('updateSubscription', () => {
  test('200 every member at once: one version, one event that names them, one audit row with before and after', async () => {
    const sub = await given({ metadata: { a: 1 } });
    app.clock.advance({ ms: 1000 });
    const body = { cancelAtPeriodEnd: true, preRenewalInvoiceDays: 30, metadata: { b: 'x' } };
    const answer = await put(sub.id, body);
    expect([answer.status, answer.headers.etag]).toEqual([200, '"2"']);
    expect(answer.body).toEqual({ ...sub, ...body, version: 2, updatedAt: app.clock.now() });
    const event = (await eventsOf(app, sub.customerId)).at(-1);
    expect(event.type).toBe('subscription.updated');
    expect(event.data).toEqual({
      subscriptionId: sub.id,
      customerId: sub.customerId,
      planId,
      status: 'active',
      quantity: 1,
      cancelAtPeriodEnd: true,
      changes: expect.any(Array),
    });
    expect(event.data.changes.toSorted()).toEqual(['cancelAtPeriodEnd', 'metadata', 'preRenewalInvoiceDays']);
    const [, audit] = await auditOf(app, sub.id);
    expect(audit).toMatchObject({ action: 'updateSubscription', entity_type: 'subscription' });
    expect(JSON.parse(audit.changes)).toMatchObject({
      cancelAtPeriodEnd: [false, true],
      preRenewalInvoiceDays: [7, 30],
      metadata: [{ a: 1 }, { b: 'x' }],
    });
  });

  test('200 {} and equal values change nothing: no version, no event, no audit row', async () => {
    const sub = await given({ metadata: { b: 1, a: 'x' } });
    const before = await eventsOf(app, sub.customerId);
    app.clock.advance({ ms: 1000 });
    const same = { status: 'active', cancelAtPeriodEnd: false, preRenewalInvoiceDays: 7, metadata: { a: 'x', b: 1 } };
    for (const body of [{}, same]) expect((await put(sub.id, body)).body).toEqual(sub);
    expect(await eventsOf(app, sub.customerId)).toEqual(before);
    expect(await auditOf(app, sub.id)).toHaveLength(1);
  });

  test('200 other members first, then status', async () => {
    const sub = await given({ trialDays: 5 });
    const { body } = await put(sub.id, { status: 'active', cancelAtPeriodEnd: true, metadata: { a: 1 } });
    expect(body).toMatchObject({ status: 'active', cancelAtPeriodEnd: true, metadata: { a: 1 }, version: 2 });
    expect((await put(sub.id, { status: 'paused', preRenewalInvoiceDays: 3 })).body).toMatchObject({
      status: 'paused',
      preRenewalInvoiceDays: 3,
      version: 3,
    });
  });

  test('a refused status leaves the other members alone', async () => {
    const sub = await given({ trialDays: 5 });
    expectRefusal(await put(sub.id, { status: 'paused', metadata: { a: 1 } }), 400, 'subscription_not_active');
    expect(await subscriptionOf(app, sub.id)).toEqual(sub);
  });

  test.each<[string, Entity, string]>([
    ['an unknown status', { status: 'past_due' }, 'status'],
    ['status null', { status: null }, 'status'],
    ['metadata null', { metadata: null }, 'metadata'],
    ['a text for a boolean', { cancelAtPeriodEnd: 'true' }, 'cancelAtPeriodEnd'],
    ['preRenewalInvoiceDays -1', { preRenewalInvoiceDays: -1 }, 'preRenewalInvoiceDays'],
    ['trialDays', { trialDays: 3 }, 'trialDays'],
    ['the plan', { planId: UNKNOWN_ID }, 'planId'],
    ['the customer', { customerId: UNKNOWN_ID }, 'customerId'],
    ['the cycle', { billingCycle: 'yearly' }, 'billingCycle'],
  ])('400 validation_error for %s', async (_, body, field) => {
    expectRefusal(await put((await given()).id, body), 400, 'validation_error', field);
  });

  test('If-Match: the present version and * go through, a stale one is 409 conflict, a malformed one 400', async () => {
    const sub = await given();
    const body = { metadata: { n: 1 } };
    expectRefusal(await put(sub.id, body, { 'If-Match': '"2"' }), 409, 'conflict', 'If-Match');
    expectRefusal(await put(sub.id, body, { 'If-Match': 'two' }), 400, 'validation_error', 'If-Match');
    expect(await subscriptionOf(app, sub.id)).toEqual(sub);
    expect((await put(sub.id, body, { 'If-Match': '"1"' })).headers.etag).toBe('"2"');
    expect((await put(sub.id, { metadata: {} }, { 'If-Match': '*' })).headers.etag).toBe('"3"');
    expectRefusal(await remove(sub.id, { 'If-Match': '"2"' }), 409, 'conflict', 'If-Match');
    expect((await remove(sub.id, { 'If-Match': '"3"' })).status).toBe(204);
  });

  test('twenty writers with the same If-Match: one wins', async () => {
    const sub = await given();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => put(sub.id, { metadata: { n } }, { 'If-Match': '"1"' })),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, ...Array(19).fill(409)]);
    expect(await subscriptionOf(app, sub.id)).toMatchObject({ version: 2 });
  });

  test("404 not_found for an unknown one and, for the key of a customer, someone else's", async () => {
    expectRefusal(await put(UNKNOWN_ID, {}), 404, 'not_found');
    const sub = await given();
    const other = await given();
    const api = app.withKey((await app.given.apiKey({ customerId: sub.customerId })).key);
    const path = '/api/v1/billing/subscriptions';
    expectRefusal(await api.put(`${path}/${other.id}`, { metadata: {} }), 404, 'not_found');
    expectRefusal(await api.delete(`${path}/${other.id}`), 404, 'not_found');
    expect((await api.put(`${path}/${sub.id}`, { cancelAtPeriodEnd: true })).body.cancelAtPeriodEnd).toBe(true);
    expect((await api.delete(`${path}/${sub.id}`)).status).toBe(204);
    expect(await subscriptionOf(app, sub.id)).toMatchObject({ status: 'canceled' });
  });

  test('403 forbidden for the key of a customer that resumes a pause for dunning', async () => {
    const sub = await given();
    await put(sub.id, { status: 'paused' });
    await app.database.write('subscriptions').where({ id: sub.id }).update({ pause_reason: 'dunning' });
    const api = app.withKey((await app.given.apiKey({ customerId: sub.customerId })).key);
    const answer = await api.put(`/api/v1/billing/subscriptions/${sub.id}`, { status: 'active' });
    expectRefusal(answer, 403, 'forbidden');
    expect((await put(sub.id, { status: 'active' })).body).toMatchObject({ status: 'active', pauseReason: null });
  });
});

describe('cancelSubscription', () => {
  test('204 canceled now; again 204 and nothing changes', async () => {
    const sub = await given();
    app.clock.advance({ ms: 1000 });
    const at = app.clock.now();
    const answer = await remove(sub.id);
    expect([answer.status, answer.text]).toEqual([204, '']);
    app.clock.advance({ ms: 1000 });
    expect((await remove(sub.id)).status).toBe(204);
    expect(await subscriptionOf(app, sub.id)).toEqual({
      ...sub,
      status: 'canceled',
      canceledAt: at,
      version: 2,
      updatedAt: at,
    });
    const [canceled, updated] = (await eventsOf(app, sub.customerId)).slice(-2);
    expect(canceled).toMatchObject({ type: 'subscription.canceled' });
    expect(canceled.data).toEqual({
      subscriptionId: sub.id,
      customerId: sub.customerId,
      planId,
      canceledAt: at,
      reason: 'requested',
    });
    expect(updated.data).toMatchObject({ status: 'canceled', changes: ['status'] });
    expect((await auditOf(app, sub.id)).map(({ action }) => action)).toEqual([
      'createSubscription',
      'cancelSubscription',
    ]);
  });

  test('404 not_found for an unknown one', async () => {
    expectRefusal(await remove(UNKNOWN_ID), 404, 'not_found');
  });
});
