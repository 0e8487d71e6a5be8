import { afterEach, describe, expect, test } from '@jest/globals';
import {
  billedPeriods,
  closeApps,
  eventsOf,
  eventTypesOf,
  invoicesOf,
  movementsOf,
  periodRows,
  putSubscription,
  run,
  runAt,
  runEvery,
  startAt,
  subscriptionOf,
} from '../billing/support.ts';

afterEach(closeApps);

const START = '2026-03-01T09:00:00.000Z';
const TRIAL_END = '2026-03-15T09:00:00.000Z';

describe('trials', () => {
  test('S.6 14 days: notice, first paid period, next invoice a week ahead', async () => {
    const app = await startAt(START);
    const sub = await app.given.subscription({ trialDays: 14 });
    expect(sub).toMatchObject({
      status: 'trialing',
      trialEnd: TRIAL_END,
      currentPeriodStart: START,
      currentPeriodEnd: TRIAL_END,
    });
    expect(await periodRows(app, sub.id)).toEqual([]);
    await runEvery(app, 6, '2026-04-08T09:00:00.000Z');
    expect(await billedPeriods(app, sub.id)).toEqual([
      '2026-03-15: 2026-03-15 - 2026-04-15',
      '2026-04-08: 2026-04-15 - 2026-05-15',
    ]);
    const events = await eventsOf(app, sub.customerId);
    expect(events.map(({ type, createdAt }) => `${createdAt} ${type}`)).toEqual([
      '2026-03-01T09:00:00.000Z subscription.created',
      '2026-03-12T09:00:00.000Z subscription.trial_ending',
      '2026-03-15T09:00:00.000Z invoice.created',
      '2026-03-15T09:00:00.000Z invoice.issued',
      '2026-03-15T09:00:00.000Z subscription.updated',
      '2026-04-08T09:00:00.000Z invoice.created',
      '2026-04-08T09:00:00.000Z invoice.issued',
    ]);
    expect(events[1].data).toEqual({
      subscriptionId: sub.id,
      customerId: sub.customerId,
      planId: sub.planId,
      trialEnd: TRIAL_END,
    });
    expect(await movementsOf(app, sub.customerId)).toEqual(['new 4999 -> 4999 (trial_end)']);
  });

  test('S.7 first run five days late: the period starts at the end of the trial, the invoice is of the day of the run', async () => {
    const app = await startAt(START);
    const { id, customerId } = await app.given.subscription({ trialDays: 14 });
    expect(await runAt(app, '2026-03-20T00:00:00.000Z')).toMatchObject({
      trialNotices: 1,
      trialsConverted: 1,
      invoicesGenerated: 1,
      renewed: 0,
    });
    expect(await billedPeriods(app, id)).toEqual(['2026-03-20: 2026-03-15 - 2026-04-15']);
    expect(await subscriptionOf(app, id)).toMatchObject({ status: 'active', currentPeriodStart: TRIAL_END });
    await run(app);
    expect((await eventTypesOf(app, customerId)).filter((type) => type.endsWith('trial_ending'))).toHaveLength(1);
  });

  test('S.8 with cancelAtPeriodEnd: canceled at the end of the trial, no invoice', async () => {
    const app = await startAt(START);
    const { id, customerId } = await app.given.subscription({ trialDays: 14 });
    await putSubscription(app, id, { cancelAtPeriodEnd: true });
    expect(await runAt(app, '2026-03-16T00:00:00.000Z')).toMatchObject({ canceled: 1, trialsConverted: 0 });
    expect(await subscriptionOf(app, id)).toMatchObject({ status: 'canceled', canceledAt: TRIAL_END });
    expect(await invoicesOf(app, id)).toEqual([]);
    expect(await periodRows(app, id)).toEqual([]);
    expect(await movementsOf(app, customerId)).toEqual([]);
    const canceled = (await eventsOf(app, customerId)).find(({ type }) => type === 'subscription.canceled');
    expect(canceled.data).toMatchObject({ canceledAt: TRIAL_END, reason: 'period_end' });
  });

  test('a trial shorter than the notice: the notice comes with the first run, once', async () => {
    const app = await startAt(START);
    const { customerId } = await app.given.subscription({ trialDays: 1 });
    expect(await run(app)).toMatchObject({ trialNotices: 1 });
    expect(await run(app)).toMatchObject({ trialNotices: 0 });
    expect(await eventTypesOf(app, customerId)).toEqual(['subscription.created', 'subscription.trial_ending']);
  });

  test('trialEndingNoticeDays 0: no notice', async () => {
    const app = await startAt(START);
    await app.api.put('/api/settings/billing', { trialEndingNoticeDays: 0 });
    const { customerId } = await app.given.subscription({ trialDays: 14 });
    await runAt(app, '2026-03-15T08:59:59.999Z');
    await runAt(app, TRIAL_END);
    expect(await eventTypesOf(app, customerId)).not.toContain('subscription.trial_ending');
  });

  test('a plan with trialDays, sold with trialDays 0: active at once', async () => {
    const app = await startAt(START);
    const plan = await app.given.plan({ trialDays: 14 });
    expect(await app.given.subscription({ planId: plan.id })).toMatchObject({
      status: 'trialing',
      trialEnd: TRIAL_END,
    });
    const sub = await app.given.subscription({ planId: plan.id, trialDays: 0 });
    expect(sub).toMatchObject({ status: 'active', trialEnd: null });
    expect(await invoicesOf(app, sub.id)).toHaveLength(1);
  });

  test('PUT status active ends the trial now: first period and invoice in the same commit', async () => {
    const app = await startAt(START);
    const { id, customerId } = await app.given.subscription({ trialDays: 14 });
    app.clock.set('2026-03-05T12:00:00.000Z');
    const { body } = await putSubscription(app, id, { status: 'active' });
    expect(body).toMatchObject({
      status: 'active',
      trialEnd: '2026-03-05T12:00:00.000Z',
      currentPeriodStart: '2026-03-05T12:00:00.000Z',
      currentPeriodEnd: '2026-04-05T12:00:00.000Z',
      version: 2,
    });
    expect(await billedPeriods(app, id)).toEqual(['2026-03-05: 2026-03-05 - 2026-04-05']);
    await runAt(app, '2026-03-15T09:00:00.000Z');
    expect(await eventTypesOf(app, customerId)).toEqual([
      'subscription.created',
      'invoice.created',
      'invoice.issued',
      'subscription.updated',
    ]);
  });

  test('PUT status active at the instant of the creation', async () => {
    const app = await startAt(START);
    const { id } = await app.given.subscription({ trialDays: 14 });
    expect((await putSubscription(app, id, { status: 'active' })).body).toMatchObject({
      currentPeriodStart: START,
      currentPeriodEnd: '2026-04-01T09:00:00.000Z',
    });
    expect(await periodRows(app, id)).toEqual(['advance 2026-03-01: invoiced', 'advance 2026-04-01: pending']);
  });

  test('canceled during the trial: nothing is billed, now or later', async () => {
    const app = await startAt(START);
    const { id } = await app.given.subscription({ trialDays: 14 });
    app.clock.set('2026-03-02T00:00:00.000Z');
    expect((await app.api.delete(`/api/billing/subscriptions/${id}`)).status).toBe(204);
    await runAt(app, '2026-04-20T00:00:00.000Z');
    expect(await subscriptionOf(app, id)).toMatchObject({
      status: 'canceled',
      canceledAt: '2026-03-02T00:00:00.000Z',
    });
    expect(await invoicesOf(app, id)).toEqual([]);
  });
});
