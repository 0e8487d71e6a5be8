import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApp, type TestApp } from '../../support/app.ts';
import { expectRefusal, UNKNOWN_ID } from '../../support/refusals.ts';
import { auditOf, balanceOf, type Entity, eventsOf, invoiceOf, pay, posting, putInvoice } from '../support.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

const URL = '/api/billing/payments';
const invoice = (over: Entity = {}) => app.given.invoice(over);
const post = (body: unknown, headers = {}) => app.api.post(URL, body, headers);

describe('createPayment', () => {
  test('201 in part: applied, the invoice stays open; its event, posting, audit row, Location', async () => {
    const { id, customerId } = await invoice();
    const answer = await pay(app, id, '40');
    expect(answer.status).toBe(201);
    expect(answer.headers.location).toBe(`${URL}/${answer.body.id}`);
    expect(answer.body).toEqual({
      id: expect.any(String),
      invoiceId: id,
      customerId,
      amount: '40.00',
      currency: 'USD',
      paymentMethod: 'bank_transfer',
      status: 'succeeded',
      providerReference: null,
      paymentMethodId: null,
      appliedAmount: '40.00',
      creditedAmount: '0.00',
      refundedAmount: '0.00',
      notes: null,
      paidAt: app.clock.now(),
      createdAt: app.clock.now(),
      updatedAt: app.clock.now(),
    });
    expect((await app.api.get(answer.headers.location!)).body).toEqual(answer.body);
    expect(await invoiceOf(app, id)).toMatchObject({
      status: 'issued',
      amountPaid: '40.00',
      amountDue: '60.00',
      version: 2,
    });
    expect(await posting(app, 'payment.succeeded', answer.body.id)).toEqual({
      'cash:manual': '40.00',
      receivable: '-40.00',
    });
    const event = (await eventsOf(app, customerId)).at(-1);
    expect(event.type).toBe('payment.succeeded');
    expect(event.data).toEqual({
      paymentId: answer.body.id,
      customerId,
      invoiceId: id,
      amount: '40.00',
      currency: 'USD',
      paymentMethod: 'bank_transfer',
      paymentMethodId: null,
      providerReference: null,
    });
    expect(await auditOf(app, answer.body.id)).toMatchObject([{ action: 'createPayment', entity_type: 'payment' }]);
  });

  test('A.7 100.00 due; 40.00, then 60.00, then 60.00 again with the same reference', async () => {
    const { id, customerId } = await invoice();
    const send = (amount: string, reference: string) =>
      pay(app, id, amount, { paymentMethod: 'stripe', providerReference: reference, notes: 'by hand' });
    await send('40.00', 'pi_1');
    expect(await invoiceOf(app, id)).toMatchObject({ status: 'issued', amountDue: '60.00' });
    const second = await send('60.00', 'pi_2');
    expect(await invoiceOf(app, id)).toMatchObject({ status: 'paid', amountDue: '0.00', paidAt: app.clock.now() });
    const before = [await invoiceOf(app, id), await eventsOf(app, customerId)];
    const again = await send('60.00', 'pi_2');
    expect([again.status, again.body]).toEqual([201, second.body]);
    expect([await invoiceOf(app, id), await eventsOf(app, customerId)]).toEqual(before);
    expect(await auditOf(app, second.body.id)).toHaveLength(1);
    expectRefusal(await send('60.01', 'pi_2'), 409, 'already_exists', 'providerReference');
  });

  test.each(['stripe', 'xendit', 'lemonsqueezy'])(
    'a reference of %s is booked once, over all invoices',
    async (method) => {
      const [first, second] = [await invoice(), await invoice()];
      const more = { paymentMethod: method, providerReference: `ref-${method}` };
      expect((await pay(app, first.id, '10.00', more)).status).toBe(201);
      expectRefusal(await pay(app, second.id, '10.00', more), 409, 'already_exists', 'providerReference');
      expect(await invoiceOf(app, second.id)).toMatchObject({ amountPaid: '0.00', payments: [] });
      const other = { paymentMethod: 'bank_transfer', providerReference: `ref-${method}` };
      expect((await pay(app, second.id, '10.00', other)).status).toBe(201);
      expect((await pay(app, second.id, '10.00', other)).status).toBe(201);
      expect((await pay(app, first.id, '10.00', { paymentMethod: method })).status).toBe(201);
      expect(await posting(app, 'payment.succeeded', (await invoiceOf(app, first.id)).payments[0].id)).toHaveProperty([
        `cash:${method}`,
      ]);
    },
  );

  test('K.1 too much: paid, the rest is credit', async () => {
    const { id, customerId } = await invoice();
    const { body } = await pay(app, id, '120.00');
    expect(body).toMatchObject({ amount: '120.00', appliedAmount: '100.00', creditedAmount: '20.00' });
    expect(await invoiceOf(app, id)).toMatchObject({
      status: 'paid',
      amountPaid: '100.00',
      amountDue: '0.00',
      version: 2,
    });
    expect(await balanceOf(app, customerId)).toBe('20.00');
    expect((await app.api.get(`/api/customers/${customerId}`)).body.creditBalance).toBe('20.00');
    expect(await posting(app, 'payment.succeeded', body.id)).toEqual({
      'cash:manual': '120.00',
      receivable: '-100.00',
      customer_credit: '-20.00',
    });
    const told = (await eventsOf(app, customerId)).slice(2);
    expect(told.map(({ type }) => type)).toEqual(['payment.succeeded', 'invoice.paid', 'credit.deposited']);
    expect(told[2].data).toEqual({
      creditEntryId: expect.any(String),
      customerId,
      amount: '20.00',
      balance: '20.00',
      currency: 'USD',
      reason: 'overpayment',
      invoiceId: id,
    });
    const [entry] = await app.database.read('credit_entries').where({ customer_id: customerId });
    expect(entry).toMatchObject({ reason: 'overpayment', invoice_id: id, payment_id: body.id });
  });

  test('201 with all members; paidAt at any offset', async () => {
    const { id } = await invoice();
    const more = {
      paymentMethod: 'check',
      providerReference: 'No. 7',
      notes: 'late',
      paidAt: '2026-03-01T02:00:00+02:00',
    };
    expect((await pay(app, id, '1.00', more)).body).toMatchObject({ ...more, paidAt: '2026-03-01T00:00:00.000Z' });
  });

  test('200 A.8 an overdue invoice can be paid', async () => {
    const { id } = await invoice({ dueDate: app.clock.now() });
    await app.cron.post('/api/billing/cron/dunning');
    expect((await pay(app, id, '100.00')).status).toBe(201);
    expect(await invoiceOf(app, id)).toMatchObject({ status: 'paid' });
  });

  test('409 conflict for a draft, 400 invoice_already_paid, 400 invoice_voided', async () => {
    const draft = await invoice({ status: 'draft' });
    expectRefusal(await pay(app, draft.id, '1.00'), 409, 'conflict');
    const paid = await invoice();
    await pay(app, paid.id, '100.00', { paymentMethod: 'xendit', providerReference: 'known' });
    expectRefusal(await pay(app, paid.id, '1.00'), 400, 'invoice_already_paid');
    expect((await pay(app, paid.id, '100.00', { paymentMethod: 'xendit', providerReference: 'known' })).status).toBe(
      201,
    );
    const voided = await invoice();
    await putInvoice(app, voided.id, { status: 'void' });
    expectRefusal(await pay(app, voided.id, '50.00'), 400, 'invoice_voided');
    expect(await balanceOf(app, voided.customerId)).toBe('0.00');
  });

  test.each<[string, Entity, string]>([
    ['amount 0', { amount: '0.00' }, 'amount'],
    ['a negative amount', { amount: '-1.00' }, 'amount'],
    ['an amount as number', { amount: 1 }, 'amount'],
    ['too many decimals', { amount: '1.001' }, 'amount'],
    ['no amount', { amount: undefined }, 'amount'],
    ['an unknown method', { paymentMethod: 'cash' }, 'paymentMethod'],
    ['a payment of the future', { paidAt: '2026-03-15T10:30:00.001Z' }, 'paidAt'],
    ['a reference too long', { providerReference: 'x'.repeat(256) }, 'providerReference'],
    ['notes too long', { notes: 'x'.repeat(5001) }, 'notes'],
    ['a status', { status: 'pending' }, 'status'],
    ['a currency', { currency: 'USD' }, 'currency'],
    ['a malformed invoice', { invoiceId: 'x' }, 'invoiceId'],
  ])('400 validation_error for %s', async (_, over, field) => {
    const { id } = await invoice();
    const body = { invoiceId: id, amount: '1.00', paymentMethod: 'manual', ...over };
    expectRefusal(await post(body), 400, 'validation_error', field);
  });

  test('M7 400 validation_error when the credit balance would exceed every bound: nothing is booked', async () => {
    const customerId = (await app.given.customer({ currency: 'KWD' })).id;
    const [first, second] = [await invoice({ customerId }), await invoice({ customerId })];
    expect((await pay(app, first.id, '999999999999.999')).body.creditedAmount).toBe('999999999899.999');
    expectRefusal(await pay(app, second.id, '200.001'), 400, 'validation_error');
    expect(await invoiceOf(app, second.id)).toMatchObject({ status: 'issued', amountDue: '100.000', payments: [] });
    expect((await pay(app, second.id, '200.000')).status).toBe(201);
    expect(await balanceOf(app, customerId, 'KWD')).toBe('999999999999.999');
  });

  test('404 not_found for an unknown invoice', async () => {
    expectRefusal(await pay(app, UNKNOWN_ID, '1.00'), 404, 'not_found');
  });

  test('Idempotency-Key: replayed, never booked twice', async () => {
    const { id } = await invoice();
    const body = { invoiceId: id, amount: '60.00', paymentMethod: 'manual' };
    const headers = { 'Idempotency-Key': 'transfer-1' };
    const answers = await Promise.all(Array.from({ length: 8 }, () => post(body, headers)));
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(await invoiceOf(app, id)).toMatchObject({ amountPaid: '60.00', payments: [{ amount: '60.00' }] });
    expectRefusal(await post({ ...body, amount: '61.00' }, headers), 409, 'idempotency_key_reused');
  });

  test('twenty at the same time on one invoice: never more applied than due, the rest is credit or refused', async () => {
    const { id, customerId } = await invoice();
    const answers = await Promise.all(Array.from({ length: 20 }, () => pay(app, id, '30.00')));
    const booked = answers.filter(({ status }) => status === 201);
    expect(booked).toHaveLength(4);
    for (const answer of answers) if (answer.status !== 201) expectRefusal(answer, 400, 'invoice_already_paid');
    expect(await invoiceOf(app, id)).toMatchObject({ status: 'paid', amountPaid: '100.00' });
    expect(await balanceOf(app, customerId)).toBe('20.00');
  });

  test('ten at the same time with one reference: booked once', async () => {
    const invoices = [await invoice(), await invoice()];
    const more = { paymentMethod: 'stripe', providerReference: 'pi_race' };
    const answers = await Promise.all(Array.from({ length: 10 }, (_, i) => pay(app, invoices[i % 2].id, '5.00', more)));
    const statuses = answers.map(({ status }) => status).toSorted();
    expect(statuses).toEqual([201, 201, 201, 201, 201, 409, 409, 409, 409, 409]);
    expect(await app.database.read('payments').where({ provider_reference: 'pi_race' })).toHaveLength(1);
  });
});
