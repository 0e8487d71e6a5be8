import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { TestApp } from '../../support/app.ts';
import { expectRefusal, UNKNOWN_ID } from '../../support/refusals.ts';
import {
  adjust,
  auditOf,
  balanceOf,
  closeApps,
  credit,
  type Entity,
  eventsOf,
  eventTypesOf,
  invoiceOf,
  pay,
  posting,
  refund,
  startAt,
} from '../support.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startAt('2026-03-15T10:30:00.000Z');
  await app.given.taxRule({ country: 'US', region: 'CA', rate: '0.0725' });
});
afterAll(closeApps);

/** An invoice of 100.00 and a payment of it. */
async function paid(amount = '100.00', more: Entity = {}): Promise<{ invoice: Entity; payment: Entity; to: string }> {
  const invoice = await app.given.invoice();
  const payment = (await pay(app, invoice.id, amount, more)).body;
  return { invoice, payment, to: invoice.customerId };
}
const paymentOf = async (id: string): Promise<Entity> => (await app.api.get(`/api/billing/payments/${id}`)).body;
const refused = async (paymentId: string, amount: string, limit: string, more: Entity = {}) => {
  const answer = await refund(app, paymentId, amount, more);
  expectRefusal(answer, 400, 'refund_exceeds_payment', 'amount');
  expect(answer.body.fields.amount).toBe(`must be at most ${limit}`);
};

describe('createRefund to the original', () => {
  test.each(['manual', 'bank_transfer', 'check'])('201 completed at once for %s', async (paymentMethod) => {
    const { invoice, payment, to } = await paid('100.00', { paymentMethod });
    app.clock.advance({ hours: 1 });
    const answer = await refund(app, payment.id, '20');
    expect(answer.status).toBe(201);
    const made = answer.body;
    expect(answer.headers.location).toBe(`/api/billing/refunds/${made.id}`);
    expect(made).toEqual({
      id: expect.stringMatching(/^[0-9A-Z]{26}$/),
      paymentId: payment.id,
      invoiceId: invoice.id,
      customerId: to,
      amount: '20.00',
      taxAmount: '0.00',
      currency: 'USD',
      reason: 'Too much',
      destination: 'original',
      status: 'completed',
      providerReference: null,
      failureReason: null,
      processedAt: app.clock.now(),
      createdAt: app.clock.now(),
      updatedAt: app.clock.now(),
    });
    const before = await invoiceOf(app, invoice.id);
    expect(before).toMatchObject({
      status: 'paid',
      amountPaid: '100.00',
      amountDue: '0.00',
      amountRefunded: '20.00',
      version: 3,
    });
    expect(await paymentOf(payment.id)).toEqual({
      ...payment,
      refundedAmount: '20.00',
      updatedAt: app.clock.now(),
    });
    expect(await posting(app, 'refund.completed', made.id)).toEqual({ refunds: '20.00', 'cash:manual': '-20.00' });
    expect(await posting(app, 'refund.reserved', made.id)).toEqual({});
    const [event] = await eventsOf(app, to, '&type=payment.refunded');
    expect(event.data).toEqual({
      refundId: made.id,
      customerId: to,
      paymentId: payment.id,
      invoiceId: invoice.id,
      amount: '20.00',
      currency: 'USD',
      destination: 'original',
    });
    const [audit] = await auditOf(app, made.id);
    expect(audit).toMatchObject({ action: 'createRefund', entity_type: 'refund' });
  });

  test('201 takes the excess first (K.1, K.11)', async () => {
    const { invoice, payment, to } = await paid('120.00');
    expect(payment).toMatchObject({ appliedAmount: '100.00', creditedAmount: '20.00' });
    expect(await balanceOf(app, to)).toBe('20.00');
    const made = (await refund(app, payment.id, '50.00')).body;
    expect(await balanceOf(app, to)).toBe('0.00');
    expect(await invoiceOf(app, invoice.id)).toMatchObject({
      status: 'paid',
      amountRefunded: '30.00',
      amountDue: '0.00',
    });
    expect((await paymentOf(payment.id)).refundedAmount).toBe('50.00');
    expect(await posting(app, 'refund.reserved', made.id)).toEqual({ customer_credit: '20.00', refunds: '-20.00' });
    expect(await posting(app, 'refund.completed', made.id)).toEqual({ refunds: '50.00', 'cash:manual': '-50.00' });
    const [entry] = (await app.api.get(`/api/billing/credits?customerId=${to}`)).body;
    expect(entry).toMatchObject({ amount: '-20.00', reason: 'refund', refundId: made.id, invoiceId: invoice.id });
    await refused(payment.id, '70.01', '70.00');
    expect((await refund(app, payment.id, '70.00')).status).toBe(201);
    await refused(payment.id, '0.01', '0.00');
  });

  test('201 takes the excess alone, without touching the invoice', async () => {
    const { invoice, payment, to } = await paid('120.00');
    const before = await invoiceOf(app, invoice.id);
    expect((await refund(app, payment.id, '15.00')).body).toMatchObject({ amount: '15.00', taxAmount: '0.00' });
    expect(await balanceOf(app, to)).toBe('5.00');
    const { payments, ...after } = await invoiceOf(app, invoice.id);
    expect({ ...before, payments }).toEqual({ ...after, payments });
    expect(await posting(app, 'refund.completed', (await refund(app, payment.id, '10.00')).body.id)).toEqual({
      refunds: '10.00',
      'cash:manual': '-10.00',
    });
    expect(await balanceOf(app, to)).toBe('0.00');
    expect((await invoiceOf(app, invoice.id)).amountRefunded).toBe('5.00');
  });

  test('400 refund_exceeds_payment when the excess is spent (K.12)', async () => {
    const { payment, to } = await paid('120.00');
    await adjust(app, to, '-20.00');
    await refused(payment.id, '120.00', '100.00');
    await adjust(app, to, '5.00');
    await refused(payment.id, '105.01', '105.00');
    expect((await refund(app, payment.id, '105.00')).status).toBe(201);
    expect(await balanceOf(app, to)).toBe('0.00');
  });

  test('400 refund_exceeds_payment beyond the payment (K.10)', async () => {
    const { invoice, payment } = await paid('25.00');
    await refund(app, payment.id, '20.00');
    await refused(payment.id, '10.00', '5.00');
    expect(await invoiceOf(app, invoice.id)).toMatchObject({
      status: 'issued',
      amountPaid: '25.00',
      amountDue: '75.00',
      amountRefunded: '20.00',
    });
  });

  test('400 refund_exceeds_payment beyond what credit notes left of the invoice (K.14)', async () => {
    const { invoice, payment, to } = await paid();
    await credit(app, invoice.id, '60.00');
    await refused(payment.id, '50.00', '40.00');
    expect((await refund(app, payment.id, '40.00')).status).toBe(201);
    expect(await balanceOf(app, to)).toBe('60.00');
  });

  test('400 refund_exceeds_payment beyond the invoice over several payments', async () => {
    const { invoice, payment } = await paid('50.00');
    const second = (await pay(app, invoice.id, '50.00')).body;
    await credit(app, invoice.id, '30.00');
    await refund(app, payment.id, '50.00');
    await refused(second.id, '20.01', '20.00');
    expect((await refund(app, second.id, '20.00')).status).toBe(201);
    expect((await invoiceOf(app, invoice.id)).amountRefunded).toBe('70.00');
  });

  test.each(['stripe', 'xendit', 'lemonsqueezy'])('400 provider_not_configured for %s', async (paymentMethod) => {
    const { payment } = await paid('100.00', { paymentMethod });
    expectRefusal(await refund(app, payment.id, '10.00'), 400, 'provider_not_configured');
    expect((await refund(app, payment.id, '10.00', { destination: 'credit' })).status).toBe(201);
    expect((await app.api.get(`/api/billing/refunds?paymentId=${payment.id}`)).body).toHaveLength(1);
  });
});

describe('createRefund to the credit balance', () => {
  test('201 deposits the applied part only', async () => {
    const { invoice, payment, to } = await paid('120.00');
    const made = (await refund(app, payment.id, '30.00', { destination: 'credit' })).body;
    expect(made).toMatchObject({ status: 'completed', destination: 'credit', processedAt: app.clock.now() });
    expect(await balanceOf(app, to)).toBe('50.00');
    expect(await invoiceOf(app, invoice.id)).toMatchObject({ status: 'paid', amountRefunded: '30.00' });
    expect(await posting(app, 'refund.completed', made.id)).toEqual({ refunds: '30.00', customer_credit: '-30.00' });
    expect((await eventTypesOf(app, to)).slice(-2)).toEqual(['payment.refunded', 'credit.deposited']);
    const [deposited] = (await eventsOf(app, to, '&type=credit.deposited')).slice(-1);
    expect(deposited.data).toMatchObject({
      amount: '30.00',
      balance: '50.00',
      reason: 'refund',
      invoiceId: invoice.id,
    });
    await refused(payment.id, '70.01', '70.00', { destination: 'credit' });
    expect((await refund(app, payment.id, '70.00', { destination: 'credit' })).status).toBe(201);
    expect(await balanceOf(app, to)).toBe('120.00');
    expect((await refund(app, payment.id, '20.00')).status).toBe(201);
  });
});

describe('the tax part of a refund', () => {
  test('201 counts together with credit notes, and everything returns exactly the tax', async () => {
    const customer = await app.given.customer({ billingCountry: 'US', billingState: 'CA' });
    const invoice = await app.given.invoice({ customerId: customer.id });
    const payment = (await pay(app, invoice.id, '107.25')).body;
    const first = (await credit(app, invoice.id, '33.33')).body;
    const second = (await refund(app, payment.id, '33.33')).body;
    const third = (await refund(app, payment.id, '20.00', { destination: 'credit' })).body;
    const fourth = (await credit(app, invoice.id, '20.59')).body;
    expect([first, second, third, fourth].map(({ taxAmount }) => taxAmount)).toEqual(['2.25', '2.26', '1.35', '1.39']);
    expect(await posting(app, 'refund.completed', second.id)).toEqual({
      refunds: '31.07',
      tax_payable: '2.26',
      'cash:manual': '-33.33',
    });
    await refused(payment.id, '0.01', '0.00');
  });

  test('201 splits what it takes back by product', async () => {
    const plan = await app.given.plan({ basePrice: '90.00' });
    const sub = await app.given.subscription({ planId: plan.id });
    const [invoice] = (await app.api.get(`/api/billing/invoices?subscriptionId=${sub.id}`)).body;
    const payment = (await pay(app, invoice.id, '100.00')).body;
    const made = (await refund(app, payment.id, '55.00')).body;
    const products = await app.database
      .read('journal_lines as l')
      .join('journal_entries as e', 'e.id', 'l.entry_id')
      .where({ 'e.fact_id': made.id, 'l.account': 'refunds' })
      .distinct('l.product_id');
    expect(products).toEqual([{ product_id: plan.productId }]);
  });
});

describe('createRefund refuses', () => {
  test.each([
    ['amount', { amount: '0.00' }],
    ['amount', { amount: '-1.00' }],
    ['amount', { amount: '1.001' }],
    ['amount', { amount: 1 }],
    ['reason', { reason: '' }],
    ['reason', { reason: 'x'.repeat(501) }],
    ['destination', { destination: 'bank' }],
    ['destination', { destination: null }],
    ['invoiceId', { invoiceId: UNKNOWN_ID }],
  ])('400 validation_error names %s: %j', async (field, over) => {
    const { payment } = await paid();
    expectRefusal(await refund(app, payment.id, '1.00', over), 400, 'validation_error', field);
  });

  test('409 conflict for a payment that did not succeed', async () => {
    const at = await startAt('2026-03-15T10:30:00.000Z');
    const invoice = await at.given.invoice();
    const payment = (await pay(at, invoice.id, '100.00')).body;
    const row = at.database.write('payments').where({ id: payment.id });
    await row.update({ status: 'pending', applied_amount: 0, credited_amount: 0 });
    for (const destination of ['original', 'credit'])
      expectRefusal(await refund(at, payment.id, '1.00', { destination }), 409, 'conflict');
    await at.database
      .write('payments')
      .where({ id: payment.id })
      .update({ status: 'succeeded', applied_amount: 10_000 });
  });

  test('404 not_found for an unknown payment, 401 and 403 for who may not', async () => {
    expectRefusal(await refund(app, UNKNOWN_ID, '1.00'), 404, 'not_found');
    const body = { paymentId: UNKNOWN_ID, amount: '1.00', reason: 'r' };
    expectRefusal(await app.anonymous.post('/api/billing/refunds', body), 401, 'unauthorized');
    const portal = app.withSession(await app.given.portalSession((await app.given.customer()).id));
    expectRefusal(await portal.post('/api/billing/refunds', body), 403, 'forbidden');
  });

  test('201 once for one Idempotency-Key', async () => {
    const { invoice, payment } = await paid();
    const body = { paymentId: payment.id, amount: '10.00', reason: 'r' };
    const send = () => app.api.post('/api/billing/refunds', body, { 'Idempotency-Key': 'once' });
    const [first, second] = [await send(), await send()];
    expect(second.text).toBe(first.text);
    expect((await invoiceOf(app, invoice.id)).amountRefunded).toBe('10.00');
  });
});

describe('a refunded payment', () => {
  test('200 keeps its refunds through a change of its notes', async () => {
    const { payment } = await paid();
    await refund(app, payment.id, '10.00');
    const path = `/api/billing/payments/${payment.id}`;
    expect((await app.api.put(path, { notes: 'By wire' })).body).toMatchObject({
      refundedAmount: '10.00',
      notes: 'By wire',
    });
    await refund(app, payment.id, '5.00', { destination: 'credit' });
    expect((await app.api.get(path)).body).toMatchObject({ refundedAmount: '15.00', notes: 'By wire' });
    const [listed] = (await app.api.get(`/api/billing/payments?invoiceId=${payment.invoiceId}`)).body;
    expect(listed.refundedAmount).toBe('15.00');
  });
});
