import { afterEach, describe, expect, test } from '@jest/globals';
import type { TestApp } from '../../support/app.ts';
import { statementsOf } from '../../support/statements.ts';
import {
  balanceOf,
  closeApps,
  type Entity,
  eventsOf,
  invoiceOf,
  invoicesOf,
  movementsOf,
  pay,
  periodRows,
  posting,
  putInvoice,
  putSubscription,
  run,
  runAt,
  startAt,
  subscriptionOf,
} from '../support.ts';

afterEach(closeApps);

const START = '2026-01-31T10:00:00.000Z';
const METRIC = { name: 'calls', aggregation: 'sum', uniqueProperty: null };
const USAGE_ONLY = { pricingModel: 'usage_based', basePrice: '0', unitPrice: '0.10', usageMetric: METRIC };

const add = async (app: TestApp, id: string, over: object = {}): Promise<Entity> => {
  const { code: couponCode } = await app.given.coupon(over as Entity);
  const { status, body } = await app.api.post(`/api/billing/subscriptions/${id}/discounts`, { couponCode });
  expect(status).toBe(201);
  return body;
};
const remove = async (app: TestApp, id: string, discount: Entity) =>
  expect((await app.api.delete(`/api/billing/subscriptions/${id}/discounts/${discount.id}`)).status).toBe(204);
const fixed = (discountValue: string, over: object = {}) => ({ discountType: 'fixed_amount', discountValue, ...over });
const repeating = (durationCycles: number, over: object = {}) => ({ duration: 'repeating', durationCycles, ...over });

/** A subscription of 100.00 a month, or of another plan, with these coupons from its creation on. */
async function sold(app: TestApp, coupon: object | null, over: Entity = {}, planOver: Entity = {}): Promise<Entity> {
  const plan = await app.given.plan({ basePrice: '100.00', ...planOver });
  const couponCode = coupon && (await app.given.coupon({ ...coupon })).code;
  return app.given.subscription({ planId: plan.id, couponCode, ...over });
}

/** `first day of the period: amount taken off` of every invoice that is not void. */
async function taken(app: TestApp, id: string): Promise<string[]> {
  const invoices = (await invoicesOf(app, id)).filter(({ status }) => status !== 'void');
  return invoices.map(({ lineItems: [line], discountAmount }) => `${line.periodStart.slice(5, 10)}: ${discountAmount}`);
}

const remaining = async (app: TestApp, id: string): Promise<unknown[]> =>
  (await subscriptionOf(app, id)).discounts.map(({ remainingCycles }: Entity) => remainingCycles);

/** `[starts, ends]` of every discount the subscription ever had. */
const windows = async (app: TestApp, id: string): Promise<(string | undefined)[][]> =>
  (await app.database.read('subscription_discounts').where({ subscription_id: id }).orderBy('id')).map(
    (row: Entity) => [row.starts_at.slice(0, 10), row.ends_at?.slice(0, 10)],
  );

describe('D3 the window of a discount', () => {
  test('D.1 once, at creation: the first period only', async () => {
    const app = await startAt(START);
    const { id } = await sold(app, {});
    expect(await remaining(app, id)).toEqual([1]);
    await runAt(app, '2026-02-28T10:00:00.000Z');
    expect(await remaining(app, id)).toEqual([]);
    await runAt(app, '2026-03-31T10:00:00.000Z');
    expect(await taken(app, id)).toEqual(['01-31: 10.00', '02-28: 0.00', '03-31: 0.00']);
  });

  test('D.2 once, at the creation of a trial: the first paid period', async () => {
    const app = await startAt('2026-03-01T00:00:00.000Z');
    const { id } = await sold(app, {}, { trialDays: 14 });
    expect(await remaining(app, id)).toEqual([1]);
    await runAt(app, '2026-03-16T00:00:00.000Z');
    expect(await remaining(app, id)).toEqual([1]);
    await runAt(app, '2026-04-15T00:00:00.000Z');
    expect(await taken(app, id)).toEqual(['03-15: 10.00', '04-15: 0.00']);
  });

  test('D.3 three periods, counted down', async () => {
    const app = await startAt(START);
    const { id } = await sold(app, repeating(3));
    const left = [await remaining(app, id)];
    for (const day of ['02-28', '03-31', '04-30', '05-31']) {
      await runAt(app, `2026-${day}T10:00:00.000Z`);
      left.push(await remaining(app, id));
    }
    expect(left).toEqual([[3], [2], [1], [], []]);
    expect(await taken(app, id)).toEqual([
      '01-31: 10.00',
      '02-28: 10.00',
      '03-31: 10.00',
      '04-30: 0.00',
      '05-31: 0.00',
    ]);
  });

  test('D.4 attached within a period: from the next one on', async () => {
    const app = await startAt(START);
    const { id } = await sold(app, null);
    app.clock.set('2026-02-10T00:00:00.000Z');
    expect((await add(app, id, repeating(2))).remainingCycles).toBe(2);
    await runAt(app, '2026-02-21T10:00:00.000Z');
    expect(await remaining(app, id)).toEqual([2]);
    await runAt(app, '2026-04-30T10:00:00.000Z');
    expect(await taken(app, id)).toEqual(['01-31: 0.00', '02-28: 10.00', '03-31: 10.00', '04-30: 0.00']);
  });

  test('D.5 a plan that bills only usage: from the start of the present period', async () => {
    const app = await startAt(START);
    const { id } = await sold(app, null, {}, USAGE_ONLY);
    app.clock.set('2026-02-10T00:00:00.000Z');
    expect((await add(app, id)).remainingCycles).toBe(1);
    expect(await windows(app, id)).toEqual([['2026-01-31', '2026-02-28']]);
    await runAt(app, '2026-03-01T00:00:00.000Z');
    expect(await remaining(app, id)).toEqual([]);
  });

  test('a plan that bills usage and an advance part: from the next period', async () => {
    const app = await startAt(START);
    const { id } = await sold(app, null, {}, { ...USAGE_ONLY, basePrice: '20.00' });
    await add(app, id);
    expect(await windows(app, id)).toEqual([['2026-02-28', '2026-03-31']]);
    await runAt(app, '2026-03-31T10:00:00.000Z');
    expect(await taken(app, id)).toEqual(['01-31: 0.00', '02-28: 2.00', '03-31: 0.00']);
  });

  test('attached in a trial, whatever the plan: the first paid period; it follows a trial that ends early', async () => {
    const app = await startAt('2026-03-01T00:00:00.000Z');
    const { id } = await sold(app, repeating(2), { trialDays: 14 });
    const usage = await sold(app, null, { trialDays: 14 }, USAGE_ONLY);
    await add(app, id, { duration: 'forever' });
    await add(app, usage.id);
    const window = ['2026-03-15', '2026-05-15'];
    expect(await windows(app, id)).toEqual([window, ['2026-03-15', undefined]]);
    expect(await windows(app, usage.id)).toEqual([['2026-03-15', '2026-04-15']]);
    app.clock.set('2026-03-05T00:00:00.000Z');
    await putSubscription(app, id, { status: 'active' });
    expect(await windows(app, id)).toEqual([
      ['2026-03-05', '2026-05-05'],
      ['2026-03-05', undefined],
    ]);
    expect(await remaining(app, id)).toEqual([2, null]);
    await runAt(app, '2026-05-05T00:00:00.000Z');
    expect(await taken(app, id)).toEqual(['03-05: 19.00', '04-05: 19.00', '05-05: 10.00']);
  });

  test('a pause past the end of the period: what was left is left of the new periods', async () => {
    const app = await startAt(START);
    const { id } = await sold(app, repeating(3));
    const next = await sold(app, null);
    app.clock.set('2026-02-10T00:00:00.000Z');
    await add(app, next.id);
    for (const sub of [id, next.id]) await putSubscription(app, sub, { status: 'paused' });
    app.clock.set('2026-08-20T00:00:00.000Z');
    for (const sub of [id, next.id]) await putSubscription(app, sub, { status: 'active' });
    expect(await remaining(app, id)).toEqual([2]);
    expect(await remaining(app, next.id)).toEqual([1]);
    await runAt(app, '2026-10-20T00:00:00.000Z');
    expect(await taken(app, id)).toEqual(['01-31: 10.00', '08-20: 10.00', '09-20: 10.00', '10-20: 0.00']);
    expect(await taken(app, next.id)).toEqual(['01-31: 0.00', '08-20: 10.00', '09-20: 0.00', '10-20: 0.00']);
  });

  test('a pause within the period moves nothing', async () => {
    const app = await startAt(START);
    const { id } = await sold(app, repeating(2));
    await putSubscription(app, id, { status: 'paused' });
    app.clock.set('2026-02-20T00:00:00.000Z');
    await putSubscription(app, id, { status: 'active' });
    expect(await windows(app, id)).toEqual([['2026-01-31', '2026-03-31']]);
  });

  test('the coupon expires or is switched off: discounts already granted run on', async () => {
    const app = await startAt(START);
    const { id, discounts } = await sold(app, { duration: 'forever', validUntil: '2026-02-01T00:00:00Z' });
    await app.api.put(`/api/billing/coupons/${discounts[0].couponId}`, { active: false });
    await runAt(app, '2026-03-31T10:00:00.000Z');
    expect(await taken(app, id)).toEqual(['01-31: 10.00', '02-28: 10.00', '03-31: 10.00']);
  });

  test('periods of a quarter and of a year', async () => {
    const app = await startAt('2026-01-01T00:00:00.000Z');
    const quarterly = await sold(app, repeating(2), { billingCycle: 'quarterly' });
    const yearly = await sold(app, {}, { billingCycle: 'yearly' });
    expect(await windows(app, quarterly.id)).toEqual([['2026-01-01', '2026-07-01']]);
    expect(await windows(app, yearly.id)).toEqual([['2026-01-01', '2027-01-01']]);
    await runAt(app, '2027-01-01T00:00:00.000Z');
    expect(await taken(app, quarterly.id)).toEqual([
      '01-01: 30.00',
      '04-01: 30.00',
      '07-01: 0.00',
      '10-01: 0.00',
      '01-01: 0.00',
    ]);
    expect(await taken(app, yearly.id)).toEqual(['01-01: 120.00', '01-01: 0.00']);
  });
});

describe('D4 stacks and caps, taxed as the rest', () => {
  /** A trial with these coupons; the invoice at its end. */
  async function billed(
    price: string,
    ...coupons: object[]
  ): Promise<{ app: TestApp; invoice: Entity; ids: string[] }> {
    const app = await startAt(START);
    await app.given.taxRule({ country: 'US', rate: '0.0725' });
    const customerId = (await app.given.customer({ billingCountry: 'US' })).id;
    const { id } = await sold(app, null, { customerId, trialDays: 1 }, { basePrice: price });
    const ids: string[] = [];
    for (const coupon of coupons) ids.push((await add(app, id, coupon)).id);
    await runAt(app, '2026-02-01T10:00:00.000Z');
    const [invoice] = await invoicesOf(app, id);
    return { app, invoice, ids };
  }

  test('C.11 all of it: the invoice is issued and paid in one commit', async () => {
    const { app, invoice } = await billed('49.99', { discountValue: '100' });
    const amounts = { subtotal: '49.99', discountAmount: '49.99', taxAmount: '0.00', total: '0.00', amountDue: '0.00' };
    expect(invoice).toMatchObject({ ...amounts, status: 'paid', paidAt: invoice.issuedAt });
    expect(await posting(app, 'invoice.issued', invoice.id)).toEqual({ discounts: '49.99', revenue: '-49.99' });
    const [row] = await app.database.read('billing_periods').where({ invoice_id: invoice.id });
    expect([row.state, Number(row.in_force_net)]).toEqual(['invoiced', 0]);
  });

  test('C.12 a fixed amount above the price takes off the price', async () => {
    const { invoice } = await billed('50.00', fixed('60.00'));
    expect(invoice).toMatchObject({ subtotal: '50.00', discountAmount: '50.00', total: '0.00', status: 'paid' });
  });

  test('C.13 percentages first, then fixed amounts, each group by attachment, each on what was left', async () => {
    const coupons = [{ discountValue: '10' }, fixed('50.00'), { discountValue: '20' }];
    const { app, invoice, ids } = await billed('100.00', ...coupons);
    const amounts = { subtotal: '100.00', discountAmount: '78.00', taxAmount: '1.60', total: '23.60' };
    expect(invoice).toMatchObject({ ...amounts, amountDue: '23.60', status: 'issued' });
    const lines = invoice.lineItems.filter(({ kind }: Entity) => kind === 'discount');
    expect(lines.map(({ amount, quantity, unitPrice }: Entity) => [amount, quantity, unitPrice])).toEqual([
      ['-10.00', 1, '-10.00'],
      ['-18.00', 1, '-18.00'],
      ['-50.00', 1, '-50.00'],
    ]);
    expect(lines.map(({ description }: Entity) => description)).toEqual(
      [0, 2, 1].map(() => expect.stringMatching(/^Discount: SAVE-\d+$/)),
    );
    const rows = await app.database.read('invoice_lines').where({ invoice_id: invoice.id }).orderBy('position');
    expect(rows.map(({ discount_id }: Entity) => discount_id)).toEqual([null, ids[0], ids[2], ids[1]]);
    const [period] = await app.database.read('billing_periods').where({ invoice_id: invoice.id });
    expect(Number(period.in_force_net)).toBe(2200);
    expect(await posting(app, 'invoice.issued', invoice.id)).toEqual({
      receivable: '23.60',
      discounts: '78.00',
      revenue: '-100.00',
      tax_payable: '-1.60',
    });
    const { body } = await app.api.get(`/api/billing/subscriptions/${invoice.subscriptionId}`);
    expect(body.discounts.map(({ id }: Entity) => id)).toEqual(ids);
  });

  test('C.17 12.5 % of 19.99; the trace names the discount and its window', async () => {
    const { app, invoice, ids } = await billed('19.99', { discountValue: '12.5' });
    expect(invoice).toMatchObject({ subtotal: '19.99', discountAmount: '2.50' });
    const [{ trace }] = await app.database.read('invoices').where({ id: invoice.id });
    const { steps } = JSON.parse(trace);
    expect(steps.find(({ kind }: Entity) => kind === 'discount')).toMatchObject({
      formula: '19.99 × 12.5 %',
      inputs: { discountId: ids[0], startsAt: '2026-02-01T10:00:00.000Z', endsAt: '2026-03-01T10:00:00.000Z' },
      result: '-2.50',
    });
  });

  test('a discount that covers nothing of the invoice is not in its trace', async () => {
    const app = await startAt(START);
    const { id } = await sold(app, {});
    await runAt(app, '2026-02-28T10:00:00.000Z');
    const [, second] = await invoicesOf(app, id);
    const [{ trace }] = await app.database.read('invoices').where({ id: second.id });
    expect(JSON.parse(trace).input.discounts).toEqual([]);
  });
});

describe('D5, Q9 an invoice that is already issued for the next period', () => {
  const AHEAD = '2026-02-21T10:00:00.000Z';

  test('unpaid: void when a discount is attached or removed, issued again by the next run', async () => {
    const app = await startAt(START);
    const { id, customerId } = await sold(app, null);
    await runAt(app, AHEAD);
    const discount = await add(app, id, { discountValue: '25' });
    expect((await invoicesOf(app, id)).map(({ status }) => status)).toEqual(['issued', 'void']);
    expect(await periodRows(app, id)).toEqual(['advance 2026-01-31: invoiced', 'advance 2026-02-28: pending']);
    const told = (await eventsOf(app, customerId)).slice(-2);
    expect(told.map(({ type }) => type)).toEqual(['invoice.voided', 'subscription.updated']);
    expect(await run(app)).toMatchObject({ invoicesPreGenerated: 1 });
    expect((await invoicesOf(app, id))[2]).toMatchObject({ total: '75.00', discountAmount: '25.00', status: 'issued' });
    await remove(app, id, discount);
    expect(await run(app)).toMatchObject({ invoicesPreGenerated: 1 });
    expect((await invoicesOf(app, id)).map(({ status, total }) => [status, total])).toEqual([
      ['issued', '100.00'],
      ['void', '100.00'],
      ['void', '75.00'],
      ['issued', '100.00'],
    ]);
    expect(await run(app)).toMatchObject({ invoicesGenerated: 0 });
    expect(await windows(app, id)).toEqual([['2026-02-28', '2026-02-28']]);
  });

  test('paid: a credit note, and the credit is used on the new one', async () => {
    const app = await startAt(START);
    const { id, customerId } = await sold(app, null);
    await runAt(app, AHEAD);
    const [, next] = await invoicesOf(app, id);
    await pay(app, next.id, '100.00');
    await add(app, id, fixed('30.00', { duration: 'forever' }));
    expect((await invoiceOf(app, next.id)).creditNotes).toMatchObject([
      { amount: '100.00', creditedToBalance: '100.00' },
    ]);
    await run(app);
    const [, , again] = await invoicesOf(app, id);
    expect(again).toMatchObject({ total: '70.00', creditsApplied: '70.00', amountDue: '0.00', status: 'paid' });
    expect(await balanceOf(app, customerId)).toBe('30.00');
  });

  test('nothing to pay: the discount is removed, and the period is billed in full', async () => {
    const app = await startAt(START);
    const { id, discounts } = await sold(app, { discountValue: '100', duration: 'forever' });
    await runAt(app, AHEAD);
    expect((await invoicesOf(app, id)).map(({ status, total }) => [status, total])).toEqual([
      ['paid', '0.00'],
      ['paid', '0.00'],
    ]);
    await remove(app, id, discounts[0]);
    await run(app);
    expect((await invoicesOf(app, id))[2]).toMatchObject({ status: 'issued', total: '100.00' });
    expect(await periodRows(app, id)).toEqual(['advance 2026-01-31: invoiced', 'advance 2026-02-28: invoiced']);
  });

  test('not withdrawn for a discount that does not reach the next period', async () => {
    const app = await startAt(START);
    const { id, discounts } = await sold(app, {});
    await runAt(app, AHEAD);
    await remove(app, id, discounts[0]);
    expect((await invoicesOf(app, id)).map(({ status }) => status)).toEqual(['issued', 'issued']);
    expect(await subscriptionOf(app, id)).toMatchObject({ discounts: [], version: 2 });
  });

  test('an invoice that a person voided stays given up', async () => {
    const app = await startAt(START);
    const { id } = await sold(app, null);
    await runAt(app, AHEAD);
    const [, next] = await invoicesOf(app, id);
    await putInvoice(app, next.id, { status: 'void' });
    await add(app, id);
    expect(await run(app)).toMatchObject({ invoicesGenerated: 0 });
    expect(await periodRows(app, id)).toEqual(['advance 2026-01-31: invoiced', 'advance 2026-02-28: waived']);
  });

  test('S13 what was due is done first, without the discount', async () => {
    const app = await startAt(START);
    const { id } = await sold(app, null);
    app.clock.set('2026-03-05T00:00:00.000Z');
    await add(app, id);
    expect(await taken(app, id)).toEqual(['01-31: 0.00', '02-28: 0.00']);
    expect(await windows(app, id)).toEqual([['2026-03-31', '2026-04-30']]);
  });
});

describe('R2, R3 MRR', () => {
  test('repeating and forever discounts count while they cover the current period; once not', async () => {
    const app = await startAt(START);
    const { id, customerId } = await sold(app, repeating(2, { discountValue: '20' }));
    app.clock.set('2026-02-10T00:00:00.000Z');
    await add(app, id, fixed('30.00'));
    const forever = await add(app, id, { duration: 'forever', discountValue: '50' });
    await runAt(app, '2026-02-28T10:00:00.000Z');
    await runAt(app, '2026-03-31T10:00:00.000Z');
    app.clock.set('2026-04-10T00:00:00.000Z');
    await remove(app, id, forever);
    await runAt(app, '2026-04-30T10:00:00.000Z');
    expect(await movementsOf(app, customerId)).toEqual([
      'new 8000 -> 8000 (create)',
      'contraction -4000 -> 4000 (renewal)',
      'expansion 1000 -> 5000 (renewal)',
      'expansion 5000 -> 10000 (renewal)',
    ]);
    expect(await taken(app, id)).toEqual(['01-31: 20.00', '02-28: 90.00', '03-31: 50.00', '04-30: 0.00']);
  });

  test('R.3, R.7, R.8 and a discount that takes off everything', async () => {
    const app = await startAt(START);
    const seats = { pricingModel: 'per_unit', basePrice: '10.00' };
    const forever = { duration: 'forever' };
    const mrr = async (coupon: object, over: object = {}, plan: object = {}) => {
      const { customerId } = await sold(app, coupon, over, plan);
      return movementsOf(app, customerId);
    };
    expect(await mrr({ ...forever, discountValue: '20' }, { quantity: 5 }, seats)).toEqual([
      'new 4000 -> 4000 (create)',
    ]);
    expect(await mrr(fixed('10'))).toEqual(['new 10000 -> 10000 (create)']);
    const yearly = { billingCycle: 'yearly', basePrice: '1200.00' };
    expect(await mrr(fixed('10', forever), { billingCycle: 'yearly' }, yearly)).toEqual(['new 9917 -> 9917 (create)']);
    expect(await mrr({ ...forever, discountValue: '100' })).toEqual([]);
  });

  test('a trial that ends, a pause and a resume with a discount', async () => {
    const app = await startAt(START);
    const { id, customerId } = await sold(app, repeating(2), { trialDays: 10 });
    await runAt(app, '2026-02-10T10:00:00.000Z');
    app.clock.set('2026-02-20T00:00:00.000Z');
    await putSubscription(app, id, { status: 'paused' });
    app.clock.set('2026-05-01T00:00:00.000Z');
    await putSubscription(app, id, { status: 'active' });
    await runAt(app, '2026-06-01T00:00:00.000Z');
    expect(await movementsOf(app, customerId)).toEqual([
      'new 9000 -> 9000 (trial_end)',
      'churn -9000 -> 0 (pause)',
      'reactivation 9000 -> 9000 (resume)',
      'expansion 1000 -> 10000 (renewal)',
    ]);
  });
});

describe('reading', () => {
  test('200 a page of subscriptions loads its discounts in as many statements as one', async () => {
    const app = await startAt(START);
    const customerId = (await app.given.customer()).id;
    const subs = [];
    for (let n = 0; n < 4; n++) subs.unshift(await sold(app, { duration: 'forever' }, { customerId }));
    await add(app, subs[0].id);
    const list = (limit: number) => () => app.api.get(`/api/billing/subscriptions?limit=${limit}`);
    const body = (await list(4)()).body;
    expect(body.map(({ discounts }: Entity) => discounts.length)).toEqual([2, 1, 1, 1]);
    expect(await statementsOf(app, list(4))).toBe(await statementsOf(app, list(1)));
    const detail = await app.api.get(`/api/customers/${customerId}`);
    expect(detail.body.subscriptions).toEqual(body);
  });
});
