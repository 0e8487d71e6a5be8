import { afterEach, describe, expect, test } from '@jest/globals';
import type { TestApp } from '../../support/app.ts';
import { expectRefusal, UNKNOWN_ID } from '../../support/refusals.ts';
import { auditOf, closeApps, type Entity, eventsOf, runAt, startAt, subscriptionOf } from '../support.ts';

afterEach(closeApps);

const START = '2026-01-31T10:00:00.000Z';

const add = (app: TestApp, id: string, couponCode: string) =>
  app.api.post(`/api/billing/subscriptions/${id}/discounts`, { couponCode });
const remove = (app: TestApp, id: string, discountId: string) =>
  app.api.delete(`/api/billing/subscriptions/${id}/discounts/${discountId}`);
const redemptions = async (app: TestApp, id: string) =>
  (await app.api.get(`/api/billing/coupons/${id}`)).body.timesRedeemed;
const fixed = { discountType: 'fixed_amount', discountValue: '5' };

/** Both ways to redeem: at the creation of a subscription, and on one that runs. */
async function bothWays(app: TestApp, couponCode: string, planId?: string) {
  const plan = planId ?? (await app.given.plan()).id;
  const customerId = (await app.given.customer()).id;
  const body = { customerId, planId: plan, billingCycle: 'monthly', couponCode };
  const { id } = await app.given.subscription({ planId: plan });
  return [await app.api.post('/api/billing/subscriptions', body), await add(app, id, couponCode)];
}

describe('D2 the checks of a redemption', () => {
  test('201 the subscription shows its code and its discount', async () => {
    const app = await startAt(START);
    const coupon = await app.given.coupon({ code: 'Save-10', name: 'Ten', duration: 'repeating', durationCycles: 3 });
    const sub = await app.given.subscription({ couponCode: 'sAVE-10' });
    expect(sub).toMatchObject({ couponCode: 'Save-10', version: 1 });
    expect(sub.discounts).toEqual([
      {
        id: expect.any(String),
        subscriptionId: sub.id,
        couponId: coupon.id,
        couponCode: 'Save-10',
        name: 'Ten',
        discountType: 'percentage',
        discountValue: '10',
        currency: null,
        duration: 'repeating',
        remainingCycles: 3,
        appliedAt: START,
        endedAt: null,
      },
    ]);
    expect(await redemptions(app, coupon.id)).toBe(1);
    expect((await eventsOf(app, sub.customerId)).map(({ type }) => type)).toEqual([
      'subscription.created',
      'invoice.created',
      'invoice.issued',
    ]);
  });

  test('201 adding: version, event, audit row; removing likewise', async () => {
    const app = await startAt(START);
    const coupon = await app.given.coupon({ ...fixed, duration: 'forever' });
    const { id, customerId } = await app.given.subscription();
    app.clock.advance({ days: 3 });
    const answer = await add(app, id, coupon.code);
    expect(answer.status).toBe(201);
    expect(answer.headers.location).toBeUndefined();
    expect(answer.body).toMatchObject({
      discountType: 'fixed_amount',
      discountValue: '5.00',
      currency: 'USD',
      duration: 'forever',
      remainingCycles: null,
      appliedAt: app.clock.now(),
      endedAt: null,
    });
    const sub = await subscriptionOf(app, id);
    expect(sub).toMatchObject({ couponCode: null, discounts: [answer.body], version: 2, updatedAt: app.clock.now() });
    app.clock.advance({ days: 1 });
    expect((await remove(app, id, answer.body.id)).status).toBe(204);
    expect((await remove(app, id, answer.body.id)).status).toBe(204);
    expect(await subscriptionOf(app, id)).toMatchObject({ discounts: [], version: 3 });
    expect(await redemptions(app, coupon.id)).toBe(1);
    const told = (await eventsOf(app, customerId)).filter(({ type }) => type === 'subscription.updated');
    expect(told.map(({ data }) => data)).toEqual(
      [1, 2].map(() => ({
        subscriptionId: id,
        customerId,
        planId: sub.planId,
        status: 'active',
        quantity: 1,
        cancelAtPeriodEnd: false,
        changes: ['discounts'],
      })),
    );
    const audits = (await auditOf(app, id)).slice(1);
    expect(audits.map(({ action, changes }: Entity) => [action, JSON.parse(changes)])).toEqual([
      ['addSubscriptionDiscount', { discounts: [[], [answer.body.id]] }],
      ['removeSubscriptionDiscount', { discounts: [[answer.body.id], []] }],
    ]);
  });

  test('400 validation_error for an unknown code', async () => {
    const app = await startAt(START);
    for (const answer of await bothWays(app, 'NOTHING')) expectRefusal(answer, 400, 'validation_error', 'couponCode');
    for (const answer of await bothWays(app, ' ')) expectRefusal(answer, 400, 'validation_error', 'couponCode');
  });

  test('400 coupon_expired: inactive, not yet valid, no longer valid', async () => {
    const app = await startAt(START);
    const late = await app.given.coupon({
      validFrom: '2026-01-31T10:00:00.001Z',
      validUntil: '2026-01-31T10:00:00.002Z',
    });
    const off = await app.given.coupon({ active: false });
    for (const answer of [...(await bothWays(app, late.code)), ...(await bothWays(app, off.code))])
      expectRefusal(answer, 400, 'coupon_expired');
    app.clock.advance({ ms: 1 });
    for (const answer of await bothWays(app, late.code)) expect(answer.status).toBe(201);
    app.clock.advance({ ms: 1 });
    for (const answer of await bothWays(app, late.code)) expectRefusal(answer, 400, 'coupon_expired');
  });

  test('400 currency_mismatch for a fixed amount of another currency only', async () => {
    const app = await startAt(START);
    const coupon = await app.given.coupon({ ...fixed, currency: 'EUR' });
    for (const answer of await bothWays(app, coupon.code)) expectRefusal(answer, 400, 'currency_mismatch');
    const euro = await app.given.plan({ currency: 'EUR' });
    for (const answer of await bothWays(app, coupon.code, euro.id)) expect(answer.status).toBe(201);
  });

  test('400 validation_error for a plan that the coupon does not name', async () => {
    const app = await startAt(START);
    const plan = await app.given.plan();
    const coupon = await app.given.coupon({ appliesTo: [plan.id] });
    for (const answer of await bothWays(app, coupon.code)) expectRefusal(answer, 400, 'validation_error', 'couponCode');
    for (const answer of await bothWays(app, coupon.code, plan.id)) expect(answer.status).toBe(201);
  });

  test('409 already_exists while it is attached, also when it is used up; not after it is removed', async () => {
    const app = await startAt(START);
    const coupon = await app.given.coupon();
    const { id, discounts } = await app.given.subscription({ couponCode: coupon.code });
    expectRefusal(await add(app, id, coupon.code.toLowerCase()), 409, 'already_exists');
    await runAt(app, '2026-03-01T00:00:00.000Z');
    expectRefusal(await add(app, id, coupon.code), 409, 'already_exists');
    expect((await subscriptionOf(app, id)).discounts).toEqual([]);
    expect((await remove(app, id, discounts[0].id)).status).toBe(204);
    expect((await add(app, id, coupon.code)).status).toBe(201);
    expect(await redemptions(app, coupon.id)).toBe(2);
  });

  test('400 coupon_usage_exceeded at the limit; nothing is sold then', async () => {
    const app = await startAt(START);
    const coupon = await app.given.coupon({ maxRedemptions: 1 });
    await app.given.subscription({ couponCode: coupon.code });
    const before = (await app.api.get('/api/billing/subscriptions')).body.length;
    for (const answer of await bothWays(app, coupon.code)) expectRefusal(answer, 400, 'coupon_usage_exceeded');
    expect((await app.api.get('/api/billing/subscriptions')).body).toHaveLength(before + 1);
    expect(await redemptions(app, coupon.id)).toBe(1);
  });

  test('the first failing check decides', async () => {
    const app = await startAt(START);
    const [plan, other] = [await app.given.plan(), await app.given.plan()];
    const terms = { ...fixed, currency: 'EUR', appliesTo: [other.id], active: false, maxRedemptions: 1 };
    const coupon = await app.given.coupon(terms);
    const change = (body: object) => app.api.put(`/api/billing/coupons/${coupon.id}`, body);
    const { id } = await app.given.subscription({ planId: plan.id });
    expectRefusal(await add(app, id, coupon.code), 400, 'coupon_expired');
    await change({ active: true });
    expectRefusal(await add(app, id, coupon.code), 400, 'currency_mismatch');
    await change({ currency: 'USD' });
    expectRefusal(await add(app, id, coupon.code), 400, 'validation_error', 'couponCode');
    await change({ appliesTo: [other.id, plan.id] });
    expect((await add(app, id, coupon.code)).status).toBe(201);
    expectRefusal(await add(app, id, coupon.code), 409, 'already_exists');
    await app.api.delete(`/api/billing/subscriptions/${id}`);
    expectRefusal(await add(app, id, 'NOTHING'), 400, 'subscription_not_active');
  });

  test('S1 discounts need trialing, active or past_due', async () => {
    const app = await startAt(START);
    const code = async () => (await app.given.coupon({ duration: 'forever' })).code;
    const trial = await app.given.subscription({ trialDays: 14, couponCode: await code() });
    const late = await app.given.subscription({ couponCode: await code() });
    const paused = await app.given.subscription({ couponCode: await code() });
    const ended = await app.given.subscription({ couponCode: await code() });
    await app.api.put(`/api/billing/subscriptions/${paused.id}`, { status: 'paused' });
    await app.api.delete(`/api/billing/subscriptions/${ended.id}`);
    expect((await add(app, trial.id, await code())).status).toBe(201);
    for (const sub of [paused, ended]) {
      expectRefusal(await add(app, sub.id, await code()), 400, 'subscription_not_active');
      expectRefusal(await remove(app, sub.id, sub.discounts[0].id), 400, 'subscription_not_active');
    }
    app.clock.set('2026-03-03T10:00:00.000Z');
    await app.cron.post('/api/billing/cron/run');
    expect((await subscriptionOf(app, late.id)).status).toBe('past_due');
    expect((await add(app, late.id, await code())).status).toBe(201);
    expect((await remove(app, late.id, late.discounts[0].id)).status).toBe(204);
  });

  test('404 not_found: subscription, discount, and a discount of another subscription', async () => {
    const app = await startAt(START);
    const { code } = await app.given.coupon();
    const [one, other] = [await app.given.subscription({ couponCode: code }), await app.given.subscription()];
    expectRefusal(await add(app, UNKNOWN_ID, code), 404, 'not_found');
    expectRefusal(await remove(app, UNKNOWN_ID, one.discounts[0].id), 404, 'not_found');
    expectRefusal(await remove(app, one.id, UNKNOWN_ID), 404, 'not_found');
    expectRefusal(await remove(app, other.id, one.discounts[0].id), 404, 'not_found');
  });
});

describe('the v1 twins', () => {
  test('201, 204 for a key of the customer; 404 for the subscription of another', async () => {
    const app = await startAt(START);
    const { code } = await app.given.coupon();
    const [own, foreign] = [await app.given.subscription(), await app.given.subscription({ couponCode: code })];
    const key = app.withKey((await app.given.apiKey({ customerId: own.customerId })).key);
    const path = (sub: Entity) => `/api/v1/billing/subscriptions/${sub.id}/discounts`;
    const { status, body } = await key.post(path(own), { couponCode: code });
    expect(status).toBe(201);
    expect((await key.get(`/api/v1/billing/subscriptions/${own.id}`)).body.discounts).toEqual([body]);
    expect((await key.delete(`${path(own)}/${body.id}`)).status).toBe(204);
    expectRefusal(await key.post(path(foreign), { couponCode: code }), 404, 'not_found');
    expectRefusal(await key.delete(`${path(foreign)}/${foreign.discounts[0].id}`), 404, 'not_found');
    const { code: couponCode } = await app.given.coupon();
    const sale = { customerId: own.customerId, planId: own.planId, billingCycle: 'monthly', couponCode };
    const sold = await key.post('/api/v1/billing/subscriptions', sale);
    expect(sold.body).toMatchObject({ couponCode, discounts: [{ couponCode }] });
    expectRefusal(await key.post('/api/v1/billing/subscriptions', sale), 409, 'already_exists');
  });

  test('409 already_exists when a key of the customer takes the coupon again; 201 for the operator', async () => {
    const app = await startAt(START);
    const { id, code } = await app.given.coupon();
    const sub = await app.given.subscription();
    const key = app.withKey((await app.given.apiKey({ customerId: sub.customerId })).key);
    const path = `/api/v1/billing/subscriptions/${sub.id}/discounts`;
    const { body } = await key.post(path, { couponCode: code });
    expect((await key.delete(`${path}/${body.id}`)).status).toBe(204);
    expectRefusal(await key.post(path, { couponCode: code }), 409, 'already_exists');
    expect((await app.api.get(`/api/billing/coupons/${id}`)).body.timesRedeemed).toBe(1);
    const operator = app.withKey((await app.given.apiKey()).key);
    expect((await operator.post(path, { couponCode: code })).status).toBe(201);
  });

  test('a replayed redemption counts once', async () => {
    const app = await startAt(START);
    const { id, code } = await app.given.coupon();
    const sub = await app.given.subscription();
    const path = `/api/billing/subscriptions/${sub.id}/discounts`;
    const send = () => app.api.post(path, { couponCode: code }, { 'Idempotency-Key': 'once' });
    const [first, second] = [await send(), await send()];
    expect([second.status, second.text]).toEqual([201, first.text]);
    expect(await redemptions(app, id)).toBe(1);
  });
});
