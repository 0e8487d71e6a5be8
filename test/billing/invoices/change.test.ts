import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApp, type TestApp } from '../../support/app.ts';
import { expectRefusal, UNKNOWN_ID } from '../../support/refusals.ts';
import { auditOf, balanceOf, type Entity, eventsOf, invoiceOf, pay, posting, putInvoice } from '../support.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

const draft = (over: Entity = {}) => app.given.invoice({ status: 'draft', ...over });
const line = (over: Entity = {}) => ({ description: 'Consulting', quantity: 1, unitPrice: '100.00', ...over });
const put = (id: string, body: unknown, headers = {}) => putInvoice(app, id, body, headers);

describe('updateInvoice of a draft', () => {
  test('200 every member: lines as a whole with new ids, totals computed again, one version', async () => {
    const before = await draft();
    app.clock.advance({ ms: 1000 });
    const { body } = await put(before.id, {
      lineItems: [line({ quantity: 2 }), line({ unitPrice: '-50' })],
      currency: 'KWD',
      dueDate: '2026-05-01T00:00:00Z',
      notes: 'New',
    });
    expect(body).toMatchObject({
      status: 'draft',
      currency: 'KWD',
      subtotal: '150.000',
      amountDue: '150.000',
      dueDate: '2026-05-01T00:00:00.000Z',
      notes: 'New',
      version: 2,
      updatedAt: app.clock.now(),
      createdAt: before.createdAt,
    });
    expect(body.lineItems.map(({ id }: Entity) => id)).not.toContain(before.lineItems[0].id);
    expect(await invoiceOf(app, before.id)).toMatchObject(body);
    const cleared = await put(before.id, { dueDate: null, notes: null });
    expect(cleared.body).toMatchObject({ dueDate: null, notes: null, version: 3 });
    const [, audit] = await auditOf(app, before.id);
    expect(JSON.parse(audit.changes)).toMatchObject({ currency: ['USD', 'KWD'], notes: [null, 'New'] });
  });

  test('200 {} and equal values change nothing', async () => {
    const before = await draft({ notes: 'x', dueDate: '2027-01-01T00:00:00Z' });
    app.clock.advance({ ms: 1000 });
    const same = { status: 'draft', notes: 'x', currency: 'USD', dueDate: '2027-01-01T01:00:00+01:00' };
    for (const body of [{}, same]) expect((await put(before.id, body)).body).toEqual(before);
    expect(await auditOf(app, before.id)).toHaveLength(1);
    expect(await eventsOf(app, before.customerId)).toHaveLength(1);
  });

  test('200 issued: computed again with the rule, the customer and the credit of now', async () => {
    const customer = await app.given.customer();
    const before = await draft({ customerId: customer.id });
    expect(before.taxRate).toBeNull();
    await app.given.taxRule({ country: 'CA', rate: '0.05', taxName: 'GST' });
    await app.api.put(`/api/customers/${customer.id}`, { billingCountry: 'CA', name: 'Renamed' });
    const paid = await app.given.invoice({ customerId: customer.id });
    await pay(app, paid.id, '110.00');
    app.clock.advance({ days: 1 });
    const { body } = await put(before.id, { status: 'issued', lineItems: [line({ quantity: 3 })] });
    expect(body).toMatchObject({
      status: 'issued',
      customerName: 'Renamed',
      taxName: 'GST',
      taxRate: '0.0500',
      taxAmount: '15.00',
      total: '315.00',
      creditsApplied: '5.00',
      amountDue: '310.00',
      issuedAt: app.clock.now(),
      version: 2,
    });
    expect(await balanceOf(app, customer.id)).toBe('0.00');
    expect((await eventsOf(app, customer.id)).slice(-2).map(({ type }) => type)).toEqual([
      'invoice.issued',
      'credit.applied',
    ]);
    expect(await posting(app, 'invoice.issued', before.id)).toEqual({
      receivable: '315.00',
      revenue: '-300.00',
      tax_payable: '-15.00',
    });
  });

  test('200 void: no number, no posting; with other members still one version', async () => {
    const before = await draft();
    const { body } = await put(before.id, { status: 'void', notes: 'not needed', lineItems: [line({ quantity: 2 })] });
    expect(body).toMatchObject({
      status: 'void',
      invoiceNumber: null,
      amountDue: '0.00',
      total: '200.00',
      notes: 'not needed',
      voidedAt: app.clock.now(),
      version: 2,
    });
    expect(await invoiceOf(app, before.id)).toMatchObject(body);
    expect(await posting(app, 'invoice.voided', before.id)).toEqual({});
    const event = (await eventsOf(app, before.customerId)).at(-1);
    expect(event).toMatchObject({ type: 'invoice.voided', data: { invoiceNumber: null, voidedAt: app.clock.now() } });
  });

  test.each<[string, Entity, string]>([
    ['a due date before the issue', { status: 'issued', dueDate: '2026-01-01T00:00:00Z' }, 'dueDate'],
    ['a negative subtotal', { lineItems: [line({ unitPrice: '-1' })] }, 'lineItems'],
    ['no lines', { lineItems: [] }, 'lineItems'],
    ['lines null', { lineItems: null }, 'lineItems'],
    ['an unknown currency', { currency: 'XTS' }, 'currency'],
    ['status overdue', { status: 'overdue' }, 'status'],
    ['the customer', { customerId: UNKNOWN_ID }, 'customerId'],
    ['a total', { total: '1.00' }, 'total'],
  ])('400 validation_error for %s', async (_, body, field) => {
    const before = await draft();
    expectRefusal(await put(before.id, body), 400, 'validation_error', field);
    expect(await invoiceOf(app, before.id)).toMatchObject(before);
  });

  test('400 validation_error when the due date of the draft is past at issue', async () => {
    const before = await draft({ dueDate: app.clock.now() });
    app.clock.advance({ ms: 1 });
    expectRefusal(await put(before.id, { status: 'issued' }), 400, 'validation_error', 'dueDate');
    expect((await put(before.id, { status: 'issued', dueDate: null })).body.status).toBe('issued');
  });

  test('400 currency_mismatch for another currency than its subscription', async () => {
    const sub = await app.given.subscription();
    const before = await draft({ customerId: sub.customerId, subscriptionId: sub.id });
    expectRefusal(await put(before.id, { currency: 'EUR' }), 400, 'currency_mismatch');
  });
});

describe('updateInvoice of an issued one', () => {
  test('200 notes in any status: one version; with a status too', async () => {
    const { id } = await app.given.invoice();
    expect((await put(id, { notes: 'a' })).body).toMatchObject({ notes: 'a', version: 2 });
    expect((await put(id, { notes: 'a' })).body).toMatchObject({ version: 2 });
    expect((await put(id, { notes: 'b', status: 'issued' })).body).toMatchObject({ notes: 'b', version: 3 });
    expect((await put(id, { notes: 'c', status: 'paid' })).body).toMatchObject({
      notes: 'c',
      status: 'paid',
      version: 4,
    });
    expect((await put(id, { notes: null })).body).toMatchObject({ notes: null, status: 'paid', version: 5 });
    const gone = await app.given.invoice();
    await put(gone.id, { status: 'void' });
    expect((await put(gone.id, { notes: 'why' })).body).toMatchObject({ notes: 'why', status: 'void', version: 3 });
    expect(await invoiceOf(app, gone.id)).toMatchObject({ notes: 'why', version: 3 });
  });

  test('200 paid: a manual payment of what is due', async () => {
    const { id, customerId } = await app.given.invoice();
    await pay(app, id, '30.00');
    const { body } = await put(id, { status: 'paid' });
    expect(body).toMatchObject({ status: 'paid', amountPaid: '100.00', amountDue: '0.00', paidAt: app.clock.now() });
    const { payments } = await invoiceOf(app, id);
    expect(payments[0]).toMatchObject({
      amount: '70.00',
      appliedAmount: '70.00',
      creditedAmount: '0.00',
      paymentMethod: 'manual',
      status: 'succeeded',
      providerReference: null,
    });
    expect((await eventsOf(app, customerId)).slice(-2).map(({ type }) => type)).toEqual([
      'payment.succeeded',
      'invoice.paid',
    ]);
  });

  test('I.5 200 void: credit returns', async () => {
    await app.given.taxRule({ country: 'FR', rate: '0.0725' });
    const customer = await app.given.customer({ billingCountry: 'FR' });
    const first = await app.given.invoice({ customerId: customer.id });
    await pay(app, first.id, '132.25');
    const { id } = await app.given.invoice({ customerId: customer.id });
    expect(await invoiceOf(app, id)).toMatchObject({ total: '107.25', creditsApplied: '25.00', amountDue: '82.25' });
    expect((await put(id, { status: 'void' })).body).toMatchObject({
      status: 'void',
      amountDue: '0.00',
      creditsApplied: '0.00',
      total: '107.25',
      invoiceNumber: expect.any(String),
    });
    expect(await balanceOf(app, customer.id)).toBe('25.00');
    const [voided, deposited] = (await eventsOf(app, customer.id)).slice(-2);
    expect([voided.type, deposited.type]).toEqual(['invoice.voided', 'credit.deposited']);
    expect(deposited.data).toMatchObject({ amount: '25.00', balance: '25.00', reason: 'invoice_void', invoiceId: id });
  });

  test('I.6 409 conflict: void of a partly paid one', async () => {
    const { id } = await app.given.invoice();
    await pay(app, id, '10.00');
    expectRefusal(await put(id, { status: 'void' }), 409, 'conflict');
    expect(await invoiceOf(app, id)).toMatchObject({ status: 'issued', amountDue: '90.00' });
  });

  test('If-Match: the present version and * go through, a stale one is 409, a malformed one 400', async () => {
    const { id } = await app.given.invoice();
    expectRefusal(await put(id, { notes: 'x' }, { 'If-Match': '"7"' }), 409, 'conflict', 'If-Match');
    expectRefusal(await put(id, { notes: 'x' }, { 'If-Match': '7' }), 400, 'validation_error', 'If-Match');
    const answer = await put(id, { notes: 'x' }, { 'If-Match': '"1"' });
    expect([answer.status, answer.headers.etag]).toEqual([200, '"2"']);
    expect((await put(id, { notes: 'y' }, { 'If-Match': '*' })).status).toBe(200);
    const before = await draft();
    const remove = (headers: Record<string, string>) => app.api.delete(`/api/billing/invoices/${before.id}`, headers);
    expectRefusal(await remove({ 'If-Match': '"2"' }), 409, 'conflict', 'If-Match');
    expect((await remove({ 'If-Match': '"1"' })).status).toBe(204);
  });

  test('ten at once ask for paid: one payment', async () => {
    const { id } = await app.given.invoice();
    const answers = await Promise.all(Array.from({ length: 10 }, () => put(id, { status: 'paid' })));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, ...Array(9).fill(400)]);
    expect((await invoiceOf(app, id)).payments).toHaveLength(1);
  });

  test('404 not_found for an unknown one', async () => {
    expectRefusal(await put(UNKNOWN_ID, {}), 404, 'not_found');
  });
});

describe('deleteInvoice', () => {
  test('204 a draft is gone with its lines and uses no number', async () => {
    const before = await draft();
    const answer = await app.api.delete(`/api/billing/invoices/${before.id}`);
    expect([answer.status, answer.text]).toEqual([204, '']);
    expectRefusal(await app.api.get(`/api/billing/invoices/${before.id}`), 404, 'not_found');
    expect(await app.database.read('invoice_lines').where({ invoice_id: before.id })).toEqual([]);
    expect((await auditOf(app, before.id)).map(({ action }) => action)).toEqual(['createInvoice', 'deleteInvoice']);
    expectRefusal(await app.api.delete(`/api/billing/invoices/${before.id}`), 404, 'not_found');
  });

  test('409 conflict for any other status', async () => {
    for (const status of ['issued', 'paid', 'void']) {
      const { id } = await app.given.invoice();
      if (status !== 'issued') await put(id, { status });
      expectRefusal(await app.api.delete(`/api/billing/invoices/${id}`), 409, 'conflict');
    }
  });
});
