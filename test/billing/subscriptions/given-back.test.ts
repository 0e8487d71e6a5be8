import { afterEach, describe, expect, test } from '@jest/globals';
import type { TestApp } from '../../support/app.ts';
import {
  balanceOf,
  changePlan,
  closeApps,
  credit,
  type Entity,
  invoiceOf,
  invoicesOf,
  pay,
  previewChange,
  putInvoice,
  putNote,
  putSubscription,
  refund,
  runAt,
  startAt,
} from '../support.ts';

/** Money that a person has given back is not given back again by a change (rules Q13). */
afterEach(closeApps);

const day = (date: string) => `2026-${date}T00:00:00.000Z`;
const flat = (basePrice: string, over: Entity = {}) => ({ basePrice, ...over });

interface Sold {
  app: TestApp;
  id: string;
  customerId: string;
  /** The first invoice, and what paid it. */
  invoiceId: string;
  paymentId: string;
  plan(over: Entity): Promise<string>;
}

/** Sold on 1 April and paid. */
async function paid(plan: Entity = flat('100'), tax?: Entity): Promise<Sold> {
  const app = await startAt(day('04-01'));
  if (tax) await app.given.taxRule(tax);
  const { id: customerId } = await app.given.customer(tax ? { billingCountry: 'US' } : {});
  const { id: planId, productId } = await app.given.plan(plan);
  const { id } = await app.given.subscription({ customerId, planId, preRenewalInvoiceDays: 0 });
  const [{ id: invoiceId, amountDue }] = await invoicesOf(app, id);
  const { id: paymentId } = (await pay(app, invoiceId, amountDue)).body;
  const another = async (over: Entity) => (await app.given.plan({ productId, name: 'Other', ...over })).id;
  return { app, id, customerId, invoiceId, paymentId, plan: another };
}

/** Previews, changes with the quote, and answers `[unused, remaining, net]` and what was issued. */
async function change({ app, id, plan }: Sold, at: string, target: Entity) {
  if (at > app.clock.now()) app.clock.set(at);
  const newPlanId = await plan(target);
  const { body: preview } = await previewChange(app, id, { newPlanId });
  const { status, body } = await changePlan(app, id, { newPlanId, quoteToken: preview.quoteToken });
  expect({ status, text: body.message }).toEqual({ status: 200, text: undefined });
  return { figures: [preview.credit, preview.charge, preview.net], invoice: body.invoice, credited: body.creditIssued };
}

const refunded = async (of: Sold, amount: string, more: Entity = {}) =>
  expect((await refund(of.app, of.paymentId, amount, more)).status).toBe(201);

describe('what was given back before the change', () => {
  test.each([
    ['Q.28 up', flat('101'), '04-01', ['0.00', '101.00', '101.00']],
    ['Q.30 down', flat('50'), '04-16', ['0.00', '25.00', '25.00']],
  ])('%s: a refund of everything leaves nothing to credit', async (_case, target, date, figures) => {
    const of = await paid();
    await refunded(of, '100.00');
    const done = await change(of, day(date), target);
    expect(done).toMatchObject({ figures, credited: null, invoice: { total: figures[2] } });
    expect(done.invoice.lineItems.map(({ description }: Entity) => description)).toEqual(['Remaining time: Other']);
    expect(await balanceOf(of.app, of.customerId)).toBe('0.00');
  });

  test.each([
    ['a credit note', (of: Sold) => credit(of.app, of.invoiceId, '40.00')],
    ['a refund', (of: Sold) => refund(of.app, of.paymentId, '40.00')],
    ['a refund to the balance', (of: Sold) => refund(of.app, of.paymentId, '40.00', { destination: 'credit' })],
  ])('Q.29 %s reduces it in proportion to the time left', async (_what, giveBack) => {
    const of = await paid();
    expect((await giveBack(of)).status).toBe(201);
    const { figures, invoice } = await change(of, day('04-16'), flat('200'));
    expect(figures).toEqual(['30.00', '100.00', '70.00']);
    const { steps } = (await of.app.api.get(`/api/billing/invoices/${invoice.id}/explain`)).body;
    expect(steps[0].inputs).toMatchObject({ base: '-60.00', givenBack: '40.00' });
  });

  test('Q.31 another cycle: no credit note, and the new period is due in full', async () => {
    const of = await paid();
    await refunded(of, '100.00');
    const done = await change(of, day('04-16'), flat('1000', { billingCycle: 'yearly' }));
    expect(done).toMatchObject({ figures: ['0.00', '1000.00', '1000.00'], credited: null });
    expect(done.invoice).toMatchObject({ total: '1000.00', creditsApplied: '0.00', amountDue: '1000.00' });
  });

  test('a quantity: the same', async () => {
    const of = await paid({ pricingModel: 'per_unit', basePrice: '0', unitPrice: '100' });
    await refunded(of, '100.00');
    of.app.clock.set(day('04-16'));
    await putSubscription(of.app, of.id, { quantity: 2 });
    expect((await invoicesOf(of.app, of.id)).map(({ total }) => total)).toEqual(['100.00', '100.00']);
  });

  test.each([
    ['exclusive', false, '107.25', '53.63'],
    ['inclusive', true, '100.00', '50.00'],
  ])('%s tax: the base counts', async (_kind, inclusive, total, half) => {
    const of = await paid(flat('100'), { inclusive });
    expect((await invoiceOf(of.app, of.invoiceId)).total).toBe(total);
    await refunded(of, half);
    expect((await change(of, day('04-16'), flat('200'))).figures).toEqual(['25.00', '100.00', '75.00']);
  });

  test('Q.34 of an invoice over other things, too: its share', async () => {
    const app = await startAt(day('03-01'));
    const metric = { name: 'calls', aggregation: 'sum', uniqueProperty: null };
    const usage = (basePrice: string) => ({
      ...{ pricingModel: 'usage_based', basePrice, unitPrice: '0.1' },
      usageMetric: metric,
    });
    const { id: planId, productId } = await app.given.plan(usage('20'));
    const { id, customerId } = await app.given.subscription({ planId, preRenewalInvoiceDays: 0 });
    await app.api.post('/api/billing/usage', { subscriptionId: id, metricName: 'calls', value: '300' });
    await runAt(app, day('04-01'));
    const [, { id: invoiceId, total }] = await invoicesOf(app, id);
    expect(total).toBe('50.00');
    const { id: paymentId } = (await pay(app, invoiceId, total)).body;
    const plan = async (over: Entity) => (await app.given.plan({ productId, ...over })).id;
    const of = { app, id, customerId, invoiceId, paymentId, plan };
    await refunded(of, '25.00');
    expect((await change(of, day('04-16'), usage('40'))).figures).toEqual(['5.00', '20.00', '15.00']);
  });
});

describe('several changes', () => {
  test('Q.32 given back between them: for the time that was left then', async () => {
    const of = await paid();
    expect((await change(of, day('04-11'), flat('200'))).figures).toEqual(['66.67', '133.33', '66.66']);
    await refunded(of, '100.00');
    expect((await change(of, day('04-21'), flat('300'))).figures).toEqual(['33.33', '100.00', '66.67']);
  });

  test('Q.33 given back before both: counted once', async () => {
    const of = await paid();
    await refunded(of, '100.00');
    expect((await change(of, day('04-11'), flat('200'))).figures).toEqual(['0.00', '133.33', '133.33']);
    expect((await change(of, day('04-21'), flat('300'))).figures).toEqual(['66.67', '100.00', '33.33']);
  });

  test('the invoice of a change given back: what it billed is no longer in force', async () => {
    const of = await paid();
    const { invoice } = await change(of, day('04-16'), flat('200'));
    await credit(of.app, invoice.id, '50.00');
    expect((await change(of, day('04-16'), flat('300'))).figures).toEqual(['50.00', '150.00', '100.00']);
  });

  test('a credit note that is voided after a change has counted it counts no longer', async () => {
    const of = await paid();
    const { body: note } = await credit(of.app, of.invoiceId, '40.00');
    expect((await change(of, day('04-16'), flat('200'))).figures[0]).toBe('30.00');
    const [, { id }] = await invoicesOf(of.app, of.id);
    await putInvoice(of.app, id, { status: 'paid' });
    expect((await of.app.api.post('/api/billing/credits', adjustment(of.customerId))).status).toBe(201);
    expect((await putNote(of.app, note.id, { status: 'void' })).status).toBe(200);
    expect((await change(of, day('04-16'), flat('300'))).figures).toEqual(['120.00', '150.00', '30.00']);
  });
});

const adjustment = (customerId: string) => ({ customerId, amount: '40.00', description: 'Spent meanwhile' });

test('an unpaid invoice of which a part was credited is credited for the rest', async () => {
  const app = await startAt(day('04-01'));
  const { id: planId, productId } = await app.given.plan(flat('100'));
  const { id } = await app.given.subscription({ planId, preRenewalInvoiceDays: 0 });
  const [{ id: invoiceId }] = await invoicesOf(app, id);
  await credit(app, invoiceId, '60.00');
  app.clock.set(day('04-16'));
  const newPlanId = (await app.given.plan(flat('0', { productId }))).id;
  expect((await changePlan(app, id, { newPlanId })).body.creditIssued).toBe('20.00');
  expect(await invoiceOf(app, invoiceId)).toMatchObject({ amountDue: '20.00', creditNotesAmount: '80.00' });
});

test('what was given back of a charge that is withdrawn does not follow its period', async () => {
  const app = await startAt(day('04-01'));
  const { id: planId, productId } = await app.given.plan(flat('100'));
  const { id } = await app.given.subscription({ planId, preRenewalInvoiceDays: 7 });
  await runAt(app, day('04-24'));
  const [, may] = await invoicesOf(app, id);
  await pay(app, may.id, '100.00');
  await credit(app, may.id, '30.00');
  const plan = async (basePrice: string) => (await app.given.plan({ productId, basePrice })).id;
  await changePlan(app, id, { newPlanId: await plan('200'), effective: 'period_end' });
  await runAt(app, day('05-01'));
  app.clock.set('2026-05-16T12:00:00.000Z');
  const { body } = await previewChange(app, id, { newPlanId: await plan('300') });
  expect([body.credit, body.charge]).toEqual(['100.00', '150.00']);
});
