import { afterEach, describe, expect, test } from '@jest/globals';
import { startApp } from '../../support/app.ts';
import {
  auditOf,
  closeApps,
  dunning,
  eventsOf,
  invoiceOf,
  invoicesOf,
  movementsOf,
  pay,
  putInvoice,
  runAt,
  startAt,
  subscriptionOf,
} from '../support.ts';

afterEach(closeApps);

const DUE = '2026-06-01T00:00:00.000Z';

describe('overdue', () => {
  test('I.4 a millisecond before it is due: issued; when it is due: overdue, once', async () => {
    const app = await startAt('2026-05-02T00:00:00.000Z');
    const sub = await app.given.subscription();
    const [invoice] = await invoicesOf(app, sub.id);
    expect(invoice.dueDate).toBe(DUE);
    app.clock.set('2026-05-31T23:59:59.999Z');
    await runAt(app, app.clock.now());
    expect(await dunning(app)).toMatchObject({ invoicesMarkedOverdue: 0 });
    expect(await invoiceOf(app, invoice.id)).toMatchObject({ status: 'issued', version: 1 });
    app.clock.set(DUE);
    const results = await Promise.all([dunning(app), dunning(app), dunning(app)]);
    expect(results.reduce((sum, { invoicesMarkedOverdue }) => sum + invoicesMarkedOverdue, 0)).toBe(1);
    expect(await dunning(app)).toEqual({
      asOf: DUE,
      invoicesMarkedOverdue: 0,
      started: 0,
      reminders: 0,
      warnings: 0,
      finalNotices: 0,
      suspensions: 0,
      skipped: 0,
      exhausted: 0,
      resolved: 0,
      durationMs: expect.any(Number),
      errors: [],
    });
    expect(await invoiceOf(app, invoice.id)).toMatchObject({ status: 'overdue', version: 2, amountDue: '49.99' });
    expect(await subscriptionOf(app, sub.id)).toMatchObject({ status: 'past_due' });
    const told = (await eventsOf(app, sub.customerId)).filter(({ createdAt }) => createdAt === DUE);
    expect(told.map(({ type }) => type)).toEqual(['invoice.overdue', 'subscription.updated']);
    expect(told[0].data).toEqual({
      invoiceId: invoice.id,
      customerId: sub.customerId,
      subscriptionId: sub.id,
      invoiceNumber: invoice.invoiceNumber,
      amount: '49.99',
      amountDue: '49.99',
      currency: 'USD',
      dueDate: DUE,
    });
    expect(told[1].data).toMatchObject({ status: 'past_due', changes: ['status'] });
    expect(await auditOf(app, invoice.id)).toMatchObject([{ action: 'dunning', actor_type: 'system' }]);
  });

  test('past_due is billed on like active; paid: active again in the same commit; MRR is untouched', async () => {
    const app = await startAt('2026-05-02T00:00:00.000Z');
    const { id, customerId } = await app.given.subscription();
    await runAt(app, DUE);
    await dunning(app);
    expect(await runAt(app, '2026-06-02T00:00:00.000Z')).toMatchObject({ renewed: 1 });
    expect(await runAt(app, '2026-06-25T00:00:00.000Z')).toMatchObject({ invoicesPreGenerated: 1 });
    const [first, second] = await invoicesOf(app, id);
    app.clock.set(second.dueDate);
    expect(await dunning(app)).toMatchObject({ invoicesMarkedOverdue: 1 });
    await pay(app, first.id, '49.99');
    expect(await subscriptionOf(app, id)).toMatchObject({ status: 'past_due' });
    await pay(app, second.id, '49.98');
    expect(await subscriptionOf(app, id)).toMatchObject({ status: 'past_due' });
    await pay(app, second.id, '0.01');
    expect(await subscriptionOf(app, id)).toMatchObject({ status: 'active' });
    expect((await eventsOf(app, customerId)).slice(-3).map(({ type }) => type)).toEqual([
      'payment.succeeded',
      'invoice.paid',
      'subscription.updated',
    ]);
    expect(await movementsOf(app, customerId)).toHaveLength(1);
  });

  test('healed by a void, too; the period is waived and not billed again', async () => {
    const app = await startAt('2026-05-02T00:00:00.000Z');
    const { id } = await app.given.subscription();
    const [invoice] = await invoicesOf(app, id);
    app.clock.set(DUE);
    await dunning(app);
    expect((await putInvoice(app, invoice.id, { status: 'void' })).body.status).toBe('void');
    expect(await subscriptionOf(app, id)).toMatchObject({ status: 'active' });
    await runAt(app, '2026-06-02T00:00:00.000Z');
    expect((await invoicesOf(app, id)).map(({ status }) => status)).toEqual(['void', 'issued']);
  });

  test('a manual invoice of the subscription counts as well; one without subscription changes none', async () => {
    const app = await startAt('2026-05-02T00:00:00.000Z');
    const { id, customerId } = await app.given.subscription();
    await app.given.invoice({ customerId, dueDate: app.clock.now() });
    await dunning(app);
    expect(await subscriptionOf(app, id)).toMatchObject({ status: 'active' });
    const mine = await app.given.invoice({ customerId, subscriptionId: id, dueDate: app.clock.now() });
    await dunning(app);
    expect(await subscriptionOf(app, id)).toMatchObject({ status: 'past_due' });
    await putInvoice(app, mine.id, { status: 'paid' });
    expect(await subscriptionOf(app, id)).toMatchObject({ status: 'active' });
  });

  test('more than a batch of them at once', async () => {
    const app = await startApp({ now: '2026-05-02T00:00:00.000Z' }); // most rows are copies, made by hand
    const customerId = (await app.given.customer()).id;
    const { id } = await app.given.invoice({ customerId });
    const [row] = await app.database.read('invoices').where({ id });
    const copies = Array.from({ length: 450 }, (_, i) => ({
      ...row,
      id: id.slice(0, 23) + String(i).padStart(3, '0'),
      invoice_number: `X-${i}`,
      origin: 'manual',
    }));
    for (let i = 0; i < 450; i += 50) await app.database.write('invoices').insert(copies.slice(i, i + 50));
    app.clock.set(DUE);
    expect(await dunning(app)).toMatchObject({ invoicesMarkedOverdue: 451 });
    expect(await app.database.read('invoices').where({ status: 'issued' })).toEqual([]);
    await app.close();
  });
});
