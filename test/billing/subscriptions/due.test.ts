import { afterEach, describe, expect, test } from '@jest/globals';
import type { TestApp } from '../../support/app.ts';
import { expectRefusal } from '../../support/refusals.ts';
import {
  auditOf,
  billedPeriods,
  closeApps,
  eventTypesOf,
  invoicesOf,
  periodRows,
  putSubscription,
  run,
  startAt,
  subscriptionOf,
} from '../support.ts';

afterEach(closeApps);

const START = '2026-01-31T10:00:00.000Z';

async function overdue(now: string, over = {}) {
  const app = await startAt(START);
  const sub = await app.given.subscription(over);
  app.clock.set(now);
  return { app, sub, id: sub.id as string };
}

/** A subscription whose next invoice would exceed every bound. */
async function failing(now: string) {
  const app = await startAt(START);
  const plan = await app.given.plan({ pricingModel: 'per_unit', basePrice: '0', unitPrice: '999999999' });
  const sub = await app.given.subscription({ planId: plan.id });
  await app.database.write('subscriptions').where({ id: sub.id }).update({ quantity: 999_999_999 });
  app.clock.set(now);
  return { app, id: sub.id as string, customerId: sub.customerId as string };
}
const repair = (app: TestApp, id: string) => app.database.write('subscriptions').where({ id }).update({ quantity: 1 });

describe('S13 a change performs what was due first', () => {
  test('two boundaries late: both are crossed, then the change; each action has its audit row', async () => {
    const { app, sub, id } = await overdue('2026-04-01T00:00:00.000Z');
    const { body, status } = await putSubscription(app, id, { preRenewalInvoiceDays: 0 }, { 'If-Match': '"1"' });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      preRenewalInvoiceDays: 0,
      currentPeriodStart: '2026-03-31T10:00:00.000Z',
      currentPeriodEnd: '2026-04-30T10:00:00.000Z',
    });
    expect(await billedPeriods(app, id)).toEqual([
      '2026-01-31: 2026-01-31 - 2026-02-28',
      '2026-04-01: 2026-02-28 - 2026-03-31',
      '2026-04-01: 2026-03-31 - 2026-04-30',
    ]);
    const audits = (await auditOf(app, id)).slice(1);
    expect(audits.map(({ action, reason }) => `${action} ${reason}`)).toEqual([
      'updateSubscription pre_renewal',
      'updateSubscription boundary',
      'updateSubscription pre_renewal',
      'updateSubscription boundary',
      'updateSubscription null',
    ]);
    expect((await eventTypesOf(app, sub.customerId)).filter((type) => type.endsWith('renewed'))).toHaveLength(2);
  });

  test('{} performs it too, and the answer shows it', async () => {
    const { app, id } = await overdue('2026-03-01T00:00:00.000Z');
    const { body } = await putSubscription(app, id, {});
    expect(body).toMatchObject({ currentPeriodStart: '2026-02-28T10:00:00.000Z', version: 2 });
    expect(await invoicesOf(app, id)).toHaveLength(2);
  });

  test('cancel: the missed period is billed, the cancellation is of now', async () => {
    const { app, id } = await overdue('2026-03-10T00:00:00.000Z');
    await app.api.delete(`/api/billing/subscriptions/${id}`);
    expect(await billedPeriods(app, id)).toHaveLength(2);
    expect(await subscriptionOf(app, id)).toMatchObject({
      canceledAt: '2026-03-10T00:00:00.000Z',
      currentPeriodStart: '2026-02-28T10:00:00.000Z',
    });
  });

  test('cancelAtPeriodEnd of a period that is over: it was canceled then, and cannot be taken back', async () => {
    const { app, id } = await overdue('2026-02-01T00:00:00.000Z');
    await putSubscription(app, id, { cancelAtPeriodEnd: true });
    app.clock.set('2026-03-10T00:00:00.000Z');
    const answer = await putSubscription(app, id, { cancelAtPeriodEnd: false });
    expectRefusal(answer, 400, 'subscription_not_active');
    expect(await subscriptionOf(app, id)).toMatchObject({ status: 'active' }); // refused as a whole
    expect(await run(app)).toMatchObject({ canceled: 1 });
    expect(await subscriptionOf(app, id)).toMatchObject({ canceledAt: '2026-02-28T10:00:00.000Z' });
  });

  test('a trial that is over becomes active first: PUT paused then pauses it', async () => {
    const { app, id } = await overdue('2026-02-20T00:00:00.000Z', { trialDays: 14 });
    const { body } = await putSubscription(app, id, { status: 'paused' });
    expect(body).toMatchObject({ status: 'paused', currentPeriodStart: '2026-02-14T10:00:00.000Z' });
    expect(await invoicesOf(app, id)).toHaveLength(1);
  });

  test('after a failed try too: what waits for its next try is done before the change', async () => {
    const { app, id } = await overdue('2026-02-28T10:00:00.000Z');
    const later = { next_action_at: '2026-02-28T16:00:00.000Z', error_count: 3, last_error: 'The database was busy.' };
    await app.database.write('subscriptions').where({ id }).update(later);
    const { body } = await putSubscription(app, id, { cancelAtPeriodEnd: true });
    expect(body).toMatchObject({ currentPeriodStart: '2026-02-28T10:00:00.000Z', cancelAtPeriodEnd: true });
    expect(await billedPeriods(app, id)).toHaveLength(2);
    const [row] = await app.database.read('subscriptions').where({ id });
    expect([row.error_count, row.last_error, row.next_action_at]).toEqual([0, null, '2026-03-31T10:00:00.000Z']);
  });

  test('409 conflict when a due action fails: nothing is stored, not even what was due before it', async () => {
    const { app, id, customerId } = await failing('2026-04-01T00:00:00.000Z');
    const before = [await subscriptionOf(app, id), await periodRows(app, id), await eventTypesOf(app, customerId)];
    for (const body of [{}, { metadata: { a: 1 } }, { status: 'canceled' }])
      expectRefusal(await putSubscription(app, id, body), 409, 'conflict');
    expectRefusal(await app.api.delete(`/api/billing/subscriptions/${id}`), 409, 'conflict');
    const after = [await subscriptionOf(app, id), await periodRows(app, id), await eventTypesOf(app, customerId)];
    expect(after).toEqual(before);
    await repair(app, id);
    expect((await putSubscription(app, id, { status: 'canceled' })).body).toMatchObject({ status: 'canceled' });
    expect(await invoicesOf(app, id)).toHaveLength(3);
  });

  test('409 conflict while its billing is parked', async () => {
    const { app, id } = await failing('2026-02-21T10:00:00.000Z');
    await app.cron.post('/api/billing/cron/lifecycle');
    await repair(app, id);
    const answer = await putSubscription(app, id, { status: 'canceled' });
    expectRefusal(answer, 409, 'conflict');
    expect(answer.body.message).toContain('parked');
    const [item] = (await app.api.get('/api/billing/parked')).body;
    expect((await app.api.post(`/api/billing/parked/${item.id}/retry`)).status).toBe(200);
    expect((await putSubscription(app, id, { status: 'canceled' })).status).toBe(200);
  });

  test('409 conflict when more than 120 actions are due; a run goes on with it', async () => {
    const { app, id } = await overdue('2036-02-29T10:00:00.000Z', { preRenewalInvoiceDays: 0 }); // 121 months
    expectRefusal(await putSubscription(app, id, { metadata: { a: 1 } }), 409, 'conflict');
    expect(await invoicesOf(app, id)).toHaveLength(1);
    expect(await run(app)).toMatchObject({ renewed: 120 });
    expect((await putSubscription(app, id, { metadata: { a: 1 } })).status).toBe(200);
    expect(await invoicesOf(app, id)).toHaveLength(122);
  });
});
