import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApp, type TestApp } from '../../support/app.ts';
import { expectRefusal, UNKNOWN_ID } from '../../support/refusals.ts';
import { auditOf } from '../support.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

const PATH = '/api/billing/coupons';
let count = 0;
const create = (over: object = {}) =>
  app.api.post(PATH, { code: `CODE-${++count}`, discountType: 'percentage', discountValue: '10', ...over });
const put = (id: string, body: object) => app.api.put(`${PATH}/${id}`, body);
const redeem = async (code: string, over: object = {}) => app.given.subscription({ couponCode: code, ...over });

describe('createCoupon', () => {
  test('201 with every default', async () => {
    const answer = await app.api.post(PATH, { code: 'Spring_20-x', discountType: 'percentage', discountValue: '20' });
    expect(answer.status).toBe(201);
    expect(answer.headers.location).toBe(`${PATH}/${answer.body.id}`);
    expect(answer.body).toEqual({
      id: answer.body.id,
      code: 'Spring_20-x',
      name: 'Spring_20-x',
      discountType: 'percentage',
      discountValue: '20',
      currency: null,
      duration: 'once',
      durationCycles: null,
      maxRedemptions: null,
      timesRedeemed: 0,
      validFrom: app.clock.now(),
      validUntil: null,
      active: true,
      appliesTo: [],
      createdAt: app.clock.now(),
      updatedAt: app.clock.now(),
    });
    expect((await app.api.get(answer.headers.location!)).body).toEqual(answer.body);
    const [audit] = await auditOf(app, answer.body.id);
    expect(audit).toMatchObject({ action: 'createCoupon', entity_type: 'coupon' });
  });

  test('201 with every member', async () => {
    const plans = [(await app.given.plan()).id, (await app.given.plan({ active: false })).id];
    const { status, body } = await create({
      name: 'Ten off',
      discountType: 'fixed_amount',
      discountValue: '10.5',
      currency: 'KWD',
      duration: 'repeating',
      durationCycles: 120,
      maxRedemptions: 2147483647,
      validFrom: '2026-03-20T12:00:00+02:00',
      validUntil: '2026-03-20T10:00:00.001Z',
      active: false,
      appliesTo: plans,
    });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      name: 'Ten off',
      discountValue: '10.500',
      currency: 'KWD',
      duration: 'repeating',
      durationCycles: 120,
      maxRedemptions: 2147483647,
      validFrom: '2026-03-20T10:00:00.000Z',
      validUntil: '2026-03-20T10:00:00.001Z',
      active: false,
      appliesTo: plans,
    });
  });

  test.each([
    ['12.5000', '12.5'],
    ['0.0001', '0.0001'],
    ['100', '100'],
    ['100.0000', '100'],
    ['33.3333', '33.3333'],
    ['007', '7'],
  ])('201 the percentage %s is kept as %s', async (discountValue, shown) => {
    const { body } = await create({ discountValue });
    expect(body.discountValue).toBe(shown);
    expect((await app.api.get(`${PATH}/${body.id}`)).body.discountValue).toBe(shown);
  });

  test('201 a fixed amount is in the default currency unless another is named', async () => {
    const { body } = await create({ discountType: 'fixed_amount', discountValue: '5', currency: null });
    expect(body).toMatchObject({ discountValue: '5.00', currency: 'USD' });
  });

  test.each<[object, string]>([
    [{ discountValue: '0' }, 'discountValue'],
    [{ discountValue: '100.0001' }, 'discountValue'],
    [{ discountValue: '1.00001' }, 'discountValue'],
    [{ discountValue: '-1' }, 'discountValue'],
    [{ discountValue: '1e1' }, 'discountValue'],
    [{ discountValue: 10 }, 'discountValue'],
    [{ currency: 'USD' }, 'currency'],
    [{ discountType: 'fixed_amount', discountValue: '0.00' }, 'discountValue'],
    [{ discountType: 'fixed_amount', discountValue: '1.005' }, 'discountValue'],
    [{ discountType: 'fixed_amount', discountValue: '1.5', currency: 'JPY' }, 'discountValue'],
    [{ discountType: 'fixed_amount', discountValue: '1', currency: 'XAU' }, 'currency'],
    [{ discountType: 'half' }, 'discountType'],
    [{ code: 'with space' }, 'code'],
    [{ code: '' }, 'code'],
    [{ code: 'x'.repeat(51) }, 'code'],
    [{ name: ' ' }, 'name'],
    [{ duration: 'repeating' }, 'durationCycles'],
    [{ duration: 'repeating', durationCycles: 0 }, 'durationCycles'],
    [{ duration: 'repeating', durationCycles: 121 }, 'durationCycles'],
    [{ durationCycles: 3 }, 'durationCycles'],
    [{ duration: 'forever', durationCycles: 3 }, 'durationCycles'],
    [{ maxRedemptions: 0 }, 'maxRedemptions'],
    [{ maxRedemptions: 2147483648 }, 'maxRedemptions'],
    [{ validFrom: '2026-02-30T00:00:00Z' }, 'validFrom'],
    [{ validFrom: null }, 'validFrom'],
    [{ validUntil: '2026-03-15T10:30:00Z' }, 'validUntil'],
    [{ validFrom: '2026-05-01T00:00:00Z', validUntil: '2026-04-01T00:00:00Z' }, 'validUntil'],
    [{ appliesTo: [UNKNOWN_ID, UNKNOWN_ID] }, 'appliesTo'],
    [{ appliesTo: ['x'] }, 'appliesTo.0'],
    [{ timesRedeemed: 3 }, 'timesRedeemed'],
  ])('400 validation_error for %j', async (over, field) => {
    expectRefusal(await create(over), 400, 'validation_error', field);
  });

  test('400 every failing member is named', async () => {
    const over = { discountValue: '101', currency: 'USD', durationCycles: 2, validUntil: '2020-01-01T00:00:00Z' };
    const fields = ['discountValue', 'currency', 'durationCycles', 'validUntil'];
    expectRefusal(await create(over), 400, 'validation_error', ...fields);
  });

  test('404 plan_not_found for one unknown plan among known ones', async () => {
    const appliesTo = [(await app.given.plan()).id, UNKNOWN_ID];
    expectRefusal(await create({ appliesTo }), 404, 'plan_not_found');
  });

  test('409 already_exists whatever the case', async () => {
    const { body } = await create();
    expectRefusal(await create({ code: body.code.toLowerCase() }), 409, 'already_exists', 'code');
  });
});

describe('listCoupons, getCoupon', () => {
  test('200 newest first, by pages, by code and by active', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 3; n++) ids.unshift((await create({ active: n !== 1 })).body.id);
    const first = await app.api.get(`${PATH}?limit=2`);
    expect(first.body.map(({ id }: { id: string }) => id)).toEqual(ids.slice(0, 2));
    const next = /<([^>]+)>/.exec(first.headers.link!)![1]!;
    expect((await app.api.get(next)).body[0].id).toBe(ids[2]);
    const { code } = first.body[0];
    const found = await app.api.get(`${PATH}?code=${code.toLowerCase()}`);
    expect(found.body.map(({ id }: { id: string }) => id)).toEqual([ids[0]]);
    expect((await app.api.get(`${PATH}?code=nothing`)).body).toEqual([]);
    const inactive = (await app.api.get(`${PATH}?active=false`)).body;
    expect(inactive.map(({ id }: { id: string }) => id)).toContain(ids[1]);
    expect(inactive.every(({ active }: { active: boolean }) => !active)).toBe(true);
  });

  test('404 not_found for an unknown id', async () => {
    expectRefusal(await app.api.get(`${PATH}/${UNKNOWN_ID}`), 404, 'not_found');
    expectRefusal(await put(UNKNOWN_ID, { active: false }), 404, 'not_found');
    expectRefusal(await app.api.delete(`${PATH}/${UNKNOWN_ID}`), 404, 'not_found');
  });
});

describe('updateCoupon', () => {
  test('200 before a redemption everything but the code changes', async () => {
    const { body: coupon } = await create();
    app.clock.advance({ days: 1 });
    const plan = await app.given.plan();
    const answer = await put(coupon.id, {
      name: 'Renamed',
      discountType: 'fixed_amount',
      discountValue: '7',
      duration: 'repeating',
      durationCycles: 2,
      maxRedemptions: 5,
      validFrom: '2026-01-01T00:00:00Z',
      validUntil: '2027-01-01T00:00:00Z',
      active: false,
      appliesTo: [plan.id],
    });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      ...coupon,
      name: 'Renamed',
      discountType: 'fixed_amount',
      discountValue: '7.00',
      currency: 'USD',
      duration: 'repeating',
      durationCycles: 2,
      maxRedemptions: 5,
      validFrom: '2026-01-01T00:00:00.000Z',
      validUntil: '2027-01-01T00:00:00.000Z',
      active: false,
      appliesTo: [plan.id],
      updatedAt: app.clock.now(),
    });
    expect((await app.api.get(`${PATH}/${coupon.id}`)).body).toEqual(answer.body);
    const back = { discountType: 'percentage', discountValue: '3', currency: null, duration: 'once' };
    const cleared = { durationCycles: null, maxRedemptions: null, validUntil: null, appliesTo: [] };
    expect((await put(coupon.id, { ...back, ...cleared })).body).toMatchObject({ ...back, ...cleared });
    expectRefusal(await put(coupon.id, { code: 'OTHER' }), 400, 'validation_error', 'code');
  });

  test('200 nothing asked, nothing changed', async () => {
    const { body: coupon } = await create({ discountValue: '10.50' });
    app.clock.advance({ days: 1 });
    expect((await put(coupon.id, {})).body).toEqual(coupon);
    expect((await put(coupon.id, { discountValue: '10.5000', active: true })).body).toEqual(coupon);
    expect(await auditOf(app, coupon.id)).toHaveLength(1);
  });

  test.each<[object, object, string]>([
    [{}, { discountType: 'fixed_amount' }, 'discountValue'],
    [{}, { currency: 'USD' }, 'currency'],
    [{}, { durationCycles: 2 }, 'durationCycles'],
    [{}, { duration: 'repeating' }, 'durationCycles'],
    [{ duration: 'repeating', durationCycles: 2 }, { duration: 'once' }, 'durationCycles'],
    [{ duration: 'repeating', durationCycles: 2 }, { durationCycles: null }, 'durationCycles'],
    [{}, { validUntil: '2026-03-01T00:00:00Z' }, 'validUntil'],
    [{ validUntil: '2027-01-01T00:00:00Z' }, { validFrom: '2027-01-01T00:00:00Z' }, 'validUntil'],
    [{ discountType: 'fixed_amount', discountValue: '5' }, { currency: 'JPY' }, 'discountValue'],
    [{ discountType: 'fixed_amount', discountValue: '5' }, { currency: 'XXX' }, 'currency'],
    [{}, { name: null }, 'name'],
    [{}, { active: null }, 'active'],
  ])('400 validation_error: %j and then %j', async (members, change, field) => {
    const { body } = await create(members);
    expectRefusal(await put(body.id, change), 400, 'validation_error', field);
  });

  test('404 plan_not_found for an unknown plan', async () => {
    expectRefusal(await put((await create()).body.id, { appliesTo: [UNKNOWN_ID] }), 404, 'plan_not_found');
  });

  test('409 conflict once redeemed, for each of the terms; the rest still changes', async () => {
    const [plan, other] = [await app.given.plan(), await app.given.plan()];
    const terms = { duration: 'repeating', durationCycles: 2, appliesTo: [plan.id, other.id] };
    const { body: coupon } = await create({ discountType: 'fixed_amount', discountValue: '5', ...terms });
    await redeem(coupon.code, { planId: plan.id });
    for (const change of [
      { discountType: 'percentage', discountValue: '5', currency: null },
      { discountValue: '5.01' },
      { currency: 'EUR' },
      { duration: 'forever', durationCycles: null },
      { durationCycles: 3 },
      { appliesTo: [plan.id] },
      { appliesTo: [] },
    ])
      expectRefusal(await put(coupon.id, change), 409, 'conflict');
    const same = { discountValue: '5.00', currency: 'USD', durationCycles: 2, appliesTo: [other.id, plan.id] };
    const changed = { name: 'N', active: false, maxRedemptions: 1, validUntil: '2030-01-01T00:00:00.000Z' };
    const { body } = await put(coupon.id, { ...same, ...changed });
    expect(body).toMatchObject({ ...terms, ...changed, discountValue: '5.00', timesRedeemed: 1 });
  });

  test('400 maxRedemptions not below timesRedeemed', async () => {
    const { body: coupon } = await create();
    await redeem(coupon.code);
    await redeem(coupon.code);
    expectRefusal(await put(coupon.id, { maxRedemptions: 1 }), 400, 'validation_error', 'maxRedemptions');
    expect((await put(coupon.id, { maxRedemptions: 2 })).body).toMatchObject({ maxRedemptions: 2, timesRedeemed: 2 });
  });
});

describe('deleteCoupon', () => {
  test('204 before a redemption; the code is free again', async () => {
    const { body } = await create();
    expect((await app.api.delete(`${PATH}/${body.id}`)).status).toBe(204);
    expectRefusal(await app.api.get(`${PATH}/${body.id}`), 404, 'not_found');
    expect((await create({ code: body.code })).status).toBe(201);
    expect(await auditOf(app, body.id)).toMatchObject([{ action: 'createCoupon' }, { action: 'deleteCoupon' }]);
  });

  test('409 delete_conflict after a redemption, also when the discount is removed', async () => {
    const { body } = await create();
    const sub = await redeem(body.code);
    await app.api.delete(`/api/billing/subscriptions/${sub.id}/discounts/${sub.discounts[0].id}`);
    expectRefusal(await app.api.delete(`${PATH}/${body.id}`), 409, 'delete_conflict');
    expect((await app.api.get(`${PATH}/${body.id}`)).body.timesRedeemed).toBe(1);
  });
});

describe('P1 a plan that a coupon names', () => {
  test('409 delete_conflict until the coupon no longer names it', async () => {
    const plan = await app.given.plan();
    const { body } = await create({ appliesTo: [(await app.given.plan()).id, plan.id] });
    const remove = () => app.api.delete(`/api/billing/plans/${plan.id}`);
    expectRefusal(await remove(), 409, 'delete_conflict');
    await put(body.id, { appliesTo: [] });
    expect((await remove()).status).toBe(204);
  });
});
