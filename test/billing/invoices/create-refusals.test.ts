import { afterAll, beforeAll, describe, test } from '@jest/globals';
import { startApp, type TestApp } from '../../support/app.ts';
import { expectRefusal, UNKNOWN_ID } from '../../support/refusals.ts';
import type { Entity } from '../support.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

const URL = '/api/billing/invoices';
const line = (over: Entity = {}) => ({ description: 'Consulting', quantity: 1, unitPrice: '100.00', ...over });
const create = async (over: Entity = {}) =>
  app.api.post(URL, {
    customerId: over.customerId ?? (await app.given.customer()).id,
    lineItems: [line()],
    ...over,
  });

describe('createInvoice', () => {
  test.each<[string, Entity, string[]]>([
    ['no lines', { lineItems: [] }, ['lineItems']],
    ['501 lines', { lineItems: Array(501).fill(line()) }, ['lineItems']],
    ['quantity 0', { lineItems: [line({ quantity: 0 })] }, ['lineItems.0.quantity']],
    ['a negative quantity', { lineItems: [line({ quantity: -1 })] }, ['lineItems.0.quantity']],
    ['quantity a billion', { lineItems: [line({ quantity: 1e9 })] }, ['lineItems.0.quantity']],
    ['five decimals of quantity', { lineItems: [line({ quantity: 0.12345 })] }, ['lineItems.0.quantity']],
    ['quantity as text', { lineItems: [line({ quantity: '1' })] }, ['lineItems.0.quantity']],
    ['a price as number', { lineItems: [line({ unitPrice: 1 })] }, ['lineItems.0.unitPrice']],
    ['a price with 13 decimals', { lineItems: [line({ unitPrice: '0.0000000000001' })] }, ['lineItems.0.unitPrice']],
    ['an empty description', { lineItems: [line({ description: '  ' })] }, ['lineItems.0.description']],
    ['an amount of a line', { lineItems: [line({ amount: '1.00' })] }, ['lineItems.0.amount']],
    ['only one end', { lineItems: [line({ periodStart: '2026-01-01T00:00:00Z' })] }, ['lineItems.0.periodEnd']],
    [
      'ends in the wrong order',
      { lineItems: [line({ periodStart: '2026-01-01T00:00:00Z', periodEnd: '2026-01-01T00:00:00Z' })] },
      ['lineItems.0.periodEnd'],
    ],
    ['a negative subtotal', { lineItems: [line({ unitPrice: '-0.01' })] }, ['lineItems']],
    [
      'an amount out of bounds',
      { lineItems: [line({ quantity: 999_999_999, unitPrice: '999999999' })] },
      ['lineItems'],
    ],
    [
      'lines that sum up to too much',
      { lineItems: [line({ quantity: 10, unitPrice: '999999999999' }), line({ unitPrice: '10' })] },
      ['lineItems'],
    ],
    ['an unknown currency', { currency: 'XXX' }, ['currency']],
    ['status paid', { status: 'paid' }, ['status']],
    ['a due date before the issue', { status: 'issued', dueDate: '2026-03-15T10:29:59.999Z' }, ['dueDate']],
    ['a due date that is none', { dueDate: 'tomorrow' }, ['dueDate']],
    ['notes too long', { notes: 'x'.repeat(5001) }, ['notes']],
    ['a number', { invoiceNumber: 'INV-1' }, ['invoiceNumber']],
  ])('400 validation_error for %s', async (_, over, fields) => {
    expectRefusal(await create(over), 400, 'validation_error', ...fields);
  });

  test('400 validation_error names every failing member', async () => {
    const lineItems = [line({ quantity: 0.00001 }), line({ periodEnd: '2026-01-01T00:00:00Z' })];
    const answer = await create({ lineItems });
    expectRefusal(answer, 400, 'validation_error', 'lineItems.0.quantity', 'lineItems.1.periodStart');
  });

  test('404 not_found for an unknown customer or subscription; 400 for the subscription of another customer', async () => {
    expectRefusal(await create({ customerId: UNKNOWN_ID }), 404, 'not_found');
    expectRefusal(await create({ subscriptionId: UNKNOWN_ID }), 404, 'not_found');
    const { id } = await app.given.subscription();
    expectRefusal(await create({ subscriptionId: id }), 400, 'validation_error', 'subscriptionId');
  });
});
