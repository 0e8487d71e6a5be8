import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { checkInvariants } from '../../src/billing/audit/invariants.ts';
import { atOnce, tally } from '../support/answers.ts';
import { type Answer, startApp, type TestApp } from '../support/app.ts';
import { type Watch, watchedHandlers, watchStatements } from '../support/views.ts';

jest.setTimeout(300_000); // on a busy machine; seconds otherwise

let app: TestApp;
let stop: () => void;
/** Of the next call alone. */
let watch: Watch | undefined;
beforeAll(async () => {
  stop = watchStatements();
  const handlers = watchedHandlers(() => {
    const taken = watch;
    watch = undefined;
    return taken;
  });
  app = await startApp({ app: { handlers } });
});
afterEach(async () => {
  await app.drain();
  expect(await checkInvariants(app.database.read, app.clock.now())).toEqual([]);
});
afterAll(async () => {
  stop();
  await app.close();
});

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

test.each(['', '/explain'])(
  '200 an invoice that is paid while it is read is shown as of one moment: %s',
  async (what) => {
    const { id } = await app.given.invoice();
    const read = () => app.api.get(`/api/billing/invoices/${id}${what}`);
    const pay = () => app.api.post('/api/billing/payments', { invoiceId: id, amount: '1.00', paymentMethod: 'check' });
    watch = { seen: [], between: (statement) => (statement === 1 ? pay() : Promise.resolve()) };
    const [during, after] = [await read(), await read()];
    const shown = ({ body: { amountPaid, payments, verified, steps } }: Answer) =>
      what === '' ? [amountPaid, payments.length] : [verified, steps.at(-1).result];
    expect(shown(during)).toEqual(what === '' ? ['0.00', 0] : [true, '100.00']);
    expect(shown(after)).toEqual(what === '' ? ['1.00', 1] : [true, '99.00']);
  },
);
