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
  eventTypesOf,
  invoiceOf,
  pay,
  posting,
  putInvoice,
  putNote,
  putSubscription,
  run,
  startAt,
} from '../support.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startAt('2026-03-15T10:30:00.000Z');
  await app.given.taxRule({ country: 'US', region: 'CA', rate: '0.0725' });
});
afterAll(closeApps);

/** Total 107.25, tax 7.25. */
const invoice = async (): Promise<Entity> =>
  app.given.invoice({ customerId: (await app.given.customer({ billingCountry: 'US', billingState: 'CA' })).id });
const paid = async (): Promise<Entity> => {
  const made = await invoice();
  await putInvoice(app, made.id, { status: 'paid' });
  return made;
};
const draft = async (invoiceId: string, amount: string): Promise<Entity> =>
  (await credit(app, invoiceId, amount, { status: 'draft' })).body;
const reversed = async (id: string): Promise<Entity> => {
  const [row] = await app.database.read('invoices').where({ id });
  return { amount: Number(row.reversed_amount), tax: Number(row.reversed_tax) };
};

describe('a draft', () => {
  test('201 and 200 move nothing until it is issued', async () => {
    const { id, customerId } = await invoice();
    const before = await invoiceOf(app, id);
    const note = await draft(id, '33.33');
    expect(note).toMatchObject({
      status: 'draft',
      creditNoteNumber: null,
      taxAmount: '2.25',
      appliedToInvoice: '0.00',
      creditedToBalance: '0.00',
      issuedAt: null,
    });
    expect({ ...(await invoiceOf(app, id)), creditNotes: [] }).toEqual({ ...before, creditNotes: [] });
    expect(await posting(app, 'credit_note.issued', note.id)).toEqual({});
    const issued = await putNote(app, note.id, { status: 'issued' });
    expect(issued.status).toBe(200);
    expect(issued.body).toEqual({
      ...note,
      status: 'issued',
      creditNoteNumber: expect.stringMatching(/^CN-2026-\d{4}$/),
      appliedToInvoice: '33.33',
      issuedAt: app.clock.now(),
    });
    expect(await invoiceOf(app, id)).toMatchObject({ amountDue: '73.92', creditNotes: [issued.body] });
    expect(await eventTypesOf(app, customerId)).toEqual(['invoice.created', 'invoice.issued', 'credit_note.issued']);
    expect((await auditOf(app, note.id)).map(({ action }) => action)).toEqual(['createCreditNote', 'updateCreditNote']);
  });

  test('200 takes its tax part as of the issue', async () => {
    const { id } = await paid();
    const note = await draft(id, '33.33');
    await credit(app, id, '33.33');
    expect((await putNote(app, note.id, { status: 'issued' })).body.taxAmount).toBe('2.26');
  });

  test('200 changes the reason before it is issued, then no more', async () => {
    const { id } = await paid();
    const note = await draft(id, '10.00');
    expect((await putNote(app, note.id, { reason: 'Another' })).body).toMatchObject({
      reason: 'Another',
      status: 'draft',
    });
    const issued = await putNote(app, note.id, { reason: 'A third', status: 'issued' });
    expect(issued.body).toMatchObject({ reason: 'A third', status: 'issued' });
    const [entry] = (await app.api.get(`/api/billing/credits?customerId=${note.customerId}`)).body;
    expect(entry.description).toBe('A third');
    expectRefusal(await putNote(app, note.id, { reason: 'A fourth' }), 409, 'conflict');
    expect((await putNote(app, note.id, { reason: 'A third', status: 'issued' })).body).toEqual(issued.body);
  });

  test('200 can be voided and is never issued then', async () => {
    const { id, customerId } = await paid();
    const note = await draft(id, '10.00');
    expect((await putNote(app, note.id, { status: 'void' })).body).toEqual({
      ...note,
      status: 'void',
      voidedAt: app.clock.now(),
    });
    expectRefusal(await putNote(app, note.id, { status: 'issued' }), 409, 'conflict');
    expect(await posting(app, 'credit_note.voided', note.id)).toEqual({});
    expect(await balanceOf(app, customerId)).toBe('0.00');
    expect((await putNote(app, note.id, { status: 'void' })).status).toBe(200);
  });

  test('400 when it no longer fits: validation_error beyond the rest, invoice_voided', async () => {
    const first = await paid();
    const note = await draft(first.id, '100.00');
    await credit(app, first.id, '10.00');
    expectRefusal(await putNote(app, note.id, { status: 'issued' }), 400, 'validation_error', 'amount');
    const second = await invoice();
    const other = await draft(second.id, '100.00');
    await putInvoice(app, second.id, { status: 'void' });
    expectRefusal(await putNote(app, other.id, { status: 'issued' }), 400, 'invoice_voided');
    expect((await putNote(app, other.id, { status: 'void' })).status).toBe(200);
  });
});

describe('the void of an issued credit note', () => {
  test('200 makes due again what it took off an open invoice, exactly', async () => {
    const { id, customerId } = await invoice();
    await credit(app, id, '33.33');
    const before = await invoiceOf(app, id);
    const note = (await credit(app, id, '33.33')).body;
    app.clock.advance({ hours: 1 });
    const answer = await putNote(app, note.id, { status: 'void' });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      ...note,
      status: 'void',
      voidedAt: app.clock.now(),
      updatedAt: app.clock.now(),
    });
    const { creditNotes, ...after } = await invoiceOf(app, id);
    expect(after).toMatchObject({ amountDue: '73.92', creditNotesAmount: '33.33', version: before.version + 2 });
    expect(creditNotes.map(({ status }: Entity) => status)).toEqual(['void', 'issued']);
    expect(await reversed(id)).toEqual({ amount: 3333, tax: 225 });
    const posted = await posting(app, 'credit_note.issued', note.id);
    expect(posted).toEqual({ revenue: '31.07', tax_payable: '2.26', receivable: '-33.33' });
    expect(await posting(app, 'credit_note.voided', note.id)).toEqual({
      revenue: '-31.07',
      tax_payable: '-2.26',
      receivable: '33.33',
    });
    expect(await eventTypesOf(app, customerId)).toEqual([
      'invoice.created',
      'invoice.issued',
      'credit_note.issued',
      'credit_note.issued',
    ]);
    expect((await credit(app, id, '73.92')).body.taxAmount).toBe('5.00');
  });

  test('200 lets the invoice be voided afterwards', async () => {
    const { id } = await invoice();
    const note = (await credit(app, id, '7.25')).body;
    expectRefusal(await putInvoice(app, id, { status: 'void' }), 409, 'conflict');
    await putNote(app, note.id, { status: 'void' });
    expect((await putInvoice(app, id, { status: 'void' })).body).toMatchObject({ status: 'void', amountDue: '0.00' });
  });

  test('200 takes back what it credited; the invoice stays paid and keeps its version', async () => {
    const { id, customerId } = await paid();
    const before = await invoiceOf(app, id);
    const note = (await credit(app, id, '30.00')).body;
    expect((await putNote(app, note.id, { status: 'void' })).status).toBe(200);
    expect(await invoiceOf(app, id)).toMatchObject({ status: 'paid', amountDue: '0.00', version: before.version });
    expect(await balanceOf(app, customerId)).toBe('0.00');
    expect(await reversed(id)).toEqual({ amount: 0, tax: 0 });
    const entries = (await app.api.get(`/api/billing/credits?customerId=${customerId}`)).body;
    expect(entries[0]).toMatchObject({
      amount: '-30.00',
      reason: 'credit_note_void',
      description: `Credit note ${note.creditNoteNumber} voided`,
      invoiceId: id,
      creditNoteId: note.id,
    });
    expect((await putNote(app, note.id, { status: 'void' })).body.status).toBe('void');
    expect(await app.database.read('credit_entries').where({ credit_note_id: note.id })).toHaveLength(2);
  });

  test('409 conflict when the balance no longer covers it (K.9)', async () => {
    const { id, customerId } = await paid();
    const note = (await credit(app, id, '30.00')).body;
    await adjust(app, customerId, '-20.00');
    expectRefusal(await putNote(app, note.id, { status: 'void' }), 409, 'conflict');
    expect((await app.api.get(`/api/billing/credit-notes/${note.id}`)).body.status).toBe('issued');
    await adjust(app, customerId, '20.00');
    expect((await putNote(app, note.id, { status: 'void' })).status).toBe(200);
  });

  test('409 conflict when the invoice it lowered is settled', async () => {
    const { id, customerId } = await invoice();
    const note = (await credit(app, id, '50.00')).body;
    await pay(app, id, '57.25');
    expectRefusal(await putNote(app, note.id, { status: 'void' }), 409, 'conflict');
    const whole = await invoice();
    const settling = (await credit(app, whole.id, '107.25')).body;
    expectRefusal(await putNote(app, settling.id, { status: 'void' }), 409, 'conflict');
    expect((await invoiceOf(app, whole.id)).status).toBe('paid');
    expect(await balanceOf(app, customerId)).toBe('0.00');
  });

  test('409 conflict from void to issued; 200 and nothing for what it already is', async () => {
    const { id } = await invoice();
    const note = (await credit(app, id, '50.00')).body;
    expect((await putNote(app, note.id, {})).body).toEqual(note);
    expect((await putNote(app, note.id, { status: 'issued' })).body).toEqual(note);
    await putNote(app, note.id, { status: 'void' });
    expectRefusal(await putNote(app, note.id, { status: 'issued' }), 409, 'conflict');
    expectRefusal(await putNote(app, note.id, { reason: 'Another' }), 409, 'conflict');
    expect((await auditOf(app, note.id)).map(({ action }) => action)).toEqual(['createCreditNote', 'updateCreditNote']);
  });
});

describe('credit notes that follow from a subscription', () => {
  /** Paid ahead of the period, then ended before it: the advance invoice is taken back (rules Q9). */
  async function withdrawn(creditFirst?: string) {
    const at = await startAt('2026-01-31T10:00:00.000Z');
    const sub = await at.given.subscription();
    at.clock.set('2026-02-22T10:00:00.000Z');
    await run(at);
    const [ahead] = (await at.api.get(`/api/billing/invoices?subscriptionId=${sub.id}`)).body;
    await pay(at, ahead.id, '49.99');
    const given = creditFirst ? (await credit(at, ahead.id, creditFirst)).body : undefined;
    expect((await putSubscription(at, sub.id, { cancelAtPeriodEnd: true })).status).toBe(200);
    const notes = (await at.api.get(`/api/billing/credit-notes?invoiceId=${ahead.id}`)).body;
    return { at, given, notes };
  }

  test('409 conflict for the void of one that took back a charge', async () => {
    const { at, notes } = await withdrawn();
    expect(notes).toMatchObject([{ amount: '49.99', status: 'issued' }]);
    expectRefusal(await putNote(at, notes[0].id, { status: 'void' }), 409, 'conflict');
  });

  test('409 conflict for one by hand on a charge that was taken back since', async () => {
    const { at, given, notes } = await withdrawn('49.99');
    expect(notes).toHaveLength(1);
    expectRefusal(await putNote(at, given.id, { status: 'void' }), 409, 'conflict');
    const partly = await withdrawn('20.00');
    expect(partly.notes.map(({ amount }: Entity) => amount)).toEqual(['29.99', '20.00']);
    expectRefusal(await putNote(partly.at, partly.given.id, { status: 'void' }), 409, 'conflict');
  });
});

describe('updateCreditNote refuses', () => {
  test.each([
    ['status', { status: 'draft' }],
    ['reason', { reason: null }],
    ['reason', { reason: ' ' }],
    ['amount', { amount: '1.00' }],
  ])('400 validation_error names %s: %j', async (field, body) => {
    const note = await draft((await invoice()).id, '1.00');
    expectRefusal(await putNote(app, note.id, body), 400, 'validation_error', field);
  });

  test('404 not_found for an unknown one, 401 and 403 for who may not', async () => {
    expectRefusal(await putNote(app, UNKNOWN_ID, { status: 'void' }), 404, 'not_found');
    const path = `/api/billing/credit-notes/${UNKNOWN_ID}`;
    expectRefusal(await app.anonymous.put(path, {}), 401, 'unauthorized');
    const portal = app.withSession(await app.given.portalSession((await app.given.customer()).id));
    expectRefusal(await portal.put(path, {}), 403, 'forbidden');
  });
});
