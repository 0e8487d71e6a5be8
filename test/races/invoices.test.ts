import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { checkInvariants } from '../../src/billing/audit/invariants.ts';
import { atOnce, tally } from '../support/answers.ts';
import { startApp, type TestApp } from '../support/app.ts';

jest.setTimeout(300_000); // on a busy machine; seconds otherwise

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterEach(async () => {
  await app.drain();
  expect(await checkInvariants(app.database.read, app.clock.now())).toEqual([]);
});
afterAll(() => app.close());

const LINES = [{ description: 'Work', quantity: 1, unitPrice: '100.00' }];
const create = (customerId: string, over: object = {}, headers = {}) =>
  app.api.post('/api/billing/invoices', { customerId, status: 'issued', lineItems: LINES, ...over }, headers);

test('201 invoices issued at once, among 66 that are refused, have numbers without gap', async () => {
  const customers = await atOnce(5, () => app.given.customer());
  const answers = await atOnce(267, (n) =>
    create(customers[n % 5]!.id, n % 4 === 3 ? { dueDate: '2020-01-01T00:00:00Z' } : {}),
  );
  expect(tally(answers)).toEqual({ '201': 201, '400 validation_error': 66 });
  const numbers = answers.filter(({ status }) => status === 201).map(({ body }) => body.invoiceNumber);
  const wanted = Array.from({ length: 201 }, (_, n) => `INV-2026-${String(n + 1).padStart(4, '0')}`);
  expect(numbers.sort()).toEqual(wanted);
});

test('30 drafts issued and deleted at once: each is one or the other', async () => {
  const drafts = await atOnce(10, () => app.given.invoice({ status: 'draft' }));
  const answers = await atOnce(30, (n) => {
    const path = `/api/billing/invoices/${drafts[n % 10]!.id}`;
    return n % 3 === 0 ? app.api.delete(path) : app.api.put(path, { status: 'issued' });
  });
  expect(answers.filter(({ status }) => ![200, 204, 404, 409].includes(status))).toEqual([]);
  for (const [i, { id }] of drafts.entries()) {
    const { status } = await app.api.get(`/api/billing/invoices/${id}`);
    const deleted = answers.filter((answer, n) => n % 10 === i && answer.status === 204).length;
    expect(deleted).toBe(status === 404 ? 1 : 0);
  }
});

test('201 with the same bytes for 40 creates with one Idempotency-Key', async () => {
  const customer = await app.given.customer();
  const answers = await atOnce(40, () => create(customer.id, {}, { 'Idempotency-Key': 'one' }));
  expect(tally(answers)).toEqual({ '201': 40 });
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
  expect(answers.filter(({ headers }) => headers['idempotent-replayed'] === 'true')).toHaveLength(39);
  const { body } = await app.api.get(`/api/billing/invoices?customerId=${customer.id}`);
  expect(body).toHaveLength(1);
});

test('200 once and 409 for the others when many change one version', async () => {
  const { id, version } = await app.given.invoice();
  const answers = await atOnce(20, (n) =>
    app.api.put(`/api/billing/invoices/${id}`, { notes: `note ${n}` }, { 'If-Match': `"${version}"` }),
  );
  expect(tally(answers)).toEqual({ '200': 1, '409 conflict': 19 });
});

/** Does something once, between the statement that reads the next invoice and the one after it. */
function afterInvoiceIsRead(run: () => Promise<unknown>): void {
  const { client } = app.database.read;
  const { query } = client;
  client.query = async (connection: unknown, statement: { sql: string }) => {
    const answer = await query.call(client, connection, statement);
    if (/from .invoices. as/.test(statement.sql)) {
      client.query = query;
      await run();
    }
    return answer;
  };
}

test.each(['', '/explain'])(
  '200 an invoice that is paid while it is read is shown as of one moment: %s',
  async (what) => {
    const { id } = await app.given.invoice();
    const read = () => app.api.get(`/api/billing/invoices/${id}${what}`);
    const pay = () => app.api.post('/api/billing/payments', { invoiceId: id, amount: '1.00', paymentMethod: 'check' });
    afterInvoiceIsRead(pay);
    const { body } = await read();
    if (what === '') expect(body).toMatchObject({ amountPaid: '1.00', payments: [{ amount: '1.00' }] });
    else expect(body.verified).toBe(true);
  },
);
