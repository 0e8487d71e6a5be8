import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { checkInvariants } from '../../src/billing/audit/invariants.ts';
import { atOnce, tally } from '../support/answers.ts';
import { type Answer, startApp, type TestApp } from '../support/app.ts';

jest.setTimeout(300_000); // on a busy machine; seconds otherwise

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterEach(async () => {
  await app.drain();
  expect(await checkInvariants(app.database.read, app.clock.now())).toEqual([]);
});
afterAll(() => app.close());

const TIMES = 50;
const pay = (invoiceId: string, amount: string, over: object = {}): Promise<Answer> =>
  app.api.post('/api/billing/payments', { invoiceId, amount, paymentMethod: 'bank_transfer', ...over });

/** What the payments of an invoice of 100.00 came to. */
async function outcome(invoice: { id: string; customerId: string }) {
  const { status, amountPaid, amountDue, payments } = (await app.api.get(`/api/billing/invoices/${invoice.id}`)).body;
  const { creditBalance } = (await app.api.get(`/api/customers/${invoice.customerId}`)).body;
  return { status, amountPaid, amountDue, payments: payments.length, creditBalance };
}

describe('50 parallel payments of one invoice of 100.00', () => {
  test('201 once and 400 for the others with the exact amount', async () => {
    const invoice = await app.given.invoice();
    const answers = await atOnce(TIMES, () => pay(invoice.id, '100.00'));
    expect(tally(answers)).toEqual({ '201': 1, '400 invoice_already_paid': TIMES - 1 });
    expect(await outcome(invoice)).toEqual({
      status: 'paid',
      amountPaid: '100.00',
      amountDue: '0.00',
      payments: 1,
      creditBalance: '0.00',
    });
  });

  test('201 until it is settled with parts; only the last one leaves credit', async () => {
    const invoice = await app.given.invoice();
    const answers = await atOnce(TIMES, () => pay(invoice.id, '3.00'));
    expect(tally(answers)).toEqual({ '201': 34, '400 invoice_already_paid': TIMES - 34 });
    expect(await outcome(invoice)).toEqual({
      status: 'paid',
      amountPaid: '100.00',
      amountDue: '0.00',
      payments: 34,
      creditBalance: '2.00',
    });
  });

  test('201 once with too much; the excess is credited once', async () => {
    const invoice = await app.given.invoice();
    const answers = await atOnce(TIMES, () => pay(invoice.id, '130.00'));
    expect(tally(answers)).toEqual({ '201': 1, '400 invoice_already_paid': TIMES - 1 });
    expect(await outcome(invoice)).toMatchObject({ amountPaid: '100.00', payments: 1, creditBalance: '30.00' });
  });

  test('201 with one and the same payment for one provider reference', async () => {
    const invoice = await app.given.invoice();
    const over = { paymentMethod: 'stripe', providerReference: 'pi_parallel' };
    const answers = await atOnce(TIMES, () => pay(invoice.id, '40.00', over));
    expect(tally(answers)).toEqual({ '201': TIMES });
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(await outcome(invoice)).toMatchObject({ status: 'issued', amountPaid: '40.00', payments: 1 });
  });

  test('409 already_exists for the other invoice when one provider reference is booked on two', async () => {
    const invoices = [await app.given.invoice(), await app.given.invoice()];
    const over = { paymentMethod: 'xendit', providerReference: 'py_parallel' };
    const answers = await atOnce(TIMES, (n) => pay(invoices[n % 2]!.id, '40.00', over));
    expect(tally(answers)).toEqual({ '201': TIMES / 2, '409 already_exists': TIMES / 2 });
    const paid = await Promise.all(invoices.map(outcome));
    expect(paid.map(({ amountPaid }) => amountPaid).sort()).toEqual(['0.00', '40.00']);
  });

  test('void or paid, never both', async () => {
    for (let round = 0; round < 5; round++) {
      const invoice = await app.given.invoice();
      const answers = await atOnce(8, (n) =>
        n % 2 === 0 ? pay(invoice.id, '60.00') : app.api.put(`/api/billing/invoices/${invoice.id}`, { status: 'void' }),
      );
      const { status, payments } = await outcome(invoice);
      if (status === 'void') expect(payments).toBe(0);
      else expect(payments).toBe(2);
      expect(answers.every((answer) => answer.status < 500)).toBe(true);
    }
  });
});

describe('credit', () => {
  test('is used once by many invoices issued at once', async () => {
    const customer = await app.given.customer();
    const first = await app.given.invoice({ customerId: customer.id });
    await pay(first.id, '350.00');
    const issued = await atOnce(20, () => app.given.invoice({ customerId: customer.id }));
    const used = issued.map(({ creditsApplied }) => creditsApplied).sort();
    expect(used).toEqual([...Array(17).fill('0.00'), '100.00', '100.00', '50.00']);
    expect((await app.api.get(`/api/customers/${customer.id}`)).body.creditBalance).toBe('0.00');
  });
});
