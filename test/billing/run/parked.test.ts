import { afterEach, describe, expect, test } from '@jest/globals';
import type { TestApp } from '../../support/app.ts';
import { expectRefusal, UNKNOWN_ID } from '../../support/refusals.ts';
import { closeApps, type Entity, invoicesOf, periodRows, run, runAt, startAt, subscriptionOf } from '../support.ts';

afterEach(closeApps);

const START = '2026-01-31T10:00:00.000Z';
const DUE = '2026-02-21T10:00:00.000Z';
const lifecycle = async (app: TestApp) => (await app.cron.post('/api/billing/cron/lifecycle')).body;
const retry = (app: TestApp, id: string) => app.api.post(`/api/billing/parked/${id}/retry`);
const parked = async (app: TestApp, query = ''): Promise<Entity[]> =>
  (await app.api.get(`/api/billing/parked?${query}`)).body;
const setQuantity = (app: TestApp, id: string, quantity: number) =>
  app.database.write('subscriptions').where({ id }).update({ quantity });

/** Five subscriptions; the next invoice of the third would exceed every bound. */
async function oneFailing() {
  const app = await startAt(START);
  const plan = await app.given.plan({ pricingModel: 'per_unit', basePrice: '0', unitPrice: '999999999' });
  const subs: Entity[] = [];
  for (let i = 0; i < 5; i++) subs.push(await app.given.subscription({ planId: plan.id }));
  const bad = subs[2];
  await setQuantity(app, bad.id, 999_999_999);
  app.clock.set(DUE);
  return { app, bad, good: subs.filter((sub) => sub !== bad) };
}

describe('S12 a subscription that fails alone', () => {
  test('the others go on; it is parked, told in errors, and left out of later runs', async () => {
    const { app, bad, good } = await oneFailing();
    const result = await lifecycle(app);
    expect(result).toMatchObject({ invoicesPreGenerated: 4, invoicesGenerated: 4 });
    expect(result.errors).toEqual([
      { resourceType: 'subscription', resourceId: bad.id, message: expect.stringContaining('too large') },
    ]);
    for (const { id } of good) expect(await invoicesOf(app, id)).toHaveLength(2);
    expect(await invoicesOf(app, bad.id)).toHaveLength(1);
    expect(await periodRows(app, bad.id)).toEqual(['advance 2026-01-31: invoiced', 'advance 2026-02-28: pending']);
    expect(await subscriptionOf(app, bad.id)).toMatchObject({
      version: 1,
      currentPeriodEnd: '2026-02-28T10:00:00.000Z',
    });
    const numbers = await app.database.read('invoices').orderBy('invoice_number').select('invoice_number');
    expect(numbers.map(({ invoice_number: number }) => number).at(-1)).toBe('INV-2026-0009'); // no gap

    const [item] = await parked(app);
    expect(item).toEqual({
      id: expect.any(String),
      subscriptionId: bad.id,
      customerId: bad.customerId,
      code: 'validation_error',
      message: expect.stringContaining('too large'),
      evidence: expect.objectContaining({
        status: 'active',
        currentPeriodStart: START,
        currentPeriodEnd: '2026-02-28T10:00:00.000Z',
        nextActionAt: DUE,
      }),
      attempts: 1,
      parkedAt: DUE,
      resolvedAt: null,
      createdAt: DUE,
    });
    await setQuantity(app, bad.id, 1);
    expect(await runAt(app, '2026-03-01T00:00:00.000Z')).toMatchObject({ renewed: 4 });
    expect(await invoicesOf(app, bad.id)).toHaveLength(1);
  });

  test('retryParked: 409 conflict while it fails, counted; 200 once repaired, with everything that was missed', async () => {
    const { app, bad } = await oneFailing();
    await lifecycle(app);
    const [{ id }] = (await parked(app)) as [Entity];
    app.clock.set('2026-03-01T00:00:00.000Z');
    const refused = await retry(app, id);
    expectRefusal(refused, 409, 'conflict');
    expect(refused.body.message).toContain('too large');
    expect(await parked(app)).toMatchObject([{ id, attempts: 2, parkedAt: DUE, resolvedAt: null }]);
    expect(await invoicesOf(app, bad.id)).toHaveLength(1);

    await setQuantity(app, bad.id, 1);
    const solved = await retry(app, id);
    expect(solved.status).toBe(200);
    expect(solved.body).toMatchObject({ id, attempts: 2, resolvedAt: '2026-03-01T00:00:00.000Z' });
    expect(await invoicesOf(app, bad.id)).toHaveLength(2);
    expect(await subscriptionOf(app, bad.id)).toMatchObject({ currentPeriodStart: '2026-02-28T10:00:00.000Z' });
    app.clock.set('2026-03-02T00:00:00.000Z');
    const again = await retry(app, id);
    expect([again.status, again.body]).toEqual([200, solved.body]);
    const audits = await app.database.read('audit_log').where({ entity_id: bad.id }).orderBy('id');
    expect(audits.map(({ reason }: Entity) => reason)).toEqual([
      null,
      'parked',
      'parked',
      'pre_renewal',
      'boundary',
      'parked billing retried',
    ]);
  });

  test('it can be parked again later: another item', async () => {
    const { app, bad } = await oneFailing();
    await lifecycle(app);
    const [{ id }] = (await parked(app)) as [Entity];
    await setQuantity(app, bad.id, 1);
    await retry(app, id);
    await runAt(app, '2026-02-28T10:00:00.000Z');
    await setQuantity(app, bad.id, 999_999_999);
    app.clock.set('2026-03-24T10:00:00.000Z');
    await lifecycle(app);
    expect(await parked(app)).toMatchObject([
      { attempts: 1, resolvedAt: null },
      { id, resolvedAt: DUE },
    ]);
    await setQuantity(app, bad.id, 1);
  });

  test('inconsistent data is parked as internal_error', async () => {
    const app = await startAt(START);
    const plan = await app.given.plan({ billingCycle: 'yearly' });
    const sub = await app.given.subscription({ planId: plan.id, billingCycle: 'yearly' });
    await app.database.write('subscriptions').where({ id: sub.id }).update({ billing_cycle: 'monthly' });
    app.clock.set('2027-02-01T00:00:00.000Z');
    expect((await lifecycle(app)).errors).toHaveLength(1);
    expect(await parked(app)).toMatchObject([{ subscriptionId: sub.id, code: 'internal_error' }]);
    await app.database.write('subscriptions').where({ id: sub.id }).update({ billing_cycle: 'yearly' });
    const [{ id }] = (await parked(app)) as [Entity];
    expect((await retry(app, id)).status).toBe(200);
  });

  test('parallel retries of a repaired one: one invoice', async () => {
    const { app, bad } = await oneFailing();
    await lifecycle(app);
    await setQuantity(app, bad.id, 1);
    const [{ id }] = (await parked(app)) as [Entity];
    const answers = await Promise.all(Array.from({ length: 5 }, () => retry(app, id)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    expect(await invoicesOf(app, bad.id)).toHaveLength(2);
    await run(app);
    expect(await parked(app)).toHaveLength(1);
  });

  test('listParked: by customer, in pages; 400 and 404 for what is not there', async () => {
    const { app, bad, good } = await oneFailing();
    await setQuantity(app, good[0].id, 999_999_999);
    await lifecycle(app);
    expect(await parked(app, `customerId=${bad.customerId}`)).toMatchObject([{ subscriptionId: bad.id }]);
    expect(await parked(app, `customerId=${good[1].customerId}`)).toEqual([]);
    const first = await app.api.get('/api/billing/parked?limit=1');
    const next = /^<([^>]+)>; rel="next"$/.exec(first.headers.link!)![1]!;
    const second = await app.api.get(next);
    expect(second.headers.link).toBeUndefined();
    expect([...first.body, ...second.body]).toEqual(await parked(app));
    expectRefusal(await app.api.get('/api/billing/parked?status=x'), 400, 'validation_error', 'status');
    expectRefusal(await app.api.get('/api/billing/parked?cursor=x'), 400, 'validation_error', 'cursor');
    expectRefusal(await retry(app, UNKNOWN_ID), 404, 'not_found');
    expectRefusal(await retry(app, 'x'), 400, 'validation_error', 'id');
    for (const { id } of [bad, good[0]]) await setQuantity(app, id, 1);
  });
});
