import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { checkInvariants } from '../../src/billing/audit/invariants.ts';
import {
  adjust,
  balanceOf,
  credit,
  type Entity,
  invoiceOf,
  pay,
  putInvoice,
  putNote,
  refund,
} from '../billing/support.ts';
import { atOnce, tally } from '../support/answers.ts';
import { startApp, type TestApp } from '../support/app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
  await app.given.taxRule({ country: 'US', region: 'CA', rate: '0.0725' });
});
afterEach(async () => {
  await app.drain();
  expect(await checkInvariants(app.database.read, app.clock.now())).toEqual([]);
});
afterAll(() => app.close());

/** Total 107.25, tax 7.25. */
const taxed = async (): Promise<Entity> =>
  app.given.invoice({ customerId: (await app.given.customer({ billingCountry: 'US', billingState: 'CA' })).id });
const paid = async (amount = '107.25') => {
  const invoice = await taxed();
  return { invoice, payment: (await pay(app, invoice.id, amount)).body };
};

describe('one credit balance', () => {
  test('is spent once by many withdrawals at once (K.2)', async () => {
    const { id } = await app.given.customer();
    await adjust(app, id, '10.00');
    const answers = await atOnce(20, () => adjust(app, id, '-3.00'));
    expect(tally(answers)).toEqual({ '201': 3, '400 insufficient_credit': 17 });
    expect(await balanceOf(app, id)).toBe('1.00');
  });

  test('is spent once by invoices and withdrawals at once (K.2)', async () => {
    const { id } = await app.given.customer();
    await adjust(app, id, '250.00');
    const answers = await atOnce(20, (n) =>
      n % 2 === 0
        ? adjust(app, id, '-70.00')
        : app.api.post('/api/billing/invoices', {
            customerId: id,
            status: 'issued',
            lineItems: [{ description: 'Work', quantity: 1, unitPrice: '60.00' }],
          }),
    );
    expect(answers.every(({ status, body }) => status === 201 || body.error === 'insufficient_credit')).toBe(true);
    expect(await balanceOf(app, id)).toBe('0.00');
  });

  test('that does not exist yet is made once by many deposits at once', async () => {
    const { id } = await app.given.customer();
    const answers = await atOnce(20, () => adjust(app, id, '1.00'));
    expect(tally(answers)).toEqual({ '201': 20 });
    expect(await balanceOf(app, id)).toBe('20.00');
    expect(answers.map(({ body }) => Number(body.balanceAfter)).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 20 }, (_, n) => n + 1),
    );
  });
});

describe('one invoice of 107.25', () => {
  test('takes credit notes up to its total, whose tax is its tax', async () => {
    const invoice = await taxed();
    const answers = await atOnce(20, () => credit(app, invoice.id, '10.00'));
    expect(tally(answers)).toEqual({ '201': 10, '400 validation_error': 10 });
    expect((await credit(app, invoice.id, '7.25')).status).toBe(201);
    const { status, creditNotes } = await invoiceOf(app, invoice.id);
    expect(status).toBe('paid');
    const tax = creditNotes.reduce((sum: number, note: Entity) => sum + Math.round(Number(note.taxAmount) * 100), 0);
    expect(tax).toBe(725);
    const numbers = creditNotes.map(({ creditNoteNumber }: Entity) => Number(creditNoteNumber.slice(-4)));
    expect(new Set(numbers).size).toBe(11);
  });

  test('gives back credit notes and refunds together up to its total', async () => {
    const { invoice, payment } = await paid();
    const answers = await atOnce(24, (n) =>
      n % 3 === 0
        ? credit(app, invoice.id, '10.00')
        : refund(app, payment.id, '10.00', { destination: n % 3 === 1 ? 'original' : 'credit' }),
    );
    const counts = tally(answers);
    expect(counts['201']).toBe(10);
    expect((counts['400 validation_error'] ?? 0) + (counts['400 refund_exceeds_payment'] ?? 0)).toBe(14);
    expect((await refund(app, payment.id, '7.26')).body.error).toBe('refund_exceeds_payment');
    expect((await refund(app, payment.id, '7.25')).status).toBe(201);
  });
});

describe('one payment', () => {
  test('is refunded up to its amount, the excess once', async () => {
    const { invoice, payment } = await paid('127.25');
    const answers = await atOnce(20, () => refund(app, payment.id, '15.00'));
    expect(tally(answers)).toEqual({ '201': 8, '400 refund_exceeds_payment': 12 });
    expect(await balanceOf(app, invoice.customerId)).toBe('0.00');
    expect(await invoiceOf(app, invoice.id)).toMatchObject({ amountRefunded: '100.00', status: 'paid' });
    expect((await refund(app, payment.id, '7.25')).status).toBe(201);
  });

  test('has its excess refunded or spent, never both', async () => {
    for (let round = 0; round < 3; round++) {
      const { invoice, payment } = await paid('117.25');
      await refund(app, payment.id, '107.25');
      const [taken, spent] = await atOnce(2, (n) =>
        n === 0 ? refund(app, payment.id, '10.00') : adjust(app, invoice.customerId, '-10.00'),
      );
      expect([taken!.status, spent!.status].sort()).toEqual([201, 400]);
      expect(await balanceOf(app, invoice.customerId)).toBe('0.00');
    }
  });
});

describe('one credit note', () => {
  test('is void or the invoice is paid with it, never both', async () => {
    for (let round = 0; round < 5; round++) {
      const invoice = await taxed();
      const note = (await credit(app, invoice.id, '50.00')).body;
      const [voided, payment] = await atOnce(2, (n) =>
        n === 0 ? putNote(app, note.id, { status: 'void' }) : pay(app, invoice.id, '57.25'),
      );
      expect(payment!.status).toBe(201);
      const { status, amountDue } = await invoiceOf(app, invoice.id);
      if (voided!.status === 200) expect({ status, amountDue }).toEqual({ status: 'issued', amountDue: '50.00' });
      else {
        expect(tally([voided!])).toEqual({ '409 conflict': 1 });
        expect({ status, amountDue }).toEqual({ status: 'paid', amountDue: '0.00' });
      }
    }
  });

  test('gives back what it credited once', async () => {
    const { invoice } = await paid();
    const note = (await credit(app, invoice.id, '30.00')).body;
    const answers = await atOnce(10, (n) =>
      n % 2 === 0 ? putNote(app, note.id, { status: 'void' }) : adjust(app, invoice.customerId, '-20.00'),
    );
    expect(answers.every(({ status }) => status < 500)).toBe(true);
    const spent = answers.filter(({ status }) => status === 201).length;
    const [{ status }] = (await invoiceOf(app, invoice.id)).creditNotes;
    expect({ status, spent }).toEqual(spent > 0 ? { status: 'issued', spent: 1 } : { status: 'void', spent: 0 });
    expect(await balanceOf(app, invoice.customerId)).toBe(spent > 0 ? '10.00' : '0.00');
  });

  test('as a draft is issued once by many at once', async () => {
    const invoice = await taxed();
    const draft = (await credit(app, invoice.id, '30.00', { status: 'draft' })).body;
    const answers = await atOnce(10, () => putNote(app, draft.id, { status: 'issued' }));
    expect(tally(answers)).toEqual({ '200': 10 });
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect((await invoiceOf(app, invoice.id)).amountDue).toBe('77.25');
  });

  test('or the void of its invoice, never both', async () => {
    for (let round = 0; round < 5; round++) {
      const { id } = await taxed();
      const answers = await atOnce(2, (n) =>
        n === 0 ? credit(app, id, '10.00') : putInvoice(app, id, { status: 'void' }),
      );
      const { status, creditNotes } = await invoiceOf(app, id);
      expect(creditNotes).toHaveLength(status === 'void' ? 0 : 1);
      expect(tally(answers)).toEqual(
        status === 'void' ? { '200': 1, '400 invoice_voided': 1 } : { '201': 1, '409 conflict': 1 },
      );
    }
  });
});
