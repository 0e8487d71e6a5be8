import { afterEach, describe, expect, test } from '@jest/globals';
import type { TestApp } from '../../support/app.ts';
import {
  balanceOf,
  closeApps,
  type Entity,
  invoiceOf,
  invoicesOf,
  pay,
  putInvoice,
  putSubscription,
  run,
  runAt,
  startAt,
} from '../support.ts';

afterEach(closeApps);

const NOW = '2026-03-15T10:30:00.000Z';

/** A customer with credit from an overpaid invoice. */
async function withCredit(app: TestApp, amount: string): Promise<string> {
  const { id, customerId } = await app.given.invoice();
  await pay(app, id, (100 + Number(amount)).toFixed(2));
  return customerId;
}
const entriesOf = async (app: TestApp, customerId: string): Promise<Entity[]> =>
  (await app.database.read('credit_entries').where({ customer_id: customerId }).orderBy('seq')).map((e: Entity) => [
    Number(e.seq),
    e.reason,
    Number(e.amount),
    Number(e.balance_after),
  ]);

describe('credit balances', () => {
  test('K.2 balance 10.00, uses at the same time: together 10.00, never below zero', async () => {
    const app = await startAt(NOW);
    const customerId = await withCredit(app, '10.00');
    const lineItems = [{ description: 'x', quantity: 1, unitPrice: '7.00' }];
    const made = await Promise.all(Array.from({ length: 6 }, () => app.given.invoice({ customerId, lineItems })));
    const used = made.map(({ creditsApplied }) => creditsApplied).toSorted();
    expect(used).toEqual(['0.00', '0.00', '0.00', '0.00', '3.00', '7.00']);
    expect(await balanceOf(app, customerId)).toBe('0.00');
    expect(await entriesOf(app, customerId)).toEqual([
      [1, 'overpayment', 1000, 1000],
      [2, 'invoice_application', -700, 300],
      [3, 'invoice_application', -300, 0],
    ]);
  });

  test('credit runs on over the invoices of one billing run, and over its batches', async () => {
    const app = await startAt(NOW);
    const customerId = await withCredit(app, '125.00');
    const planId = (await app.given.plan({ basePrice: '50.00' })).id;
    const subs: Entity[] = [];
    for (let i = 0; i < 3; i++) subs.push(await app.given.subscription({ customerId, planId, trialDays: 1 }));
    await runAt(app, '2026-03-16T10:30:00.000Z');
    const invoices = (await Promise.all(subs.map(({ id }) => invoicesOf(app, id)))).flat();
    expect(invoices.map(({ creditsApplied, amountDue, status }) => [creditsApplied, amountDue, status])).toEqual([
      ['50.00', '0.00', 'paid'],
      ['50.00', '0.00', 'paid'],
      ['25.00', '25.00', 'issued'],
    ]);
    expect(await balanceOf(app, customerId)).toBe('0.00');
  });

  test('several invoices of one request use each coin once (S13)', async () => {
    const app = await startAt(NOW);
    const customerId = await withCredit(app, '120.00');
    const planId = (await app.given.plan({ basePrice: '50.00' })).id;
    const { id } = await app.given.subscription({ customerId, planId });
    app.clock.set('2026-06-20T00:00:00.000Z');
    await putSubscription(app, id, {});
    const invoices = await invoicesOf(app, id);
    expect(invoices.map(({ creditsApplied }) => creditsApplied)).toEqual(['50.00', '50.00', '20.00', '0.00']);
    expect(await entriesOf(app, customerId)).toEqual([
      [1, 'overpayment', 12000, 12000],
      [2, 'invoice_application', -5000, 7000],
      [3, 'invoice_application', -5000, 2000],
      [4, 'invoice_application', -2000, 0],
    ]);
  });

  test('credit of a withdrawn charge is used by the invoice of the same request', async () => {
    const app = await startAt(NOW);
    const customerId = await withCredit(app, '75.00');
    const planId = (await app.given.plan({ basePrice: '50.00' })).id;
    const { id } = await app.given.subscription({ customerId, planId });
    await runAt(app, '2026-04-10T00:00:00.000Z'); // the next period is invoiced: 25.00 credit, 25.00 due
    await putSubscription(app, id, { status: 'paused' });
    expect(await balanceOf(app, customerId)).toBe('25.00');
    app.clock.set('2026-05-01T00:00:00.000Z');
    await putSubscription(app, id, { status: 'active' });
    const last = (await invoicesOf(app, id)).at(-1);
    expect(last).toMatchObject({ creditsApplied: '25.00', amountDue: '25.00' });
    expect((await entriesOf(app, customerId)).map(([, reason]: Entity) => reason)).toEqual([
      'overpayment',
      'invoice_application',
      'invoice_application',
      'invoice_void',
      'invoice_application',
    ]);
  });

  test('a payment, a void and a run on one customer at the same time: entries without gap, balance = their sum', async () => {
    const app = await startAt(NOW);
    const customerId = await withCredit(app, '40.00');
    const planId = (await app.given.plan({ basePrice: '30.00' })).id;
    await app.given.subscription({ customerId, planId, trialDays: 1 });
    const paidOver = await app.given.invoice({ customerId, currency: 'USD' }); // uses the 40.00
    const voided = await app.given.invoice({ customerId });
    app.clock.set('2026-03-16T10:30:00.000Z');
    await Promise.all([
      pay(app, paidOver.id, '90.00'),
      putInvoice(app, voided.id, { status: 'void' }),
      run(app),
      app.given.invoice({ customerId }),
      app.given.invoice({ customerId }),
    ]);
    const entries = await entriesOf(app, customerId);
    expect(entries.map(([seq]: Entity) => seq)).toEqual(entries.map((_: Entity, i: number) => i + 1));
    const sum = entries.reduce((total: number, [, , amount]: Entity) => total + amount, 0);
    expect(await balanceOf(app, customerId)).toBe((sum / 100).toFixed(2));
    expect(await invoiceOf(app, voided.id)).toMatchObject({ status: 'void' });
  });
});
