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
  putInvoice,
  refund,
  startAt,
} from '../support.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startAt('2026-03-15T10:30:00.000Z');
  await app.given.taxRule({ country: 'US', region: 'CA', rate: '0.0725' });
  await app.given.taxRule({ country: 'ID', rate: '0.11', inclusive: true });
});
afterAll(closeApps);

const invoiceOver = async (unitPrice: string, customer: Entity = {}) =>
  app.given.invoice({
    customerId: (await app.given.customer(customer)).id,
    lineItems: [{ description: 'Work', quantity: 1, unitPrice }],
  });
const CA = { billingCountry: 'US', billingState: 'CA' };
const paid = async (unitPrice = '100.00', customer: Entity = {}) => {
  const invoice = await invoiceOver(unitPrice, customer);
  await putInvoice(app, invoice.id, { status: 'paid' });
  return invoice;
};

describe('createCreditNote on an open invoice', () => {
  test('201 lowers what is due first; at zero the invoice is paid (K.8)', async () => {
    const invoice = await invoiceOver('100.00');
    const first = await credit(app, invoice.id, '30.00', { reason: ' A late start ' });
    expect(first.status).toBe(201);
    expect(first.headers.location).toBe(`/api/billing/credit-notes/${first.body.id}`);
    expect(first.body).toEqual({
      id: expect.stringMatching(/^[0-9A-Z]{26}$/),
      creditNoteNumber: expect.stringMatching(/^CN-2026-\d{4}$/),
      invoiceId: invoice.id,
      customerId: invoice.customerId,
      amount: '30.00',
      taxAmount: '0.00',
      currency: 'USD',
      reason: 'A late start',
      status: 'issued',
      appliedToInvoice: '30.00',
      creditedToBalance: '0.00',
      issuedAt: app.clock.now(),
      voidedAt: null,
      createdAt: app.clock.now(),
      updatedAt: app.clock.now(),
    });
    expect(await invoiceOf(app, invoice.id)).toMatchObject({
      status: 'issued',
      amountDue: '70.00',
      creditNotesAmount: '30.00',
      version: 2,
      creditNotes: [{ id: first.body.id }],
    });
    const second = (await credit(app, invoice.id, '70.00')).body;
    expect(await invoiceOf(app, invoice.id)).toMatchObject({
      status: 'paid',
      amountDue: '0.00',
      amountPaid: '0.00',
      creditNotesAmount: '100.00',
      paidAt: app.clock.now(),
      version: 3,
    });
    expect(await posting(app, 'credit_note.issued', second.id)).toEqual({ revenue: '70.00', receivable: '-70.00' });
    const types = ['invoice.created', 'invoice.issued', 'credit_note.issued', 'credit_note.issued', 'invoice.paid'];
    expect(await eventTypesOf(app, invoice.customerId)).toEqual(types);
    const [event] = await eventsOf(app, invoice.customerId, '&type=credit_note.*');
    expect(event.data).toEqual({
      creditNoteId: first.body.id,
      customerId: invoice.customerId,
      invoiceId: invoice.id,
      creditNoteNumber: first.body.creditNoteNumber,
      amount: '30.00',
      appliedToInvoice: '30.00',
      creditedToBalance: '0.00',
      currency: 'USD',
    });
    const [audit] = await auditOf(app, first.body.id);
    expect(audit).toMatchObject({ action: 'createCreditNote', entity_type: 'credit_note' });
  });

  test('201 splits between what is due and the balance', async () => {
    const invoice = await invoiceOver('100.00');
    await pay(app, invoice.id, '60.00');
    const note = (await credit(app, invoice.id, '70.00')).body;
    expect(note).toMatchObject({ appliedToInvoice: '40.00', creditedToBalance: '30.00' });
    expect(await invoiceOf(app, invoice.id)).toMatchObject({ status: 'paid', creditNotesAmount: '40.00' });
    expect(await balanceOf(app, invoice.customerId)).toBe('30.00');
    expect((await eventTypesOf(app, invoice.customerId)).slice(3)).toEqual([
      'credit_note.issued',
      'invoice.paid',
      'credit.deposited',
    ]);
  });

  test('201 heals the subscription when it settles the blocking invoice', async () => {
    const at = await startAt('2026-01-31T10:00:00.000Z');
    const sub = await at.given.subscription();
    at.clock.set('2026-03-02T10:00:00.000Z');
    await at.cron.post('/api/billing/cron/run');
    const status = async () => (await at.api.get(`/api/billing/subscriptions/${sub.id}`)).body.status;
    expect(await status()).toBe('past_due');
    const overdue = (await at.api.get(`/api/billing/invoices?subscriptionId=${sub.id}&status=overdue`)).body;
    expect(overdue).toHaveLength(1);
    await credit(at, overdue[0].id, '9.99');
    expect(await status()).toBe('past_due');
    await credit(at, overdue[0].id, '40.00');
    expect(await status()).toBe('active');
    const events = await eventsOf(at, sub.customerId);
    expect(events.slice(-3).map(({ type }) => type)).toEqual([
      'credit_note.issued',
      'invoice.paid',
      'subscription.updated',
    ]);
    expect(events.at(-1).data).toMatchObject({ subscriptionId: sub.id, status: 'active', changes: ['status'] });
  });
});

describe('createCreditNote on a paid invoice', () => {
  test('201 goes to the balance and changes nothing that can be seen of the invoice', async () => {
    const invoice = await paid('100.00');
    const before = await invoiceOf(app, invoice.id);
    const note = (await credit(app, invoice.id, '30.00')).body;
    expect(note).toMatchObject({ appliedToInvoice: '0.00', creditedToBalance: '30.00' });
    const { creditNotes, ...after } = await invoiceOf(app, invoice.id);
    expect({ ...before, creditNotes: [] }).toEqual({ ...after, creditNotes: [] });
    expect(creditNotes).toEqual([note]);
    expect(await posting(app, 'credit_note.issued', note.id)).toEqual({ revenue: '30.00', customer_credit: '-30.00' });
    const [deposited] = await eventsOf(app, invoice.customerId, '&type=credit.deposited');
    expect(deposited.data).toMatchObject({ amount: '30.00', reason: 'credit_note', invoiceId: invoice.id });
  });

  test.each([
    ['K.4', '100.00', CA, ['33.33', '33.33', '40.59'], ['2.25', '2.26', '2.74']],
    ['K.5', '100.00', CA, ['0.01', '0.01', '0.01', '107.22'], ['0.00', '0.00', '0.00', '7.25']],
    ['K.6', '111.00', { billingCountry: 'ID' }, ['55.50', '55.50'], ['5.50', '5.50']],
  ])('201 with its tax part (%s)', async (_, unitPrice, customer, amounts, taxes) => {
    const invoice = await paid(unitPrice, customer);
    const notes = [];
    for (const amount of amounts) notes.push((await credit(app, invoice.id, amount)).body);
    expect(notes.map(({ taxAmount }) => taxAmount)).toEqual(taxes);
    expectRefusal(await credit(app, invoice.id, '0.01'), 400, 'validation_error', 'amount');
    const posted = await posting(app, 'credit_note.issued', notes.at(-1).id);
    expect(posted.tax_payable).toBe(taxes.at(-1));
  });

  test('201 in the currency of the invoice', async () => {
    const invoice = await app.given.invoice({
      currency: 'JPY',
      lineItems: [{ description: 'Work', quantity: 1, unitPrice: '5000' }],
    });
    expect((await credit(app, invoice.id, '1500')).body).toMatchObject({ amount: '1500', currency: 'JPY' });
    expectRefusal(await credit(app, invoice.id, '1500.0'), 400, 'validation_error', 'amount');
  });
});

describe('createCreditNote refuses', () => {
  test('400 validation_error for more than is left; refunds count', async () => {
    const invoice = await invoiceOver('100.00');
    const payment = (await pay(app, invoice.id, '100.00')).body;
    expectRefusal(await credit(app, invoice.id, '100.01'), 400, 'validation_error', 'amount');
    await refund(app, payment.id, '25.00');
    await credit(app, invoice.id, '25.00');
    const answer = await credit(app, invoice.id, '50.01');
    expectRefusal(answer, 400, 'validation_error', 'amount');
    expect(answer.body.fields.amount).toBe('must be at most 50.00');
    expect((await credit(app, invoice.id, '50.00')).status).toBe(201);
  });

  test.each([
    ['amount', { amount: '0.00' }],
    ['amount', { amount: '-1.00' }],
    ['amount', { amount: '1.001' }],
    ['amount', { amount: 1 }],
    ['reason', { reason: '' }],
    ['reason', { reason: null }],
    ['reason', { reason: 'x'.repeat(501) }],
    ['status', { status: 'void' }],
    ['currency', { currency: 'USD' }],
  ])('400 validation_error names %s: %j', async (field, over) => {
    const invoice = await invoiceOver('100.00');
    expectRefusal(await credit(app, invoice.id, '1.00', over), 400, 'validation_error', field);
  });

  test('409 conflict on a draft, 400 invoice_voided on a void invoice, also for drafts', async () => {
    const draft = await app.given.invoice({ status: 'draft' });
    const voided = await app.given.invoice();
    await putInvoice(app, voided.id, { status: 'void' });
    for (const status of ['draft', 'issued']) {
      expectRefusal(await credit(app, draft.id, '1.00', { status }), 409, 'conflict');
      expectRefusal(await credit(app, voided.id, '1.00', { status }), 400, 'invoice_voided');
    }
  });

  test('400 validation_error on an invoice of zero, whose reversal is empty', async () => {
    const invoice = await invoiceOver('0.00');
    expectRefusal(await credit(app, invoice.id, '0.01'), 400, 'validation_error', 'amount');
  });

  test('404 not_found for an unknown invoice, 401 and 403 for who may not', async () => {
    expectRefusal(await credit(app, UNKNOWN_ID, '1.00'), 404, 'not_found');
    const body = { invoiceId: UNKNOWN_ID, amount: '1.00', reason: 'r' };
    expectRefusal(await app.anonymous.post('/api/billing/credit-notes', body), 401, 'unauthorized');
    const portal = app.withSession(await app.given.portalSession((await app.given.customer()).id));
    expectRefusal(await portal.post('/api/billing/credit-notes', body), 403, 'forbidden');
  });

  test('nothing that was refused used a number', async () => {
    const invoice = await invoiceOver('100.00');
    const first = (await credit(app, invoice.id, '1.00')).body.creditNoteNumber;
    await credit(app, invoice.id, '1000.00');
    await adjust(app, invoice.customerId, '-1000.00');
    const second = (await credit(app, invoice.id, '1.00')).body.creditNoteNumber;
    expect(Number(second.slice(-4))).toBe(Number(first.slice(-4)) + 1);
  });
});

describe('numbers', () => {
  test('201 in their own series per year and prefix; drafts use none', async () => {
    const at = await startAt('2026-12-31T23:59:59.999Z');
    const number = async (over: object = {}) =>
      (await credit(at, (await at.given.invoice()).id, '1.00', over)).body.creditNoteNumber;
    expect([await number(), await number({ status: 'draft' }), await number()]).toEqual([
      'CN-2026-0001',
      null,
      'CN-2026-0002',
    ]);
    at.clock.advance({ ms: 1 });
    expect(await number()).toBe('CN-2027-0001');
    await at.api.put('/api/settings/billing', { creditNotePrefix: 'GS' });
    expect(await number()).toBe('GS-2027-0001');
  });
});
