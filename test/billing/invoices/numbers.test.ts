import { afterEach, describe, expect, test } from '@jest/globals';
import { startApp, type TestApp } from '../../support/app.ts';
import { expectRefusal, UNKNOWN_ID } from '../../support/refusals.ts';
import { closeApps, type Entity, putInvoice, putSubscription, runAt, startAt } from '../support.ts';

afterEach(closeApps);

const lineItems = [{ description: 'x', quantity: 1, unitPrice: '1' }];
const numbers = async (app: TestApp): Promise<string[]> =>
  (await app.database.read('invoices').whereNotNull('invoice_number').orderBy('id').select('invoice_number')).map(
    (row: Entity) => row.invoice_number,
  );

describe('invoice numbers', () => {
  test('I.1 per UTC year of the issue, in issue order', async () => {
    const app = await startAt('2026-12-30T00:00:00.000Z');
    const issue = async () => (await app.given.invoice()).invoiceNumber;
    const draft = await app.given.invoice({ status: 'draft' });
    expect([await issue(), await issue()]).toEqual(['INV-2026-0001', 'INV-2026-0002']);
    app.clock.set('2026-12-31T23:59:59.999Z');
    expect(await issue()).toBe('INV-2026-0003');
    app.clock.set('2027-01-01T00:00:00.000Z');
    expect(await issue()).toBe('INV-2027-0001');
    expect((await putInvoice(app, draft.id, { status: 'issued' })).body.invoiceNumber).toBe('INV-2027-0002');
  });

  test('I.2 at least four digits', async () => {
    const app = await startApp(); // the counter is moved by hand, so the series has a gap
    await app.given.invoice();
    await app.database.write('counters').where({ scope: 'invoice:INV:2026' }).update({ value: 9998 });
    expect((await app.given.invoice()).invoiceNumber).toBe('INV-2026-9999');
    expect((await app.given.invoice()).invoiceNumber).toBe('INV-2026-10000');
    await app.close();
  });

  test('I.3 an issue that is rolled back leaves no gap', async () => {
    const app = await startAt('2026-03-15T10:30:00.000Z');
    const customerId = (await app.given.customer()).id;
    await app.given.invoice({ customerId });
    const beforeCommit = app.runtime.beforeCommit;
    app.runtime.beforeCommit = async (work) => {
      await beforeCommit(work);
      throw new Error('the disk is full');
    };
    const body = { customerId, lineItems, status: 'issued' };
    expectRefusal(await app.api.post('/api/billing/invoices', body), 500, 'internal_error');
    app.runtime.beforeCommit = beforeCommit;
    expectRefusal(
      await app.api.post('/api/billing/invoices', { ...body, subscriptionId: UNKNOWN_ID }),
      404,
      'not_found',
    );
    expect((await app.given.invoice({ customerId })).invoiceNumber).toBe('INV-2026-0002');
  });

  test('forty at the same time: gapless', async () => {
    const app = await startAt('2026-03-15T10:30:00.000Z');
    const customerId = (await app.given.customer()).id;
    const issue = (n: number) =>
      app.api.post('/api/billing/invoices', {
        customerId,
        lineItems: n % 4 === 0 ? [{ ...lineItems[0], unitPrice: '-1' }] : lineItems, // every fourth is refused
        status: 'issued',
      });
    const answers = await Promise.all(Array.from({ length: 40 }, (_, n) => issue(n)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(30);
    expect((await numbers(app)).toSorted()).toEqual(
      Array.from({ length: 30 }, (_, i) => `INV-2026-${String(i + 1).padStart(4, '0')}`),
    );
  });

  test('one draft issued ten times at once: one number, one posting', async () => {
    const app = await startAt('2026-03-15T10:30:00.000Z');
    const { id } = await app.given.invoice({ status: 'draft' });
    const answers = await Promise.all(Array.from({ length: 10 }, () => putInvoice(app, id, { status: 'issued' })));
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(answers[0]!.body).toMatchObject({ invoiceNumber: 'INV-2026-0001', version: 2 });
    expect(await app.database.read('journal_entries').where({ fact_id: id })).toHaveLength(1);
    expect((await app.given.invoice()).invoiceNumber).toBe('INV-2026-0002');
  });

  test('a discarded or voided draft uses none; a void invoice keeps its own', async () => {
    const app = await startAt('2026-03-15T10:30:00.000Z');
    const [deleted, voided] = [
      await app.given.invoice({ status: 'draft' }),
      await app.given.invoice({ status: 'draft' }),
    ];
    await app.api.delete(`/api/billing/invoices/${deleted.id}`);
    await putInvoice(app, voided.id, { status: 'void' });
    const first = await app.given.invoice();
    await putInvoice(app, first.id, { status: 'void' });
    await app.given.invoice();
    expect(await numbers(app)).toEqual(['INV-2026-0001', 'INV-2026-0002']);
  });

  test('another prefix begins another series; credit notes have their own', async () => {
    const app = await startAt('2026-12-20T00:00:00.000Z');
    const sub = await app.given.subscription({ preRenewalInvoiceDays: 31 });
    await runAt(app, '2026-12-21T00:00:00.000Z');
    await app.api.put('/api/settings/billing', { invoicePrefix: 'ACME', creditNotePrefix: 'ACMECN' });
    const [, next] = (await app.api.get(`/api/billing/invoices?subscriptionId=${sub.id}`)).body.toReversed();
    await app.api.post('/api/billing/payments', { invoiceId: next.id, amount: '1.00', paymentMethod: 'check' });
    await putSubscription(app, sub.id, { cancelAtPeriodEnd: true });
    await app.given.invoice();
    expect(await numbers(app)).toEqual(['INV-2026-0001', 'INV-2026-0002', 'ACME-2026-0001']);
    const notes = await app.database.read('credit_notes');
    expect(notes.map((note: Entity) => note.credit_note_number)).toEqual(['ACMECN-2026-0001']);
  });
});
