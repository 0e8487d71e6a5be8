import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApp, type TestApp } from '../../support/app.ts';
import { expectRefusal } from '../../support/refusals.ts';
import { dunning, type Entity, eventsOf, invoiceOf, putInvoice, trialBalance } from '../support.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

const MAKE: Record<string, () => Promise<Entity>> = {
  draft: () => app.given.invoice({ status: 'draft' }),
  issued: () => app.given.invoice(),
  async overdue() {
    const { id } = await app.given.invoice({ dueDate: app.clock.now() });
    await dunning(app);
    return invoiceOf(app, id);
  },
  async paid() {
    const { id } = await app.given.invoice();
    return (await putInvoice(app, id, { status: 'paid' })).body;
  },
  async void() {
    const { id } = await app.given.invoice();
    return (await putInvoice(app, id, { status: 'void' })).body;
  },
};

const CONFLICT = [409, 'conflict'] as const;
const PAID = [400, 'invoice_already_paid'] as const;
const VOID = [400, 'invoice_voided'] as const;
const lineItems = [{ description: 'x', quantity: 1, unitPrice: '1' }];

/** Rules §11 and I1: what a PUT does in each status. */
const TABLE: [string, Entity, string | readonly [number, string]][] = [
  ['draft', { status: 'draft' }, 'draft'],
  ['draft', { status: 'issued' }, 'issued'],
  ['draft', { status: 'paid' }, CONFLICT],
  ['draft', { status: 'void' }, 'void'],
  ['issued', { status: 'draft' }, CONFLICT],
  ['issued', { status: 'issued' }, 'issued'],
  ['issued', { status: 'paid' }, 'paid'],
  ['issued', { status: 'void' }, 'void'],
  ['issued', { lineItems }, CONFLICT],
  ['issued', { dueDate: '2027-01-01T00:00:00Z' }, CONFLICT],
  ['issued', { currency: 'EUR' }, CONFLICT],
  ['issued', { notes: 'x', currency: 'USD' }, CONFLICT],
  ['overdue', { status: 'draft' }, CONFLICT],
  ['overdue', { status: 'issued' }, CONFLICT],
  ['overdue', { status: 'paid' }, 'paid'],
  ['overdue', { status: 'void' }, 'void'],
  ['overdue', { lineItems }, CONFLICT],
  ['overdue', { notes: 'x' }, 'overdue'],
  ['paid', { status: 'draft' }, PAID],
  ['paid', { status: 'issued' }, PAID],
  ['paid', { status: 'paid' }, PAID],
  ['paid', { status: 'void' }, PAID],
  ['paid', { dueDate: null }, PAID],
  ['paid', { notes: 'x' }, 'paid'],
  ['void', { status: 'draft' }, VOID],
  ['void', { status: 'issued' }, VOID],
  ['void', { status: 'paid' }, VOID],
  ['void', { status: 'void' }, VOID],
  ['void', { lineItems }, VOID],
  ['void', { notes: 'x' }, 'void'],
];

describe('transitions by PUT', () => {
  test.each(TABLE)('%s, asked %j: %j', async (from, body, outcome) => {
    const invoice = await MAKE[from]!();
    expect(invoice.status).toBe(from);
    const before = [await invoiceOf(app, invoice.id), await eventsOf(app, invoice.customerId), await trialBalance(app)];
    const answer = await putInvoice(app, invoice.id, body);
    if (typeof outcome !== 'string') {
      expectRefusal(answer, ...(outcome as [number, string]));
      const after = [
        await invoiceOf(app, invoice.id),
        await eventsOf(app, invoice.customerId),
        await trialBalance(app),
      ];
      return expect(after).toEqual(before);
    }
    expect(answer.body).toMatchObject({ ...body, status: outcome });
    const told = (await eventsOf(app, invoice.customerId)).slice((before[1] as Entity[]).length);
    const named = { issued: 'invoice.issued', paid: 'invoice.paid', void: 'invoice.voided' }[outcome];
    expect(told.map(({ type }) => type).at(-1)).toBe(outcome === from ? undefined : named);
  });
});
