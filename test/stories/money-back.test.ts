import { afterEach, expect, test } from '@jest/globals';
import {
  adjust,
  balanceOf,
  closeApps,
  credit,
  invoiceOf,
  pay,
  posting,
  putInvoice,
  refund,
  startAt,
  trialBalance,
} from '../billing/support.ts';

afterEach(closeApps);

/** The rows G.1 to G.8 of the rules; the discount of G.2 is left out of the price, and the cash is not at a provider. */
test('credit, invoice, payment, credit note, refund and void, with the ledger after each', async () => {
  const app = await startAt('2026-03-15T10:30:00.000Z');
  await app.given.taxRule({ country: 'US', region: 'CA', rate: '0.0725' });
  const { id: customerId } = await app.given.customer({ billingCountry: 'US', billingState: 'CA' });
  const lines = (unitPrice: string) => [{ description: 'Work', quantity: 1, unitPrice }];

  const deposit = (await adjust(app, customerId, '20.00')).body;
  expect(await posting(app, 'credit.manual', deposit.id)).toEqual({ discounts: '20.00', customer_credit: '-20.00' });

  const invoice = await app.given.invoice({ customerId, lineItems: lines('90.00') });
  expect(invoice).toMatchObject({ total: '96.53', taxAmount: '6.53', creditsApplied: '20.00', amountDue: '76.53' });
  expect(await posting(app, 'invoice.issued', invoice.id)).toEqual({
    receivable: '96.53',
    revenue: '-90.00',
    tax_payable: '-6.53',
  });

  const payment = (await pay(app, invoice.id, '80.00')).body;
  expect(await posting(app, 'payment.succeeded', payment.id)).toEqual({
    'cash:manual': '80.00',
    receivable: '-76.53',
    customer_credit: '-3.47',
  });

  const note = (await credit(app, invoice.id, '30.00')).body;
  expect(note.taxAmount).toBe('2.03');
  expect(await posting(app, 'credit_note.issued', note.id)).toEqual({
    revenue: '27.97',
    tax_payable: '2.03',
    customer_credit: '-30.00',
  });

  const returned = (await refund(app, payment.id, '23.47')).body;
  expect(returned).toMatchObject({ taxAmount: '1.35', status: 'completed' });
  expect(await posting(app, 'refund.reserved', returned.id)).toEqual({ customer_credit: '3.47', refunds: '-3.47' });
  expect(await posting(app, 'refund.completed', returned.id)).toEqual({
    refunds: '22.12',
    tax_payable: '1.35',
    'cash:manual': '-23.47',
  });
  expect(await invoiceOf(app, invoice.id)).toMatchObject({
    status: 'paid',
    amountRefunded: '20.00',
    amountDue: '0.00',
  });
  expect(await balanceOf(app, customerId)).toBe('30.00');
  const balance = {
    receivable: '0.00',
    'cash:manual': '56.53',
    customer_credit: '-30.00',
    tax_payable: '-3.15',
    revenue: '-62.03',
    discounts: '20.00',
    refunds: '18.65',
  };
  expect(await trialBalance(app)).toEqual(balance);

  const other = await app.given.invoice({ customerId, lineItems: lines('50.00') });
  expect(other).toMatchObject({ total: '53.63', creditsApplied: '30.00', amountDue: '23.63' });
  expect(await balanceOf(app, customerId)).toBe('0.00');
  await putInvoice(app, other.id, { status: 'void' });
  expect(await balanceOf(app, customerId)).toBe('30.00');
  expect(await trialBalance(app)).toEqual(balance);
});
