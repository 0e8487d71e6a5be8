import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Answer } from '../../support/app.ts';
import { startApp, type TestApp } from '../../support/app.ts';
import { expectRefusal } from '../../support/refusals.ts';
import { adjust, balanceOf, credit, pay, refund } from '../support.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

/** An invoice of 100.00 of a customer whose balance holds the most there can be, 9 999 999 999 999.99 (rules M7). */
async function given() {
  const customer = await app.given.customer();
  const lineItems = [{ description: 'Setup', quantity: 1, unitPrice: '100.00' }];
  const { id } = await app.given.invoice({ customerId: customer.id, status: 'issued', lineItems });
  const { body: payment } = await pay(app, id, '60.00');
  for (let i = 0; i < 10; i++) await adjust(app, customer.id, '999999999999.99');
  await adjust(app, customer.id, '0.09');
  return { customerId: customer.id, invoiceId: id, paymentId: payment.id };
}
type Given = Awaited<ReturnType<typeof given>>;

test.each<[string, (on: Given) => Promise<Answer>]>([
  ['a deposit', ({ customerId }) => adjust(app, customerId, '0.01')],
  ['an overpayment', ({ invoiceId }) => pay(app, invoiceId, '40.01')],
  ['a credit note', ({ invoiceId }) => credit(app, invoiceId, '40.01')],
  ['a refund', ({ paymentId }) => refund(app, paymentId, '0.01', { destination: 'credit' })],
])('400 validation_error on amount for %s that makes the credit balance too large', async (_, move) => {
  const on = await given();
  expectRefusal(await move(on), 400, 'validation_error', 'amount');
  expect(await balanceOf(app, on.customerId)).toBe('9999999999999.99');
});
