import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { startApp, type TestApp } from '../../support/app.ts';
import { dropTriggers } from '../../support/loosen.ts';
import { expectRefusal, UNKNOWN_ID } from '../../support/refusals.ts';
import { closeApps, type Entity, invoicesOf, pay, putInvoice, putSubscription, run, startAt } from '../support.ts';

const NOW = '2026-01-31T10:00:00.000Z';
const path = (id: string) => `/api/billing/invoices/${id}/explain`;
const shown = (steps: Entity[]) => steps.map(({ kind, formula, result }) => `${kind}: ${formula} = ${result}`);

async function explain(app: TestApp, id: string): Promise<Entity> {
  const answer = await app.api.get(path(id));
  expect(answer.status).toBe(200);
  const { body } = answer;
  expect(body.steps.map(({ position }: Entity) => position)).toEqual(body.steps.map((_: unknown, i: number) => i + 1));
  return body;
}

/** Everything that the explanation says is not as it was computed, by step. */
const differences = ({ steps }: Entity): Entity =>
  Object.fromEntries(
    steps.flatMap(({ kind, inputs }: Entity) => {
      const wrong = Object.entries(inputs).filter(([name]) => /^(stored|trace)\./.test(name));
      return wrong.map(([name, value]) => [`${kind} ${name}`, value]);
    }),
  );

describe('explainInvoice', () => {
  afterEach(closeApps);

  test('200 a subscription invoice from its price to what is due', async () => {
    const app = await startAt(NOW);
    await app.given.taxRule({ region: 'CA', taxName: 'CA Sales Tax' });
    const customer = await app.given.customer({ billingCountry: 'US', billingState: 'CA' });
    const plan = await app.given.plan({ pricingModel: 'per_unit', basePrice: '0', unitPrice: '10.00' });
    const sub = await app.given.subscription({ customerId: customer.id, planId: plan.id, quantity: 5 });
    const [invoice] = await invoicesOf(app, sub.id);
    await pay(app, invoice.id, '60.00');
    const explained = await explain(app, invoice.id);
    expect(explained).toMatchObject({
      invoiceId: invoice.id,
      invoiceNumber: 'INV-2026-0001',
      currency: 'USD',
      engineVersion: '1',
      inputsHash: expect.stringMatching(/^[0-9a-f]{64}$/),
      verified: true,
    });
    expect(shown(explained.steps)).toEqual([
      'line: 5 × 10.00 = 50.00',
      'subtotal: sum of the lines = 50.00',
      'tax: 50.00 × 0.0725 = 3.63',
      'total: 50.00 - 0.00 + 3.63 = 53.63',
      'credit: min(0.00, 53.63) = 0.00',
      'payment: 60.00 - 6.37 = 53.63',
      'due: 53.63 - 0.00 - 0.00 - 53.63 = 0.00',
    ]);
    const [line, , tax] = explained.steps;
    expect(line).toMatchObject({
      lineItemId: invoice.lineItems[0].id,
      description: 'Pro Monthly (Monthly)',
      inputs: { quantity: '5', unitPrice: '10.00', ratio: '1', planVersionId: expect.any(String) },
    });
    expect(tax).toMatchObject({ lineItemId: null, inputs: { rate: '0.0725', taxRuleId: expect.any(String) } });
    expect((await explain(app, invoice.id)).inputsHash).toBe(explained.inputsHash);
  });

  test('200 credit at issue, and its return by a void', async () => {
    const app = await startAt(NOW);
    const { id, customerId } = await app.given.invoice();
    await pay(app, id, '130.00');
    const withCredit = await app.given.invoice({ customerId });
    expect(shown((await explain(app, withCredit.id)).steps).slice(-2)).toEqual([
      'credit: min(30.00, 100.00) = 30.00',
      'due: 100.00 - 30.00 - 0.00 - 0.00 = 70.00',
    ]);
    await putInvoice(app, withCredit.id, { status: 'void' });
    const voided = await explain(app, withCredit.id);
    expect(voided.verified).toBe(true);
    expect(shown(voided.steps).slice(-3)).toEqual([
      'credit: min(30.00, 100.00) = 30.00',
      'credit: -(30.00) = -30.00',
      'due: nothing is due on a void invoice = 0.00',
    ]);
  });

  test('200 an invoice that a credit note settled', async () => {
    const app = await startAt(NOW);
    const sub = await app.given.subscription();
    const [first] = await invoicesOf(app, sub.id);
    await pay(app, first.id, '49.99');
    app.clock.set('2026-02-22T10:00:00.000Z');
    await run(app);
    const [, ahead] = await invoicesOf(app, sub.id);
    await pay(app, ahead.id, '10.00');
    await putSubscription(app, sub.id, { cancelAtPeriodEnd: true });
    const explained = await explain(app, ahead.id);
    expect(explained.verified).toBe(true);
    expect(shown(explained.steps).slice(-3)).toEqual([
      'credit_note: 49.99 - 10.00 = 39.99',
      'payment: 10.00 - 0.00 = 10.00',
      'due: 49.99 - 0.00 - 39.99 - 10.00 = 0.00',
    ]);
    expect(explained.steps.at(-3)).toMatchObject({ description: 'Credit note CN-2026-0001' });
  });

  test('200 a draft is computed from its lines with the tax stored on it', async () => {
    const app = await startAt(NOW);
    const rule = await app.given.taxRule({ region: 'CA' });
    const customer = await app.given.customer({ billingCountry: 'US', billingState: 'CA' });
    const draft = await app.given.invoice({ customerId: customer.id, status: 'draft' });
    await app.api.put(`/api/billing/tax-rules/${rule.id}`, { rate: '0.08' });
    const explained = await explain(app, draft.id);
    expect(explained).toMatchObject({ invoiceNumber: null, verified: true });
    expect(shown(explained.steps)).toEqual([
      'line: 1 × 100.00 = 100.00',
      'subtotal: sum of the lines = 100.00',
      'tax: 100.00 × 0.0725 = 7.25',
      'total: 100.00 - 0.00 + 7.25 = 107.25',
      'credit: credits not applied = 0.00',
      'due: 107.25 - 0.00 - 0.00 - 0.00 = 107.25',
    ]);
    expect(explained.steps[0].lineItemId).toBe(draft.lineItems[0].id);
    await putInvoice(app, draft.id, { status: 'void' });
    expect((await explain(app, draft.id)).verified).toBe(true);
  });
});

describe('what was changed behind the back of the server', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp({ now: NOW });
    await dropTriggers(app, 'invoices', 'issued', 'final');
    await dropTriggers(app, 'invoice_lines', 'fixed', 'no_delete');
    await app.given.taxRule({ region: 'CA' });
  });
  afterAll(() => app.close());

  const given = async () => {
    const customer = await app.given.customer({ billingCountry: 'US', billingState: 'CA' });
    const invoice = await app.given.invoice({ customerId: customer.id });
    expect((await explain(app, invoice.id)).verified).toBe(true);
    return invoice.id as string;
  };
  const change = (table: string, where: object, values: object) =>
    app.database.write(table).where(where).update(values);

  test('200 verified false: an amount of a line', async () => {
    const id = await given();
    await change('invoice_lines', { invoice_id: id }, { amount: 9000, description: 'Cheaper' });
    const explained = await explain(app, id);
    expect(explained.verified).toBe(false);
    expect(explained.steps[0]).toMatchObject({ kind: 'line', result: '100.00' });
    expect(differences(explained)).toEqual({ 'line stored.amount': '90.00', 'line stored.description': 'Cheaper' });
  });

  test('200 verified false: the totals', async () => {
    const id = await given();
    await change('invoices', { id }, { tax_amount: 700, total: 10700, amount_due: 10700, tax_rate: '0.07' });
    const explained = await explain(app, id);
    expect(explained.verified).toBe(false);
    expect(differences(explained)).toEqual({
      'tax stored.taxAmount': '7.00',
      'tax stored.taxRate': '0.07',
      'total stored.total': '107.00',
      'due stored.amountDue': '107.00',
    });
  });

  test('200 verified false: what was paid', async () => {
    const id = await given();
    await pay(app, id, '50.00');
    await change('payments', { invoice_id: id }, { amount: 6000, applied_amount: 6000 });
    const explained = await explain(app, id);
    expect(explained.verified).toBe(false);
    expect(differences(explained)).toEqual({ 'due stored.amountPaid': '50.00', 'due stored.amountDue': '57.25' });
  });

  test('200 verified false: a line that was added, a line that is gone', async () => {
    const [added, gone] = [await given(), await given()];
    const [line] = await app.database.read('invoice_lines').where({ invoice_id: added });
    await app.database.write('invoice_lines').insert({ ...line, id: UNKNOWN_ID, position: 2 });
    await app.database.write('invoice_lines').where({ invoice_id: gone }).delete();
    const one = await explain(app, added);
    expect(one.verified).toBe(false);
    expect(one.steps[1]).toMatchObject({ kind: 'line', lineItemId: UNKNOWN_ID, inputs: { 'stored.amount': '100.00' } });
    const other = await explain(app, gone);
    expect(other.verified).toBe(false);
    expect(other.steps[0]).toMatchObject({ lineItemId: null, inputs: { 'stored.amount': 'none' } });
  });

  test('200 verified false: the evidence, its input, and no evidence at all', async () => {
    const [step, input, none, broken] = [await given(), await given(), await given(), await given()];
    const trace = JSON.parse((await app.database.read('invoices').where({ id: step }))[0].trace);
    const { inputsHash } = await explain(app, step);
    const changed = structuredClone(trace);
    changed.steps[2].result = '7.00';
    await change('invoices', { id: step }, { trace: JSON.stringify(changed) });
    expect(differences(await explain(app, step))).toEqual({ 'tax trace.result': '7.00' });

    changed.steps = trace.steps;
    changed.input.lines[0].unitPrice = '90';
    await change('invoices', { id: input }, { trace: JSON.stringify(changed) });
    const other = await explain(app, input);
    expect(other.verified).toBe(false);
    expect(other.inputsHash).not.toBe(inputsHash);
    expect(differences(other)).toMatchObject({ 'line stored.amount': '100.00', 'line trace.formula': '1 × 100.00' });

    await change('invoices', { id: none }, { trace: null });
    await change('invoices', { id: broken }, { trace: '{"input":{},"steps":[]}' });
    for (const id of [none, broken]) {
      const lost = await explain(app, id);
      expect(lost.verified).toBe(false);
      expect(differences(lost)).toEqual({ 'total stored.trace': 'none' });
    }
  });

  test('200 verified false: the due step of the evidence, and one step too many', async () => {
    const [due, more] = [await given(), await given()];
    const trace = JSON.parse((await app.database.read('invoices').where({ id: due }))[0].trace);
    const last = { ...trace.steps.at(-1), result: '0.00' };
    await change(
      'invoices',
      { id: due },
      { trace: JSON.stringify({ ...trace, steps: [...trace.steps.slice(0, -1), last] }) },
    );
    expect(differences(await explain(app, due))).toEqual({ 'due trace.result': '0.00' });
    await change('invoices', { id: more }, { trace: JSON.stringify({ ...trace, steps: [...trace.steps, last] }) });
    expect(differences(await explain(app, more))).toEqual({ 'due trace.steps': '7' });
  });

  test('403 forbidden for a customer, 404 not_found, 401 unauthorized', async () => {
    const id = await given();
    const [{ customer_id }] = await app.database.read('invoices').where({ id });
    const portal = app.withSession(await app.given.portalSession(customer_id));
    expectRefusal(await portal.get(path(id)), 403, 'forbidden');
    expectRefusal(await app.api.get(path(UNKNOWN_ID)), 404, 'not_found');
    expectRefusal(await app.anonymous.get(path(id)), 401, 'unauthorized');
  });
});
