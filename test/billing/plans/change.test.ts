import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApp, type TestApp } from '../../support/app.ts';
import { expectRefusal, UNKNOWN_ID } from '../../support/refusals.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

const put = (id: string, body: unknown, headers = {}) => app.api.put(`/api/billing/plans/${id}`, body, headers);
const get = async (id: string, query = '') => (await app.api.get(`/api/billing/plans/${id}${query}`)).body;
const tiers = [
  { upTo: 10, unitPrice: '5' },
  { upTo: null, unitPrice: '1' },
];

describe('updatePlan', () => {
  test('200 other members change in place: version rises, planVersion stays', async () => {
    const plan = await app.given.plan();
    app.clock.advance({ ms: 1000 });
    const members = {
      name: 'New',
      active: false,
      trialDays: 14,
      features: { a: 1 },
      licenseTemplate: { maxActivations: 2, features: null },
    };
    const answer = await put(plan.id, members);
    expect(answer.headers.etag).toBe('"2"');
    expect(answer.body).toEqual({ ...plan, ...members, version: 2, updatedAt: app.clock.now() });
    expect((await put(plan.id, { licenseTemplate: null })).body).toMatchObject({
      licenseTemplate: null,
      planVersion: 1,
    });
  });

  test.each<[string, Record<string, unknown>]>([
    ['basePrice', { basePrice: '59.99' }],
    ['billingCycle', { billingCycle: 'yearly' }],
    ['tierMode', { tierMode: 'volume' }],
    ['pricingModel and tiers', { pricingModel: 'tiered', basePrice: '0', tiers }],
    ['pricingModel and unitPrice', { pricingModel: 'per_unit', basePrice: '0', unitPrice: '3.333' }],
    ['usageMetric', { pricingModel: 'usage_based', usageMetric: { name: 'calls', aggregation: 'count' } }],
  ])('200 another %s is the next planVersion, the earlier prices stay readable', async (_, change) => {
    const plan = await app.given.plan();
    const { body } = await put(plan.id, change);
    expect(body).toMatchObject({ planVersion: 2, version: 2, pricingModel: change.pricingModel ?? 'flat' });
    const first = await get(plan.id, '?planVersion=1');
    expect(first).toEqual({ ...plan, version: 2, updatedAt: body.updatedAt });
    expect(await get(plan.id, '?planVersion=2')).toEqual(body);
    expect(await get(plan.id)).toEqual(body);
  });

  test('200 the same prices written otherwise are no new version; {} changes nothing', async () => {
    const plan = await app.given.plan({ pricingModel: 'tiered', basePrice: '0', tiers, features: { b: 1, a: [1] } });
    app.clock.advance({ ms: 1000 });
    const same = {
      basePrice: '0.00',
      unitPrice: null,
      features: { a: [1], b: 1 },
      tiers: [
        { upTo: 10, unitPrice: '5.000', flatFee: '0' },
        { upTo: null, unitPrice: '1.0' },
      ],
    };
    for (const body of [{}, same]) expect((await put(plan.id, body)).body).toEqual(plan);
    expect(await app.database.read('audit_log').where({ entity_id: plan.id })).toHaveLength(1);
    expect(await app.database.read('plan_versions').where({ plan_id: plan.id })).toHaveLength(1);
  });

  test('200 writes an audit row with the members before and after', async () => {
    const plan = await app.given.plan();
    await put(plan.id, { basePrice: '59.99', name: 'B' });
    const [, row] = await app.database.read('audit_log').where({ entity_id: plan.id }).orderBy('id');
    expect(row.action).toBe('updatePlan');
    const changes = { name: ['Pro Monthly', 'B'], basePrice: ['49.99', '59.99'], planVersion: [1, 2] };
    expect(JSON.parse(row.changes)).toEqual(changes);
  });

  test('400 validation_error judges the plan as it would be, on the member, and changes nothing', async () => {
    const plan = await app.given.plan();
    const bad = async (body: unknown, ...fields: string[]) =>
      expectRefusal(await put(plan.id, body), 400, 'validation_error', ...fields);
    await bad({ pricingModel: 'tiered' }, 'basePrice', 'tiers');
    await bad({ pricingModel: 'usage_based' }, 'usageMetric');
    await bad({ pricingModel: 'per_unit', unitPrice: '5' }, 'basePrice');
    await bad({ unitPrice: '5' }, 'unitPrice');
    await bad({ tiers }, 'tiers');
    await bad({ basePrice: '1.005' }, 'basePrice');
    await bad({ basePrice: '-1' }, 'basePrice');
    await bad({ basePrice: null }, 'basePrice');
    await bad({ name: null }, 'name');
    await bad({ features: null }, 'features');
    await bad({ currency: 'USD' }, 'currency');
    await bad({ productId: plan.productId }, 'productId');
    await bad({ planVersion: 2 }, 'planVersion');
    expect(await get(plan.id)).toEqual(plan);
  });

  test('200 with the present version, 409 conflict with a stale one', async () => {
    const { id } = await app.given.plan();
    expect((await put(id, { name: 'A' }, { 'If-Match': '"1"' })).status).toBe(200);
    expectRefusal(await put(id, { name: 'B' }, { 'If-Match': '"1"' }), 409, 'conflict', 'If-Match');
    expectRefusal(await put(id, { name: 'B' }, { 'If-Match': 'x' }), 400, 'validation_error', 'If-Match');
    expect(await get(id)).toMatchObject({ name: 'A', version: 2 });
  });

  test('200 each of 10 price changes at once makes its own version', async () => {
    const { id } = await app.given.plan();
    const answers = await Promise.all(Array.from({ length: 10 }, (_, i) => put(id, { basePrice: `${i + 1}.00` })));
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
    const numbers = answers.map(({ body }) => body.planVersion).sort((a, b) => a - b);
    expect(numbers).toEqual(Array.from({ length: 10 }, (_, i) => i + 2));
    expect(await get(id)).toMatchObject({ planVersion: 11, version: 11 });
  });

  test('404, 400, 401 and 403 as documented', async () => {
    expectRefusal(await put(UNKNOWN_ID, { name: 'x' }), 404, 'not_found');
    expectRefusal(await put('x', {}), 400, 'validation_error', 'id');
    expectRefusal(await put(UNKNOWN_ID, undefined), 400, 'invalid_request');
    expectRefusal(await app.anonymous.put(`/api/billing/plans/${UNKNOWN_ID}`, {}), 401, 'unauthorized');
    const session = await app.given.portalSession((await app.given.customer()).id);
    expectRefusal(await app.withSession(session).put(`/api/billing/plans/${UNKNOWN_ID}`, {}), 403, 'forbidden');
  });
});

describe('deletePlan', () => {
  const remove = (id: string, headers = {}) => app.api.delete(`/api/billing/plans/${id}`, headers);

  test('204 and gone with all its versions', async () => {
    const { id } = await app.given.plan();
    await put(id, { basePrice: '1.00' });
    expectRefusal(await remove(id, { 'If-Match': '"1"' }), 409, 'conflict', 'If-Match');
    expect((await remove(id, { 'If-Match': '"2"' })).status).toBe(204);
    expectRefusal(await app.api.get(`/api/billing/plans/${id}`), 404, 'not_found');
    expectRefusal(await remove(id), 404, 'not_found');
  });

  test('409 delete_conflict with a subscription, also an ended one', async () => {
    const plan = await app.given.plan();
    const subscription = await app.given.subscription({ planId: plan.id });
    expectRefusal(await remove(plan.id), 409, 'delete_conflict');
    await app.api.delete(`/api/billing/subscriptions/${subscription.id}`);
    expectRefusal(await remove(plan.id), 409, 'delete_conflict');
  });

  test('409 delete_conflict for a plan that a subscription has left, or will change to', async () => {
    const { id: productId } = await app.given.product();
    const [left, present, coming] = [
      await app.given.plan({ productId }),
      await app.given.plan({ productId }),
      await app.given.plan({ productId }),
    ];
    const { id } = await app.given.subscription({ planId: left.id });
    const [version] = await app.database.read('plan_versions').where({ plan_id: present.id });
    const change = { planId: coming.id, billingCycle: 'monthly', quantity: 1, effectiveAt: app.clock.now() };
    const moved = { plan_id: present.id, plan_version_id: version.id, pending_change: JSON.stringify(change) };
    await app.database.write('subscriptions').where({ id }).update(moved);
    for (const plan of [left, present, coming]) expectRefusal(await remove(plan.id), 409, 'delete_conflict');
  });

  test('204 or 409 but never a subscription without plan, when both happen at once', async () => {
    const customer = await app.given.customer();
    for (let round = 0; round < 10; round++) {
      const { id: planId } = await app.given.plan();
      const body = { customerId: customer.id, planId, billingCycle: 'monthly' };
      const [gone, made] = await Promise.all([remove(planId), app.api.post('/api/billing/subscriptions', body)]);
      if (gone!.status === 204) expectRefusal(made!, 404, 'plan_not_found');
      else {
        expectRefusal(gone!, 409, 'delete_conflict');
        expect(made!.status).toBe(201);
      }
    }
  });

  test('400, 401, 403 and 404 as documented', async () => {
    expectRefusal(await remove('x'), 400, 'validation_error', 'id');
    expectRefusal(await remove(UNKNOWN_ID), 404, 'not_found');
    expectRefusal(await app.anonymous.delete(`/api/billing/plans/${UNKNOWN_ID}`), 401, 'unauthorized');
    const session = await app.given.portalSession((await app.given.customer()).id);
    expectRefusal(await app.withSession(session).delete(`/api/billing/plans/${UNKNOWN_ID}`), 403, 'forbidden');
  });
});
