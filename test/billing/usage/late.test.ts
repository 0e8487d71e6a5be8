import { afterEach, describe, expect, test } from '@jest/globals';
import type { TestApp } from '../../support/app.ts';
import {
  balanceOf,
  closeApps,
  credit,
  dunning,
  type Entity,
  invoiceOf,
  invoicesOf,
  pay,
  putInvoice,
  putSubscription,
  run,
  runAt,
  startAt,
  subscriptionOf,
} from '../support.ts';
import { linesOf, notesOf, START, usageRows, usageSubscription, use, voidEvent } from './support.ts';

afterEach(closeApps);

const FEB = '2026-02-28T10:00:00.000Z';
const MAR = '2026-03-31T10:00:00.000Z';
const APR = '2026-04-30T10:00:00.000Z';
const MAY = '2026-05-31T10:00:00.000Z';
const timestamp = '2026-02-20T00:00:00Z';
const LATE_LINE = 'API: calls, late usage for 2026-01-31 to 2026-02-28';

/** 100 used and billed in February, and the clock in March. */
async function billed(plan: object = {}, over: object = {}): Promise<{ app: TestApp; sub: Entity; invoice: Entity }> {
  const app = await startAt(START);
  const sub = await usageSubscription(app, plan, over);
  await use(app, sub.id, '100');
  await runAt(app, FEB);
  app.clock.advance({ days: 1 });
  return { app, sub, invoice: (await invoicesOf(app, sub.id)).at(-1) };
}

describe('when late usage is rated again (rules U7)', () => {
  test('not with an invoice ahead, but at the boundary', async () => {
    const { app, sub } = await billed({ basePrice: '20.00' }, { preRenewalInvoiceDays: 7 });
    await use(app, sub.id, '5', { timestamp });
    await runAt(app, '2026-03-25T00:00:00.000Z');
    expect(linesOf((await invoicesOf(app, sub.id)).at(-1))).toEqual(['API (Monthly) = 20.00']);
    await runAt(app, MAR);
    expect(linesOf((await invoicesOf(app, sub.id)).at(-1))).toEqual([`${LATE_LINE}, 5 = 0.50`]);
  });

  test('when a paused subscription resumes, within its period or after it', async () => {
    for (const at of ['2026-03-20T00:00:00.000Z', '2026-04-10T00:00:00.000Z']) {
      const { app, sub } = await billed();
      await putSubscription(app, sub.id, { status: 'paused' });
      await use(app, sub.id, '5', { timestamp });
      await runAt(app, at);
      expect(await invoicesOf(app, sub.id)).toHaveLength(1);
      await putSubscription(app, sub.id, { status: 'active' });
      expect(linesOf((await invoicesOf(app, sub.id)).at(-1))).toEqual([`${LATE_LINE}, 5 = 0.50`]);
      await run(app);
    }
  });

  test('when it is canceled, together with the last usage', async () => {
    const { app, sub } = await billed();
    await use(app, sub.id, '5', { timestamp });
    await use(app, sub.id, '7');
    app.clock.advance({ hours: 1 });
    await app.api.delete(`/api/billing/subscriptions/${sub.id}`);
    expect(linesOf((await invoicesOf(app, sub.id)).at(-1))).toEqual(['API: calls, 7 = 0.70', `${LATE_LINE}, 5 = 0.50`]);
  });

  test('with a cancellation at the end of the period, and when it takes money back alone', async () => {
    const { app, sub, invoice } = await billed();
    await putSubscription(app, sub.id, { cancelAtPeriodEnd: true });
    await use(app, sub.id, '-40', { timestamp });
    await runAt(app, MAR);
    expect(await notesOf(app, invoice.id)).toHaveLength(1);
    expect(await invoiceOf(app, invoice.id)).toMatchObject({ creditNotesAmount: '4.00', amountDue: '6.00' });
    expect(await subscriptionOf(app, sub.id)).toMatchObject({ status: 'canceled' });
  });
});

describe('corrections', () => {
  test('go over the invoices that billed it, the newest first, each up to its rest', async () => {
    const { app, sub, invoice } = await billed();
    await use(app, sub.id, '20', { timestamp });
    await runAt(app, MAR);
    app.clock.advance({ days: 1 });
    await use(app, sub.id, '-50', { timestamp });
    await runAt(app, APR);
    const [first, second] = await invoicesOf(app, sub.id);
    expect([first.id, first.creditNotesAmount, first.amountDue]).toEqual([invoice.id, '3.00', '7.00']);
    expect([second.creditNotesAmount, second.amountDue, second.status]).toEqual(['2.00', '0.00', 'paid']);
    expect((await usageRows(app, sub.id))[0]).toBe('2026-01-31 invoiced 70 700 700');
  });

  test('with tax: a base of 1.00 is 1.07 with its tax part', async () => {
    const app = await startAt(START);
    await app.given.taxRule({ country: 'US', region: 'CA', rate: '0.0725' });
    const { id: customerId } = await app.given.customer({ billingCountry: 'US', billingState: 'CA' });
    const { id } = await usageSubscription(app, {}, { customerId });
    await use(app, id, '100');
    await runAt(app, FEB);
    app.clock.advance({ days: 1 });
    await use(app, id, '-10', { timestamp });
    await runAt(app, MAR);
    const [{ id: invoiceId, total }] = await invoicesOf(app, id);
    expect(total).toBe('10.73');
    const [note] = (await app.api.get(`/api/billing/credit-notes?invoiceId=${invoiceId}`)).body;
    expect(note).toMatchObject({ amount: '1.07', taxAmount: '0.07', status: 'issued' });
  });

  test('do not give twice what a person has credited already', async () => {
    const { app, sub, invoice } = await billed();
    await pay(app, invoice.id, '10.00');
    await credit(app, invoice.id, '8.00');
    await use(app, sub.id, '-100', { timestamp });
    await runAt(app, MAR);
    expect((await notesOf(app, invoice.id)).map((note) => note.slice(0, 4))).toEqual(['8.00', '2.00']);
    expect(await balanceOf(app, sub.customerId)).toBe('10.00');
    expect((await usageRows(app, sub.id))[0]).toBe('2026-01-31 invoiced 0 0 0');
  });

  test('heal a past due subscription whose overdue invoice they settle', async () => {
    const { app, sub, invoice } = await billed();
    await runAt(app, MAR);
    await dunning(app);
    expect((await subscriptionOf(app, sub.id)).status).toBe('past_due');
    await use(app, sub.id, '-100', { timestamp });
    await runAt(app, APR);
    expect((await invoiceOf(app, invoice.id)).status).toBe('paid');
    expect((await subscriptionOf(app, sub.id)).status).toBe('active');
  });

  test('of several periods on one invoice are one credit note', async () => {
    const { app, sub } = await billed();
    await use(app, sub.id, '20', { timestamp });
    await use(app, sub.id, '30');
    await runAt(app, MAR);
    const second = (await invoicesOf(app, sub.id)).at(-1)!;
    expect(second.total).toBe('5.00');
    app.clock.advance({ days: 1 });
    await use(app, sub.id, '-5', { timestamp });
    await use(app, sub.id, '-6', { timestamp: '2026-03-05T00:00:00Z' });
    await runAt(app, APR);
    expect(await notesOf(app, second.id)).toEqual([
      '1.10: API: calls, usage correction for 2026-01-31 to 2026-02-28, -5; API: calls, usage correction for 2026-02-28 to 2026-03-31, -6',
    ]);
  });

  test('cannot be voided: what they rest on stays', async () => {
    const { app, sub, invoice } = await billed();
    await use(app, sub.id, '-10', { timestamp });
    await runAt(app, MAR);
    const [note] = (await app.api.get(`/api/billing/credit-notes?invoiceId=${invoice.id}`)).body;
    const answer = await app.api.put(`/api/billing/credit-notes/${note.id}`, { status: 'void' });
    expect([answer.status, answer.body.error]).toEqual([409, 'conflict']);
  });
});

describe('an invoice that a person voids (rules I4)', () => {
  test('gives up its usage: neither billed again nor rated again', async () => {
    const { app, sub, invoice } = await billed();
    await use(app, sub.id, '5', { timestamp });
    await putInvoice(app, invoice.id, { status: 'void' });
    expect((await usageRows(app, sub.id))[0]).toBe('2026-01-31 waived');
    await use(app, sub.id, '5', { timestamp });
    await runAt(app, MAR);
    expect((await invoicesOf(app, sub.id)).length).toBe(1);
  });

  test('gives up late usage on it, which then is worth nothing when taken back', async () => {
    const { app, sub, invoice } = await billed();
    const late = await use(app, sub.id, '50', { timestamp });
    await runAt(app, MAR);
    const second = (await invoicesOf(app, sub.id)).at(-1)!;
    await putInvoice(app, second.id, { status: 'void' });
    expect((await usageRows(app, sub.id))[0]).toBe('2026-01-31 invoiced 150 1500 1000');
    await runAt(app, APR);
    expect(await invoicesOf(app, sub.id)).toHaveLength(2);
    await voidEvent(app, late.id);
    await runAt(app, MAY);
    expect(await invoiceOf(app, invoice.id)).toMatchObject({ creditNotesAmount: '3.33', amountDue: '6.67' });
    expect((await usageRows(app, sub.id))[0]).toBe('2026-01-31 invoiced 100 1000 667');
  });
});

test('several usage rows of one period, each with its own price version (Q7)', async () => {
  const app = await startAt(START);
  const sub = await usageSubscription(app, { basePrice: '20.00' });
  await use(app, sub.id, '10');
  const middle = '2026-02-14T10:00:00.000Z';
  app.clock.set(middle);
  // Another price of the same plan: the present usage row is closed now, and one at the new price opens.
  await app.api.put(`/api/billing/plans/${sub.planId}`, { unitPrice: '0.20' });
  const changed = await app.api.post(`/api/billing/subscriptions/${sub.id}/change-plan`, { newPlanId: sub.planId });
  expect(changed).toMatchObject({ status: 200, body: { invoice: null, creditIssued: null } });
  await use(app, sub.id, '5');
  await use(app, sub.id, '4', { timestamp: '2026-02-14T09:59:59.999Z' });
  await run(app);
  app.clock.advance({ days: 1 });
  await use(app, sub.id, '1');
  await use(app, sub.id, '2', { timestamp: '2026-02-01T00:00:00Z' });
  await runAt(app, FEB);
  expect((await invoicesOf(app, sub.id)).map(linesOf)).toEqual([
    ['API (Monthly) = 20.00'],
    ['API: calls, 14 = 1.40'],
    ['API (Monthly) = 20.00', 'API: calls, 6 = 1.20', 'API: calls, late usage for 2026-01-31 to 2026-02-14, 2 = 0.20'],
  ]);
}, 60_000);
