import { afterEach, describe, expect, test } from '@jest/globals';
import {
  balanceOf,
  closeApps,
  type Entity,
  eventsOf,
  invoiceOf,
  invoicesOf,
  pay,
  periodRows,
  posting,
  putSubscription,
  run,
  runAt,
  startAt,
  subscriptionOf,
  trialBalance,
} from '../billing/support.ts';

afterEach(closeApps);

const START = '2026-01-31T10:00:00.000Z';
const AHEAD = '2026-02-21T10:00:00.000Z';

/** A subscription of 100.00 plus 7.25 % whose next period is invoiced already. */
async function preInvoiced(credit?: string) {
  const app = await startAt(START);
  await app.given.taxRule();
  const customer = await app.given.customer({ billingCountry: 'US' });
  const plan = await app.given.plan({ basePrice: '100.00' });
  if (credit) {
    const invoice = await app.given.invoice({ customerId: customer.id });
    await pay(app, invoice.id, String(Number(invoice.total) + Number(credit)));
  }
  const { id } = await app.given.subscription({ customerId: customer.id, planId: plan.id });
  await runAt(app, AHEAD);
  const [first, next] = await invoicesOf(app, id);
  return { app, id, customerId: customer.id as string, first, next };
}

const types = (events: Entity[]) => events.map(({ type }) => type);

describe('Q9 the charge of the next period is withdrawn', () => {
  test('not yet invoiced: the row goes, no document', async () => {
    const app = await startAt(START);
    const { id, customerId } = await app.given.subscription();
    const { body } = await putSubscription(app, id, { cancelAtPeriodEnd: true });
    expect(body).toMatchObject({ cancelAtPeriodEnd: true, status: 'active', version: 2 });
    expect(await periodRows(app, id)).toEqual(['advance 2026-01-31: invoiced']);
    expect(types(await eventsOf(app, customerId)).slice(3)).toEqual(['subscription.updated']);
    expect(await runAt(app, AHEAD)).toMatchObject({ invoicesGenerated: 0 });
    expect(await runAt(app, '2026-02-28T10:00:00.000Z')).toMatchObject({ canceled: 1, invoicesGenerated: 0 });
    expect(await subscriptionOf(app, id)).toMatchObject({
      status: 'canceled',
      canceledAt: '2026-02-28T10:00:00.000Z',
    });
    expect((await invoicesOf(app, id)).map(({ status }) => status)).toEqual(['issued']);
  });

  test('invoiced and unpaid: the invoice is void, taken back unset makes a new one', async () => {
    const { app, id, next, customerId } = await preInvoiced();
    app.clock.set('2026-02-22T00:00:00.000Z');
    await putSubscription(app, id, { cancelAtPeriodEnd: true });
    expect(await invoiceOf(app, next.id)).toMatchObject({
      status: 'void',
      amountDue: '0.00',
      total: '107.25',
      voidedAt: app.clock.now(),
      invoiceNumber: next.invoiceNumber,
      version: 2,
      creditNotes: [],
    });
    expect(await posting(app, 'invoice.voided', next.id)).toEqual({
      receivable: '-107.25',
      revenue: '100.00',
      tax_payable: '7.25',
    });
    expect(await periodRows(app, id)).toEqual(['advance 2026-01-31: invoiced']);
    const told = (await eventsOf(app, customerId)).slice(-2);
    expect(types(told)).toEqual(['invoice.voided', 'subscription.updated']);
    expect(told[1].data.changes).toEqual(['cancelAtPeriodEnd']);

    await putSubscription(app, id, { cancelAtPeriodEnd: false });
    expect(await periodRows(app, id)).toContain('advance 2026-02-28: pending');
    expect(await run(app)).toMatchObject({ invoicesPreGenerated: 1 });
    const [, , again] = await invoicesOf(app, id);
    expect(again).toMatchObject({ status: 'issued', total: '107.25', invoiceNumber: 'INV-2026-0003' });
    await runAt(app, '2026-02-28T10:00:00.000Z');
    expect(await subscriptionOf(app, id)).toMatchObject({
      status: 'active',
      currentPeriodStart: '2026-02-28T10:00:00.000Z',
    });
  });

  test('unpaid, with credit used: the credit returns', async () => {
    const { app, id, next, customerId } = await preInvoiced('150.00');
    expect(next).toMatchObject({ creditsApplied: '42.75', amountDue: '64.50' });
    await putSubscription(app, id, { cancelAtPeriodEnd: true });
    expect(await balanceOf(app, customerId)).toBe('42.75');
    const voided = await invoiceOf(app, next.id);
    expect(voided).toMatchObject({ status: 'void', creditsApplied: '0.00', amountDue: '0.00' });
    const entries = await app.database.read('credit_entries').where({ customer_id: customerId }).orderBy('seq');
    expect(entries.map((e: Entity) => [e.reason, Number(e.amount), Number(e.balance_after)])).toEqual([
      ['overpayment', 15000, 15000],
      ['invoice_application', -10725, 4275],
      ['invoice_application', -4275, 0],
      ['invoice_void', 4275, 4275],
    ]);
    expect(await posting(app, 'credit.returned', entries[3].id)).toEqual({
      receivable: '42.75',
      customer_credit: '-42.75',
    });
  });

  test('paid: a credit note over everything, to the balance; the next invoice uses it', async () => {
    const { app, id, next, customerId } = await preInvoiced();
    await pay(app, next.id, '107.25');
    app.clock.set('2026-02-22T00:00:00.000Z');
    await putSubscription(app, id, { cancelAtPeriodEnd: true });
    const credited = await invoiceOf(app, next.id);
    expect(credited).toMatchObject({
      status: 'paid',
      amountPaid: '107.25',
      creditNotesAmount: '0.00',
      amountDue: '0.00',
      creditNotes: [
        {
          creditNoteNumber: 'CN-2026-0001',
          status: 'issued',
          amount: '107.25',
          taxAmount: '7.25',
          appliedToInvoice: '0.00',
          creditedToBalance: '107.25',
          currency: 'USD',
          customerId,
          invoiceId: next.id,
          issuedAt: app.clock.now(),
          voidedAt: null,
        },
      ],
    });
    expect(await balanceOf(app, customerId)).toBe('107.25');
    expect(await posting(app, 'credit_note.issued', credited.creditNotes[0].id)).toEqual({
      revenue: '100.00',
      tax_payable: '7.25',
      customer_credit: '-107.25',
    });
    const told = (await eventsOf(app, customerId)).slice(-3);
    expect(types(told)).toEqual(['credit_note.issued', 'credit.deposited', 'subscription.updated']);
    expect(told[0].data).toEqual({
      creditNoteId: credited.creditNotes[0].id,
      customerId,
      invoiceId: next.id,
      creditNoteNumber: 'CN-2026-0001',
      amount: '107.25',
      appliedToInvoice: '0.00',
      creditedToBalance: '107.25',
      currency: 'USD',
    });
    expect(told[1].data).toMatchObject({
      amount: '107.25',
      balance: '107.25',
      reason: 'credit_note',
      invoiceId: next.id,
    });

    await putSubscription(app, id, { cancelAtPeriodEnd: false });
    await run(app);
    const [, , again] = await invoicesOf(app, id);
    expect(again).toMatchObject({ status: 'paid', creditsApplied: '107.25', amountDue: '0.00' });
    expect(await balanceOf(app, customerId)).toBe('0.00');
  });

  test('partly paid: the credit note first settles what is due, the paid part becomes credit', async () => {
    const { app, id, next, customerId } = await preInvoiced();
    await pay(app, next.id, '40.00');
    await putSubscription(app, id, { cancelAtPeriodEnd: true });
    const credited = await invoiceOf(app, next.id);
    expect(credited).toMatchObject({
      status: 'paid',
      amountPaid: '40.00',
      creditNotesAmount: '67.25',
      amountDue: '0.00',
      creditNotes: [{ amount: '107.25', taxAmount: '7.25', appliedToInvoice: '67.25', creditedToBalance: '40.00' }],
    });
    expect(await posting(app, 'credit_note.issued', credited.creditNotes[0].id)).toEqual({
      revenue: '100.00',
      tax_payable: '7.25',
      receivable: '-67.25',
      customer_credit: '-40.00',
    });
    expect(await balanceOf(app, customerId)).toBe('40.00');
    expect(types(await eventsOf(app, customerId)).slice(-4)).toEqual([
      'credit_note.issued',
      'invoice.paid',
      'credit.deposited',
      'subscription.updated',
    ]);
    expect(await trialBalance(app)).toEqual({
      receivable: '107.25', // the first invoice
      revenue: '-100.00',
      tax_payable: '-7.25',
      'cash:manual': '40.00',
      customer_credit: '-40.00',
    });
  });

  test('paid wholly by credit: taken back by a credit note', async () => {
    const { app, id, next, customerId } = await preInvoiced('300.00');
    expect(next).toMatchObject({ status: 'paid', creditsApplied: '107.25', amountPaid: '0.00' });
    expect(await balanceOf(app, customerId)).toBe('85.50');
    await putSubscription(app, id, { cancelAtPeriodEnd: true });
    expect(await invoiceOf(app, next.id)).toMatchObject({
      status: 'paid',
      creditNotes: [{ amount: '107.25', creditedToBalance: '107.25' }],
    });
    expect(await balanceOf(app, customerId)).toBe('192.75');
  });

  test('voided by a person: nothing to withdraw, and it is not billed again by itself', async () => {
    const { app, id, next } = await preInvoiced();
    await app.api.put(`/api/billing/invoices/${next.id}`, { status: 'void' });
    expect(await periodRows(app, id)).toContain('advance 2026-02-28: waived');
    await putSubscription(app, id, { cancelAtPeriodEnd: true });
    await putSubscription(app, id, { cancelAtPeriodEnd: false });
    await runAt(app, '2026-02-28T10:00:00.000Z');
    expect(await invoicesOf(app, id)).toHaveLength(2);
    await runAt(app, '2026-03-31T10:00:00.000Z');
    expect((await invoicesOf(app, id)).map(({ status }) => status)).toEqual(['issued', 'void', 'issued']);
  });

  test('issued late and withdrawn in one request (S13): the ledger holds both, nothing is left', async () => {
    const app = await startAt(START);
    const { id } = await app.given.subscription();
    app.clock.set('2026-02-25T00:00:00.000Z'); // the invoice of 02-21 was never issued
    expect((await putSubscription(app, id, { cancelAtPeriodEnd: true })).status).toBe(200);
    const [, next] = await invoicesOf(app, id);
    expect(next).toMatchObject({ status: 'void', invoiceNumber: 'INV-2026-0002' });
    expect(await posting(app, 'invoice.voided', next.id)).toEqual({ receivable: '-49.99', revenue: '49.99' });
    expect(await trialBalance(app)).toEqual({ receivable: '49.99', revenue: '-49.99' });
  });

  test('DELETE withdraws too: the running period stays due, the next is void', async () => {
    const { app, id, first, next } = await preInvoiced();
    expect((await app.api.delete(`/api/billing/subscriptions/${id}`)).status).toBe(204);
    expect(await invoiceOf(app, next.id)).toMatchObject({ status: 'void' });
    expect(await invoiceOf(app, first.id)).toMatchObject({ status: 'issued', amountDue: '107.25' });
    expect(await runAt(app, '2026-06-01T00:00:00.000Z')).toMatchObject({ invoicesGenerated: 0, canceled: 0 });
  });
});
