import { afterEach, describe, expect, test } from '@jest/globals';
import {
  billedPeriods,
  closeApps,
  dunning,
  eventsOf,
  eventTypesOf,
  invoiceOf,
  invoicesOf,
  movementsOf,
  pay,
  periodRows,
  putInvoice,
  putSubscription,
  run,
  runAt,
  startAt,
  subscriptionOf,
} from '../billing/support.ts';

afterEach(closeApps);

const START = '2026-04-01T00:00:00.000Z';

/** A monthly subscription of 100.00 whose April is paid. */
async function paused(at: string) {
  const app = await startAt(START);
  const plan = await app.given.plan({ basePrice: '100.00' });
  const sub = await app.given.subscription({ planId: plan.id });
  const [first] = await invoicesOf(app, sub.id);
  await pay(app, first.id, '100.00');
  await runAt(app, at);
  const { body } = await putSubscription(app, sub.id, { status: 'paused' });
  return { app, id: sub.id as string, customerId: sub.customerId as string, body };
}

describe('pause and resume', () => {
  test('Q.23 paused 04-10, resumed 04-20: the period goes on to 05-01', async () => {
    const { app, id, customerId, body } = await paused('2026-04-10T00:00:00.000Z');
    expect(body).toMatchObject({ status: 'paused', pauseReason: 'requested', pausedAt: '2026-04-10T00:00:00.000Z' });
    expect(await periodRows(app, id)).toEqual(['advance 2026-04-01: invoiced']);
    app.clock.set('2026-04-20T00:00:00.000Z');
    const resumed = await putSubscription(app, id, { status: 'active' });
    expect(resumed.body).toMatchObject({
      status: 'active',
      pauseReason: null,
      pausedAt: null,
      currentPeriodStart: START,
      currentPeriodEnd: '2026-05-01T00:00:00.000Z',
    });
    expect(await billedPeriods(app, id)).toHaveLength(1);
    await runAt(app, '2026-05-01T00:00:00.000Z');
    expect((await billedPeriods(app, id))[1]).toBe('2026-05-01: 2026-05-01 - 2026-06-01');
    expect(await movementsOf(app, customerId)).toEqual([
      'new 10000 -> 10000 (create)',
      'churn -10000 -> 0 (pause)',
      'reactivation 10000 -> 10000 (resume)',
    ]);
    const events = (await eventsOf(app, customerId)).slice(5, 9);
    expect(events.map(({ type, data }) => [type, data.reason ?? data.changes])).toEqual([
      ['subscription.paused', 'requested'],
      ['subscription.updated', ['status']],
      ['subscription.resumed', 'requested'],
      ['subscription.updated', ['status']],
    ]);
    expect(events[0].data).toMatchObject({ subscriptionId: id, customerId, pausedAt: '2026-04-10T00:00:00.000Z' });
  });

  test('Q.23 resumed 05-10: a new period from 05-10, one invoice at once; the old anchor is gone', async () => {
    const { app, id } = await paused('2026-04-10T00:00:00.000Z');
    expect(await runAt(app, '2026-05-05T00:00:00.000Z')).toMatchObject({ renewed: 0, invoicesGenerated: 0 });
    app.clock.set('2026-05-10T00:00:00.000Z');
    const { body } = await putSubscription(app, id, { status: 'active' });
    expect(body).toMatchObject({
      currentPeriodStart: '2026-05-10T00:00:00.000Z',
      currentPeriodEnd: '2026-06-10T00:00:00.000Z',
    });
    expect(await billedPeriods(app, id)).toEqual([
      '2026-04-01: 2026-04-01 - 2026-05-01',
      '2026-05-10: 2026-05-10 - 2026-06-10',
    ]);
    expect((await invoicesOf(app, id))[1]).toMatchObject({ total: '100.00', dueDate: '2026-06-09T00:00:00.000Z' });
    await runAt(app, '2026-06-03T00:00:00.000Z');
    expect((await billedPeriods(app, id))[2]).toBe('2026-06-03: 2026-06-10 - 2026-07-10');
  });

  test('resumed at the very end of the period: the period that would have begun is the new one', async () => {
    const { app, id } = await paused('2026-04-10T00:00:00.000Z');
    app.clock.set('2026-05-01T00:00:00.000Z');
    await putSubscription(app, id, { status: 'active' });
    expect(await billedPeriods(app, id)).toEqual([
      '2026-04-01: 2026-04-01 - 2026-05-01',
      '2026-05-01: 2026-05-01 - 2026-06-01',
    ]);
  });

  test('resumed at the very end of the period when the next one is waived: it ends where the new periods do', async () => {
    const app = await startAt('2026-01-31T10:00:00.000Z');
    const plan = await app.given.plan({ basePrice: '100.00' });
    const { id } = await app.given.subscription({ planId: plan.id });
    await runAt(app, '2026-02-21T10:00:00.000Z');
    await putInvoice(app, (await invoicesOf(app, id))[1].id, { status: 'void' });
    await putSubscription(app, id, { status: 'paused' });
    app.clock.set('2026-02-28T10:00:00.000Z');
    await putSubscription(app, id, { status: 'active' });
    const { currentPeriodEnd } = await subscriptionOf(app, id);
    const rows = await app.database
      .read('billing_periods')
      .where({ subscription_id: id })
      .orderBy('period_start')
      .select('period_start', 'period_end', 'state');
    expect(rows.map((row) => [row.period_start, row.period_end, row.state])).toEqual([
      ['2026-01-31T10:00:00.000Z', '2026-02-28T10:00:00.000Z', 'invoiced'],
      ['2026-02-28T10:00:00.000Z', currentPeriodEnd, 'waived'],
      [currentPeriodEnd, '2026-04-28T10:00:00.000Z', 'pending'],
    ]);
    expect(currentPeriodEnd).toBe('2026-03-28T10:00:00.000Z');
  });

  test('paused after the next period was invoiced: void; resumed: invoiced again at the next run', async () => {
    const { app, id } = await paused('2026-04-25T00:00:00.000Z');
    expect((await invoicesOf(app, id)).map(({ status }) => status)).toEqual(['paid', 'void']);
    app.clock.set('2026-04-28T00:00:00.000Z');
    await putSubscription(app, id, { status: 'active' });
    expect(await run(app)).toMatchObject({ invoicesPreGenerated: 1 });
    expect((await invoicesOf(app, id)).map(({ status }) => status)).toEqual(['paid', 'void', 'issued']);
  });

  test('the next period was voided by a person, the pause goes over its start: the new period is billed', async () => {
    const app = await startAt(START);
    const { id } = await app.given.subscription();
    await runAt(app, '2026-04-24T00:00:00.000Z');
    const [, next] = await invoicesOf(app, id);
    await app.api.put(`/api/billing/invoices/${next.id}`, { status: 'void' });
    await putSubscription(app, id, { status: 'paused' });
    app.clock.set('2026-05-10T00:00:00.000Z');
    await putSubscription(app, id, { status: 'active' });
    expect((await billedPeriods(app, id)).at(-1)).toBe('2026-05-10: 2026-05-10 - 2026-06-10');
    await runAt(app, '2026-06-10T00:00:00.000Z');
    expect(await billedPeriods(app, id)).toHaveLength(3);
  });

  test('resumed with an overdue invoice: past_due; paid: active', async () => {
    const app = await startAt(START);
    const { id, customerId } = await app.given.subscription();
    const [first] = await invoicesOf(app, id);
    app.clock.set('2026-04-10T00:00:00.000Z');
    await putSubscription(app, id, { status: 'paused' });
    app.clock.set('2026-05-01T00:00:00.000Z');
    expect(await dunning(app)).toMatchObject({ invoicesMarkedOverdue: 1 });
    expect(await subscriptionOf(app, id)).toMatchObject({ status: 'paused' });
    app.clock.set('2026-05-02T00:00:00.000Z');
    expect((await putSubscription(app, id, { status: 'active' })).body).toMatchObject({ status: 'past_due' });
    expect(await billedPeriods(app, id)).toHaveLength(2);
    await pay(app, first.id, first.amountDue);
    expect(await subscriptionOf(app, id)).toMatchObject({ status: 'active' });
    expect(await movementsOf(app, customerId)).toHaveLength(3);
  });

  test('an invoice paid while paused leaves the pause alone', async () => {
    const app = await startAt(START);
    const { id } = await app.given.subscription();
    const [first] = await invoicesOf(app, id);
    await putSubscription(app, id, { status: 'paused' });
    app.clock.set('2026-05-02T00:00:00.000Z');
    await dunning(app);
    await pay(app, first.id, first.amountDue);
    expect(await subscriptionOf(app, id)).toMatchObject({ status: 'paused', pauseReason: 'requested' });
  });

  test('paused with cancelAtPeriodEnd: canceled at the end of the period', async () => {
    const { app, id, customerId } = await paused('2026-04-10T00:00:00.000Z');
    await putSubscription(app, id, { cancelAtPeriodEnd: true });
    expect(await runAt(app, '2026-05-03T00:00:00.000Z')).toMatchObject({ canceled: 1 });
    expect(await subscriptionOf(app, id)).toMatchObject({
      status: 'canceled',
      canceledAt: '2026-05-01T00:00:00.000Z',
      pauseReason: null,
      pausedAt: null,
    });
    expect((await movementsOf(app, customerId)).slice(1)).toEqual(['churn -10000 -> 0 (pause)']);
  });

  test('Q12 cancelAtPeriodEnd set after the end of the paused period: canceled at once, as of its end', async () => {
    const { app, id, customerId } = await paused('2026-04-10T00:00:00.000Z');
    app.clock.set('2026-05-20T00:00:00.000Z');
    const { body } = await putSubscription(app, id, { cancelAtPeriodEnd: true });
    expect(body).toMatchObject({ status: 'canceled', canceledAt: '2026-05-01T00:00:00.000Z' });
    expect((await eventsOf(app, customerId)).at(-2).data).toMatchObject({ reason: 'period_end' });
    expect((await eventTypesOf(app, customerId)).slice(-2)).toEqual(['subscription.canceled', 'subscription.updated']);
  });

  test('canceled while paused, and while past_due: open invoices stay due', async () => {
    const { app, id } = await paused('2026-04-10T00:00:00.000Z');
    app.clock.set('2026-04-12T00:00:00.000Z');
    expect((await putSubscription(app, id, { status: 'canceled' })).body).toMatchObject({
      status: 'canceled',
      canceledAt: '2026-04-12T00:00:00.000Z',
    });
    const late = await app.given.subscription();
    const [invoice] = await invoicesOf(app, late.id);
    app.clock.set(invoice.dueDate);
    await dunning(app);
    await app.api.delete(`/api/billing/subscriptions/${late.id}`);
    expect(await invoiceOf(app, invoice.id)).toMatchObject({ status: 'overdue', amountDue: '49.99' });
    await pay(app, invoice.id, '49.99');
    expect(await subscriptionOf(app, late.id)).toMatchObject({ status: 'canceled' });
  });
});
