import { afterEach, describe, expect, test } from '@jest/globals';
import type { TestApp } from '../../support/app.ts';
import {
  balanceOf,
  changePlan,
  closeApps,
  type Entity,
  invoiceOf,
  invoicesOf,
  pay,
  periodRows,
  previewChange,
  putSubscription,
  run,
  runAt,
  startAt,
  subscriptionOf,
} from '../support.ts';

afterEach(closeApps);

const day = (date: string) => `${date}T00:00:00.000Z`;
const S = day('2026-04-01');
const E = day('2026-05-01');

interface Sold {
  app: TestApp;
  id: string;
  customerId: string;
  productId: string;
}

/** A subscription sold at `start`, billed at its boundaries. */
async function sold(start: string, plan: Entity, over: Entity = {}, tax = false): Promise<Sold> {
  const app = await startAt(start);
  if (tax) await app.given.taxRule();
  const customer = await app.given.customer(tax ? { billingCountry: 'US' } : {});
  const { id: planId, productId } = await app.given.plan(plan);
  const terms = { planId, customerId: customer.id, billingCycle: plan.billingCycle ?? 'monthly' };
  const { id } = await app.given.subscription({ preRenewalInvoiceDays: 0, ...terms, ...over });
  return { app, id, customerId: customer.id, productId };
}

const planFor = async ({ app, productId }: Sold, over: Entity): Promise<string> =>
  (await app.given.plan({ productId, name: 'Team', ...over })).id;

/** Previews at `at`, changes with the quote, and proves that what was issued is what was previewed. */
async function change(of: Sold, at: string, body: Entity): Promise<{ preview: Entity; result: Entity }> {
  const { app, id } = of;
  if (at > app.clock.now()) app.clock.set(at);
  const preview = (await previewChange(app, id, body)).body;
  expect(preview).toMatchObject({ effectiveAt: at });
  const answer = await changePlan(app, id, { ...body, quoteToken: preview.quoteToken });
  expect({ status: answer.status, text: answer.text }).toMatchObject({ status: 200 });
  const result = answer.body;
  const cents = (money: string | undefined | null) => Math.round(Number(money ?? 0) * 1000);
  expect(cents(preview.total)).toBe(cents(result.invoice?.total) - cents(result.creditIssued));
  return { preview, result };
}

const figures = ({ credit, charge, net }: Entity) => [credit, charge, net];
const flat = (basePrice: string, over: Entity = {}) => ({ basePrice, ...over });
const seats = { pricingModel: 'per_unit', basePrice: '0', unitPrice: '10' };

describe('charged: one invoice with both lines (Q4, Q6)', () => {
  test.each<[string, string, Entity, Entity, string, [string, string, string]]>([
    ['Q.1', S, flat('100'), flat('200'), day('2026-04-16'), ['50.00', '100.00', '50.00']],
    ['Q.4', day('2026-03-01'), flat('100'), flat('200'), day('2026-03-16'), ['51.61', '103.23', '51.62']],
    ['Q.6', S, flat('100'), flat('200'), S, ['100.00', '200.00', '100.00']],
    ['Q.11', S, flat('29.99'), flat('79.99'), '2026-04-10T13:37:42.900Z', ['20.43', '54.48', '34.05']],
    ['Q.12', day('2028-02-01'), flat('100'), flat('200'), day('2028-02-15'), ['51.72', '103.45', '51.73']],
    [
      'Q.13',
      day('2026-01-01'),
      flat('1200', { billingCycle: 'yearly' }),
      flat('2400', { billingCycle: 'yearly' }),
      '2026-07-02T12:00:00.000Z',
      ['600.00', '1200.00', '600.00'],
    ],
    [
      'Q.10',
      day('2026-03-01'),
      flat('1000', { currency: 'JPY' }),
      flat('3000', { currency: 'JPY' }),
      day('2026-03-16'),
      ['516', '1548', '1032'],
    ],
  ])('%s', async (_id, start, from, to, at, expected) => {
    const of = await sold(start, from);
    const { preview, result } = await change(of, at, { newPlanId: await planFor(of, to) });
    expect(figures(preview)).toEqual(expected);
    const [unused, remaining, net] = expected;
    const end = (await subscriptionOf(of.app, of.id)).currentPeriodEnd;
    const line = { quantity: 1, kind: 'proration', periodStart: at, periodEnd: end };
    expect(result.invoice).toMatchObject({
      status: 'issued',
      lineItems: [
        { ...line, description: 'Unused time: Pro Monthly', amount: `-${unused}`, unitPrice: `-${unused}` },
        { ...line, description: 'Remaining time: Team', amount: remaining },
      ],
      subtotal: net,
      total: net,
      amountDue: net,
      issuedAt: of.app.clock.now(),
    });
    expect(preview.lines).toEqual(result.invoice.lineItems.map(({ id: _, ...rest }: Entity) => rest));
    expect(result).toMatchObject({ creditIssued: null, subscription: { planName: 'Team', version: 2 } });
  });

  test('Q.3 a quantity by PUT is the same change', async () => {
    const of = await sold(S, seats, { quantity: 5 });
    of.app.clock.set(day('2026-04-16'));
    const { newPlanId } = { newPlanId: (await subscriptionOf(of.app, of.id)).planId };
    const { body: preview } = await previewChange(of.app, of.id, { newPlanId, quantity: 10 });
    expect(figures(preview)).toEqual(['25.00', '50.00', '25.00']);
    const { status, body } = await putSubscription(of.app, of.id, { quantity: 10 });
    expect([status, body.quantity, body.version]).toEqual([200, 10, 2]);
    const [, charged] = await invoicesOf(of.app, of.id);
    expect(charged.lineItems.map(({ amount }: Entity) => amount)).toEqual(['-25.00', '50.00']);
    expect(charged.total).toBe('25.00');
  });

  test.each([
    ['Q.7', { discountType: 'percentage', discountValue: '20', duration: 'forever' }, ['40.00', '80.00', '40.00']],
    ['Q.8', { discountType: 'fixed_amount', discountValue: '10.00', duration: 'forever' }, ['45.00', '95.00', '50.00']],
  ])('%s net of the discounts', async (_id, terms, expected) => {
    const app = await startAt(S);
    const { id: planId, productId } = await app.given.plan({ basePrice: '100' });
    const { code } = await app.given.coupon({
      currency: terms.discountType === 'fixed_amount' ? 'USD' : null,
      ...terms,
    });
    const sub = await app.given.subscription({ planId, couponCode: code, preRenewalInvoiceDays: 0 });
    const of = { app, id: sub.id, customerId: sub.customerId, productId };
    const newPlanId = await planFor(of, { basePrice: '200' });
    const { preview, result } = await change(of, day('2026-04-16'), { newPlanId });
    expect(figures(preview)).toEqual(expected);
    expect(result.invoice).toMatchObject({ subtotal: expected[2], discountAmount: '0.00', total: expected[2] });
  });

  test('Q.14 taxed on the net', async () => {
    const of = await sold(S, flat('100'), {}, true);
    const { preview, result } = await change(of, day('2026-04-16'), { newPlanId: await planFor(of, flat('200')) });
    expect(preview).toMatchObject({ credit: '50.00', charge: '100.00', taxAmount: '3.63', total: '53.63' });
    expect(result.invoice).toMatchObject({ subtotal: '50.00', taxAmount: '3.63', total: '53.63' });
  });
});

describe('credited: credit notes on what was billed (Q6)', () => {
  test('Q.2 nothing paid: less is due', async () => {
    const of = await sold(S, flat('200'));
    const { preview, result } = await change(of, day('2026-04-16'), { newPlanId: await planFor(of, flat('100')) });
    expect(figures(preview)).toEqual(['100.00', '50.00', '-50.00']);
    expect(preview.lines.map(({ amount }: Entity) => amount)).toEqual(['-100.00', '50.00']);
    expect(result).toMatchObject({ invoice: null, creditIssued: '50.00' });
    const [billed] = await invoicesOf(of.app, of.id);
    expect(billed).toMatchObject({ amountDue: '150.00', creditNotesAmount: '50.00' });
  });

  test('Q.5 at the last second: no document', async () => {
    const of = await sold(S, flat('100'));
    const newPlanId = await planFor(of, flat('200'));
    const { preview, result } = await change(of, '2026-04-30T23:59:59.000Z', { newPlanId });
    expect(figures(preview)).toEqual(['0.00', '0.00', '0.00']);
    expect(preview.lines).toEqual([]);
    expect(result).toMatchObject({ invoice: null, creditIssued: null, subscription: { planId: newPlanId } });
  });

  test('Q.9 up, then down: the second change credits what the first one charged', async () => {
    const of = await sold(S, flat('100'));
    const first = await change(of, day('2026-04-11'), { newPlanId: await planFor(of, flat('200')) });
    expect(figures(first.preview)).toEqual(['66.67', '133.33', '66.66']);
    const second = await change(of, day('2026-04-21'), { newPlanId: await planFor(of, flat('50')) });
    expect(figures(second.preview)).toEqual(['66.67', '16.67', '-50.00']);
    expect(await invoiceOf(of.app, first.result.invoice.id)).toMatchObject({
      amountDue: '16.66',
      creditNotes: [{ amount: '50.00', reason: 'Unused time after a change of the subscription.' }],
    });
  });

  test('Q.15 paid: to the credit balance, tax included', async () => {
    const of = await sold(S, flat('200'), {}, true);
    const [billed] = await invoicesOf(of.app, of.id);
    await pay(of.app, billed.id, '214.50');
    const { preview, result } = await change(of, day('2026-04-16'), { newPlanId: await planFor(of, flat('100')) });
    expect(preview).toMatchObject({ net: '-50.00', taxAmount: '-3.63', total: '-53.63' });
    expect(result.creditIssued).toBe('53.63');
    expect((await invoiceOf(of.app, billed.id)).creditNotes).toMatchObject([
      { amount: '53.63', taxAmount: '3.63', appliedToInvoice: '0.00', creditedToBalance: '53.63' },
    ]);
    expect(await balanceOf(of.app, of.customerId)).toBe('53.63');
    const [entry] = await of.app.database.read('credit_entries').where({ customer_id: of.customerId });
    expect(entry.reason).toBe('proration');
  });

  test('Q.16 unpaid: less is due, no credit', async () => {
    const of = await sold(S, flat('200'), {}, true);
    await change(of, day('2026-04-16'), { newPlanId: await planFor(of, flat('100')) });
    const [billed] = await invoicesOf(of.app, of.id);
    expect(billed).toMatchObject({ total: '214.50', amountDue: '160.87', creditNotesAmount: '53.63' });
    expect(await balanceOf(of.app, of.customerId)).toBe('0.00');
  });

  test('Q.18 over several invoices, newest first', async () => {
    const of = await sold(S, flat('10'));
    const up = await change(of, S, { newPlanId: await planFor(of, flat('1000')) });
    expect(up.result.invoice.total).toBe('990.00');
    const down = await change(of, S, { newPlanId: await planFor(of, flat('0')) });
    expect(figures(down.preview)).toEqual(['1000.00', '0.00', '-1000.00']);
    expect(down.result.creditIssued).toBe('1000.00');
    const notes = await of.app.database.read('credit_notes').orderBy('id');
    const [first] = await invoicesOf(of.app, of.id);
    expect(notes.map((note: Entity) => [note.invoice_id, Number(note.amount)])).toEqual([
      [up.result.invoice.id, 99_000],
      [first.id, 1000],
    ]);
  });
});

test('Q.17 another cycle: the unused time is credited, and a full new period begins', async () => {
  const of = await sold(S, flat('100'));
  const [billed] = await invoicesOf(of.app, of.id);
  await pay(of.app, billed.id, '100.00');
  const newPlanId = await planFor(of, flat('1000', { billingCycle: 'yearly' }));
  const at = day('2026-04-16');
  const { preview, result } = await change(of, at, { newPlanId });
  expect(figures(preview)).toEqual(['50.00', '1000.00', '950.00']);
  expect(preview.lines.map(({ description, amount }: Entity) => [description, amount])).toEqual([
    ['Unused time: Pro Monthly', '-50.00'],
    ['Team (Yearly)', '1000.00'],
  ]);
  expect(result.creditIssued).toBe('50.00');
  expect(result.invoice).toMatchObject({
    total: '1000.00',
    creditsApplied: '50.00',
    amountDue: '950.00',
    lineItems: [{ kind: 'plan', periodStart: at, periodEnd: day('2027-04-16'), amount: '1000.00' }],
  });
  expect(result.subscription).toMatchObject({
    billingCycle: 'yearly',
    currentPeriodStart: at,
    currentPeriodEnd: day('2027-04-16'),
  });
  expect(await periodRows(of.app, of.id)).toEqual([
    'advance 2026-04-01: invoiced',
    'advance 2026-04-16: invoiced',
    'advance 2027-04-16: pending',
  ]);
});

test('Q.19 in a trial: no document, the trial stays', async () => {
  const of = await sold(S, flat('100'), { trialDays: 14 });
  const newPlanId = await planFor(of, flat('200'));
  const { preview, result } = await change(of, day('2026-04-05'), { newPlanId });
  expect(figures(preview)).toEqual(['0.00', '0.00', '0.00']);
  expect(result).toMatchObject({ invoice: null, creditIssued: null });
  expect(result.subscription).toMatchObject({ status: 'trialing', planId: newPlanId, trialEnd: day('2026-04-15') });
  await runAt(of.app, day('2026-04-15'));
  expect((await invoicesOf(of.app, of.id)).map(({ total }) => total)).toEqual(['200.00']);
});

test('Q.20 canceled, paused, past_due: subscription_not_active', async () => {
  const of = await sold(S, flat('100'));
  const newPlanId = await planFor(of, flat('200'));
  const refused = async () => {
    const answers = [await changePlan(of.app, of.id, { newPlanId }), await previewChange(of.app, of.id, { newPlanId })];
    answers.push(await putSubscription(of.app, of.id, { quantity: 2 }));
    expect(answers.map(({ status, body }) => [status, body.error])).toEqual(
      Array(3).fill([400, 'subscription_not_active']),
    );
  };
  await putSubscription(of.app, of.id, { status: 'paused' });
  await refused();
  await putSubscription(of.app, of.id, { status: 'active' });
  await runAt(of.app, E); // due at 05-01
  await of.app.cron.post('/api/billing/cron/dunning');
  expect((await subscriptionOf(of.app, of.id)).status).toBe('past_due');
  await refused();
  await of.app.api.delete(`/api/billing/subscriptions/${of.id}`);
  await refused();
});

test('Q.21 a quote holds for 15 minutes, as of its instant', async () => {
  const of = await sold(S, flat('100'));
  const body = { newPlanId: await planFor(of, flat('200')) };
  of.app.clock.set('2026-04-16T10:00:00.000Z');
  const { body: preview } = await previewChange(of.app, of.id, body);
  expect(preview).toMatchObject({
    quoteExpiresAt: '2026-04-16T10:15:00.000Z',
    effectiveAt: '2026-04-16T10:00:00.000Z',
  });
  const other = await of.app.given.subscription({
    customerId: of.customerId,
    planId: (await subscriptionOf(of.app, of.id)).planId,
  });
  const later = (await previewChange(of.app, other.id, body)).body.quoteToken;
  of.app.clock.set('2026-04-16T10:14:59.000Z');
  const accepted = await changePlan(of.app, of.id, { ...body, quoteToken: preview.quoteToken });
  expect(accepted.body.invoice).toMatchObject({
    total: preview.total,
    issuedAt: '2026-04-16T10:14:59.000Z',
    lineItems: [{ periodStart: '2026-04-16T10:00:00.000Z' }, { periodStart: '2026-04-16T10:00:00.000Z' }],
  });
  of.app.clock.set('2026-04-16T10:15:00.000Z');
  const { status, body: refusal } = await changePlan(of.app, other.id, { ...body, quoteToken: later });
  expect([status, refusal.error]).toEqual([409, 'quote_stale']);
});

test('Q.22 at the end of the period: the invoice issued ahead is withdrawn and issued anew', async () => {
  const of = await sold(S, flat('100'), { preRenewalInvoiceDays: 7 });
  await runAt(of.app, day('2026-04-24'));
  const [, may] = await invoicesOf(of.app, of.id);
  await pay(of.app, may.id, '100.00');
  of.app.clock.set(day('2026-04-26'));
  const newPlanId = await planFor(of, flat('200'));
  const { body } = await changePlan(of.app, of.id, { newPlanId, effective: 'period_end' });
  expect(body).toMatchObject({ invoice: null, creditIssued: null });
  const present = { planName: 'Team', planId: newPlanId, billingCycle: 'monthly', quantity: 1, effectiveAt: E };
  expect(body.subscription).toMatchObject({ planName: 'Pro Monthly', pendingChange: present, version: 2 });
  expect((await invoiceOf(of.app, may.id)).creditNotes).toMatchObject([{ amount: '100.00' }]);
  await run(of.app);
  const [, , anew] = await invoicesOf(of.app, of.id);
  expect(anew).toMatchObject({ total: '200.00', creditsApplied: '100.00', amountDue: '100.00' });
  expect(anew.lineItems).toMatchObject([{ description: 'Team (Monthly)', periodStart: E }]);
  expect(await runAt(of.app, E)).toMatchObject({ planChangesApplied: 1, renewed: 1, invoicesGenerated: 0 });
  expect(await subscriptionOf(of.app, of.id)).toMatchObject({ planId: newPlanId, pendingChange: null, version: 3 });
});

test.each([
  ['04-20: the period continues', '2026-04-20', E, 2],
  ['05-10: a new period, invoiced at once', '2026-05-10', day('2026-06-10'), 2],
])('Q.23 paused 04-10, resumed %s', async (_case, at, end, invoices) => {
  const of = await sold(S, flat('100'));
  of.app.clock.set(day('2026-04-10'));
  await putSubscription(of.app, of.id, { status: 'paused' });
  of.app.clock.set(day(at));
  await putSubscription(of.app, of.id, { status: 'active' });
  expect((await subscriptionOf(of.app, of.id)).currentPeriodEnd).toBe(end);
  await runAt(of.app, at < '2026-05-01' ? E : day('2026-05-11'));
  expect(await invoicesOf(of.app, of.id)).toHaveLength(invoices);
});
