import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { checkInvariants } from '../../src/billing/audit/invariants.ts';
import {
  changePlan,
  type Entity,
  invoicesOf,
  pay,
  previewChange,
  putSubscription,
  subscriptionOf,
} from '../billing/support.ts';
import { atOnce, tally } from '../support/answers.ts';
import { startApp, type TestApp } from '../support/app.ts';

jest.setTimeout(300_000); // on a busy machine; seconds otherwise

let app: TestApp;
let plans: string[];
beforeAll(async () => {
  app = await startApp({ now: '2026-04-01T00:00:00.000Z' });
  await app.given.taxRule();
  const { id: productId } = await app.given.product();
  const of = async (over: object): Promise<string> => (await app.given.plan({ productId, ...over })).id;
  plans = [await of({ basePrice: '100' }), await of({ basePrice: '250' }), await of({ basePrice: '40' })];
  plans.push(await of({ basePrice: '1000', billingCycle: 'yearly' }));
});
afterEach(async () => {
  await app.drain();
  expect(await checkInvariants(app.database.read, app.clock.now())).toEqual([]);
});
afterAll(() => app.close());

async function sold(over: Entity = {}) {
  const customer = await app.given.customer({ billingCountry: 'US' });
  return app.given.subscription({ planId: plans[0], customerId: customer.id, preRenewalInvoiceDays: 0, ...over });
}

test('of 20 changes with one version, one wins', async () => {
  const { id } = await sold();
  app.clock.advance({ days: 10 });
  const match = { 'If-Match': '"1"' };
  const answers = await atOnce(20, (n) => changePlan(app, id, { newPlanId: plans[1 + (n % 2)] }, match));
  expect(tally(answers)).toEqual({ '200': 1, '409 conflict': 19 });
  expect((await subscriptionOf(app, id)).version).toBe(2);
});

test('of 20 changes with one quote, one wins, at the quoted price', async () => {
  const { id } = await sold();
  app.clock.advance({ days: 10 });
  const body = { newPlanId: plans[1] };
  const { quoteToken, total } = (await previewChange(app, id, body)).body;
  const answers = await atOnce(20, () => changePlan(app, id, { ...body, quoteToken }));
  expect(tally(answers)).toEqual({ '200': 1, '409 quote_stale': 19 });
  expect((await invoicesOf(app, id)).map((invoice: Entity) => invoice.total)).toEqual(['107.25', total]);
});

test('a quote and a refund or credit note at once: the quoted credit, or quote_stale', async () => {
  for (let round = 0; round < 4; round++) {
    const { id } = await sold();
    const [{ id: invoiceId }] = await invoicesOf(app, id);
    const { id: paymentId } = (await pay(app, invoiceId, '107.25')).body;
    const body = { newPlanId: plans[2] };
    const { quoteToken, total } = (await previewChange(app, id, body)).body;
    const give = [
      () => app.api.post('/api/billing/refunds', { paymentId, amount: '90.00', reason: 'Too much' }),
      () => app.api.post('/api/billing/credit-notes', { invoiceId, amount: '90.00', reason: 'An outage' }),
    ][round % 2]!;
    const [changed] = await Promise.all([changePlan(app, id, { ...body, quoteToken }), give()]);
    if (changed.status === 200) expect(`-${changed.body.creditIssued}`).toBe(total);
    else expect(tally([changed])).toEqual({ '409 quote_stale': 1 });
  }
});

test('20 changes without a version follow each other: what is in force is what was charged last', async () => {
  const { id } = await sold();
  app.clock.advance({ days: 10 });
  const answers = await atOnce(20, (n) => changePlan(app, id, { newPlanId: plans[n % 4], quantity: 1 + (n % 3) }));
  const odd = answers.filter(({ status, body }) => status !== 200 && body.error !== 'validation_error');
  expect(odd.map(({ text }) => text)).toEqual([]);
  const { version } = await subscriptionOf(app, id);
  const told = await app.database.read('events').where({ resource_id: id, type: 'subscription.plan_changed' });
  expect(version).toBe(told.length + 1);
});

test('changes, quantities, runs, payments, voids and previews at once keep every invariant', async () => {
  for (let round = 0; round < 3; round++) {
    const subs = await atOnce(3, () => sold({ preRenewalInvoiceDays: 7 }));
    const invoices = await Promise.all(subs.map(({ id }) => invoicesOf(app, id)));
    app.clock.advance({ months: 1, days: round * 4 });
    const calls = subs.flatMap(({ id }, i) => {
      const invoiceId = invoices[i]![0].id;
      const change =
        (n: number, over: Entity = {}) =>
        () =>
          changePlan(app, id, { newPlanId: plans[n], ...over });
      return [
        ...[change(1), change(2), change(3), change(0, { effective: 'period_end' }), change(2, { prorate: false })],
        () => previewChange(app, id, { newPlanId: plans[1] }),
        () => app.cron.post('/api/billing/cron/run'),
        () => pay(app, invoiceId, '60.00'),
        () => pay(app, invoiceId, '200.00'),
        () => putSubscription(app, id, { quantity: 3 }),
        () => putSubscription(app, id, { cancelAtPeriodEnd: true }),
        () => putSubscription(app, id, { cancelAtPeriodEnd: false }),
        () => app.api.put(`/api/billing/invoices/${invoiceId}`, { status: 'void' }),
        () => app.api.post('/api/billing/credit-notes', { invoiceId, amount: '10.00', reason: 'An outage' }),
        () => app.cron.post('/api/billing/cron/lifecycle'),
      ];
    });
    const order = calls.map((call, n) => ({ call, at: (n * 7 + round * 11) % calls.length }));
    const answers = await Promise.all(order.sort((a, b) => a.at - b.at).map(({ call }) => call()));
    const broken = answers.filter(({ status }) => status >= 500);
    expect(broken.map(({ text }) => text)).toEqual([]);
    expect(answers.flatMap(({ body }) => body.lifecycle?.errors ?? body.errors ?? [])).toEqual([]);
    await app.cron.post('/api/billing/cron/run');
    await app.drain();
    expect(await checkInvariants(app.database.read, app.clock.now())).toEqual([]);
  }
  expect((await app.api.get('/api/billing/parked')).body).toEqual([]);
});
