import { afterEach, describe, expect, test } from '@jest/globals';
import type { TestApp } from '../../support/app.ts';
import { dropTriggers } from '../../support/loosen.ts';
import { expectRefusal, UNKNOWN_ID } from '../../support/refusals.ts';
import { statementsOf } from '../../support/statements.ts';
import {
  auditOf,
  balanceOf,
  changePlan,
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

const day = (date: string) => `${date}T00:00:00.000Z`;
const S = day('2026-04-01');
const MID = day('2026-04-16');
const E = day('2026-05-01');
const METRIC = { name: 'calls', aggregation: 'sum' };
const USAGE = { pricingModel: 'usage_based', basePrice: '20', unitPrice: '0.10', usageMetric: METRIC };

/** Sold on April 1 at 100.00 a month; `plan` makes another plan of the same product. */
async function sold(over: Entity = {}, plan: Entity = {}, coupon?: Entity) {
  const app = await startAt(S);
  const { id: planId, productId } = await app.given.plan({ basePrice: '100', ...plan });
  const couponCode = coupon && (await app.given.coupon(coupon)).code;
  const terms = { planId, couponCode: couponCode ?? null, preRenewalInvoiceDays: 0, ...over };
  const { id, customerId } = await app.given.subscription(terms);
  const plans = async (terms: Entity) => (await app.given.plan({ productId, name: 'Team', ...terms })).id as string;
  return { app, id, customerId: customerId as string, planId: planId as string, productId, plan: plans };
}

const at = (app: TestApp, now: string) => app.clock.set(now);
const types = (events: Entity[]) => events.map(({ type }) => type);
const amounts = (invoice: Entity) => invoice.lineItems.map(({ amount }: Entity) => amount);
const force = async (app: TestApp, id: string) =>
  (await app.database.read('billing_periods').where({ subscription_id: id, kind: 'advance' }).orderBy('period_start'))
    .filter(({ state }: Entity) => state !== 'pending')
    .map((row: Entity) => `${row.in_force_from.slice(0, 10)} ${row.in_force_net}`);

describe('changeSubscriptionPlan', () => {
  test('200 tells what happened: events in order, MRR, audit, ledger', async () => {
    const { app, id, customerId, planId, plan } = await sold();
    const newPlanId = await plan({ basePrice: '250' });
    at(app, MID);
    const before = (await eventsOf(app, customerId)).length;
    const { body } = await changePlan(app, id, { newPlanId });
    const told = (await eventsOf(app, customerId)).slice(before);
    expect(types(told)).toEqual([
      'invoice.created',
      'invoice.issued',
      'subscription.plan_changed',
      'subscription.updated',
    ]);
    expect(told[2].data).toEqual({
      subscriptionId: id,
      customerId,
      oldPlanId: planId,
      newPlanId,
      planVersion: 1,
      billingCycle: 'monthly',
      oldQuantity: 1,
      newQuantity: 1,
      prorationNet: '75.00',
      currency: 'USD',
      invoiceId: body.invoice.id,
      creditIssued: null,
      effectiveAt: MID,
    });
    expect(told[3].data).toMatchObject({ planId: newPlanId, changes: ['planId', 'planVersion'] });
    expect(await movementsOf(app, customerId)).toEqual([
      'new 10000 -> 10000 (create)',
      'expansion 15000 -> 25000 (plan_change)',
    ]);
    expect(await posting(app, 'invoice.issued', body.invoice.id)).toEqual({ receivable: '75.00', revenue: '-75.00' });
    const [, audit] = await auditOf(app, id);
    expect(audit).toMatchObject({ action: 'changeSubscriptionPlan' });
    expect(JSON.parse(audit.changes).planId).toEqual([planId, newPlanId]);
    expect(await force(app, id)).toEqual(['2026-04-16 12500']);
  });

  test('200 cheaper: contraction, credit told in plan_changed', async () => {
    const { app, id, customerId, plan } = await sold();
    const [billed] = await invoicesOf(app, id);
    await pay(app, billed.id, '100.00');
    at(app, MID);
    await changePlan(app, id, { newPlanId: await plan({ basePrice: '40' }) });
    const told = (await eventsOf(app, customerId)).slice(-4);
    expect(types(told)).toEqual([
      'credit_note.issued',
      'credit.deposited',
      'subscription.plan_changed',
      'subscription.updated',
    ]);
    expect(told[1].data).toMatchObject({ reason: 'proration', amount: '30.00' });
    expect(told[2].data).toMatchObject({ prorationNet: '-30.00', creditIssued: '30.00', invoiceId: null });
    expect((await movementsOf(app, customerId)).at(-1)).toBe('contraction -6000 -> 4000 (plan_change)');
  });

  test('200 equal to the present: nothing changes, and asked for at period end it takes a waiting change back', async () => {
    const { app, id, customerId, planId, plan } = await sold();
    const before = await subscriptionOf(app, id);
    const same = { newPlanId: planId, quantity: 1, billingCycle: 'monthly' };
    for (const body of [same, { ...same, effective: 'period_end' }, { ...same, prorate: false }])
      expect((await changePlan(app, id, body)).body).toEqual({
        subscription: before,
        invoice: null,
        creditIssued: null,
      });
    expect(await auditOf(app, id)).toHaveLength(1);
    const waiting = { newPlanId: await plan({ basePrice: '7' }), effective: 'period_end' };
    expect((await changePlan(app, id, waiting)).body.subscription.pendingChange).not.toBeNull();
    expect((await changePlan(app, id, waiting)).body.subscription.version).toBe(2);
    expect((await changePlan(app, id, same)).body.subscription.pendingChange).not.toBeNull();
    const taken = await changePlan(app, id, { ...same, effective: 'period_end' });
    expect(taken.body.subscription).toMatchObject({ pendingChange: null, version: 3 });
    expect(types(await eventsOf(app, customerId))).not.toContain('subscription.plan_changed');
  });

  test('200 to the same plan: the present price version', async () => {
    const { app, id, planId, customerId } = await sold();
    await app.api.put(`/api/billing/plans/${planId}`, { basePrice: '120' });
    at(app, MID);
    const { body } = await changePlan(app, id, { newPlanId: planId });
    expect(body.subscription).toMatchObject({ planId, planVersion: 2 });
    expect(amounts(body.invoice)).toEqual(['-50.00', '60.00']);
    expect((await eventsOf(app, customerId)).at(-1)!.data.changes).toEqual(['planVersion']);
  });

  test('200 prorate false: no money now, the new price from the next period on', async () => {
    const { app, id, plan } = await sold();
    at(app, MID);
    const { body } = await changePlan(app, id, { newPlanId: await plan({ basePrice: '300' }), prorate: false });
    expect(body).toMatchObject({ invoice: null, creditIssued: null, subscription: { planName: 'Team' } });
    expect(await force(app, id)).toEqual(['2026-04-01 10000']);
    await runAt(app, E);
    expect((await invoicesOf(app, id)).map(({ total }) => total)).toEqual(['100.00', '300.00']);
  });

  test('200 from a plan that bills nothing: the period and the next one are charged', async () => {
    const { app, id, plan } = await sold({ preRenewalInvoiceDays: 7 }, { basePrice: '0' });
    await runAt(app, day('2026-04-25'));
    expect(await periodRows(app, id)).toEqual(['advance 2026-04-01: skipped', 'advance 2026-05-01: skipped']);
    const { body } = await changePlan(app, id, { newPlanId: await plan({ basePrice: '300' }) });
    expect(body.invoice.total).toBe('60.00'); // 6 of 30 days
    await run(app);
    expect((await invoicesOf(app, id)).map(({ total }) => total)).toEqual(['60.00', '300.00']);
    await putInvoice(app, body.invoice.id, { status: 'void' });
    expect(await force(app, id)).toEqual(['2026-04-25 0', '2026-05-01 30000']);
  });

  test('200 the invoice of a change that is voided is not credited later', async () => {
    const { app, id, plan } = await sold();
    const [billed] = await invoicesOf(app, id);
    await pay(app, billed.id, '100.00');
    at(app, MID);
    const { body } = await changePlan(app, id, { newPlanId: await plan({ basePrice: '200' }) });
    await putInvoice(app, body.invoice.id, { status: 'void' });
    expect(await force(app, id)).toEqual(['2026-04-16 5000']);
    const down = await changePlan(app, id, { newPlanId: await plan({ basePrice: '0' }) });
    expect(down.body.creditIssued).toBe('50.00');
  });

  test('200 what a person has credited or refunded is not given twice (Q13)', async () => {
    const { app, id, plan, customerId } = await sold();
    const [billed] = await invoicesOf(app, id);
    await pay(app, billed.id, '100.00');
    const note = { invoiceId: billed.id, amount: '80.00', reason: 'An outage' };
    expect((await app.api.post('/api/billing/credit-notes', note)).status).toBe(201);
    at(app, MID);
    const { body } = await changePlan(app, id, { newPlanId: await plan({ basePrice: '0' }) });
    expect(body.creditIssued).toBe('10.00'); // half of the 20.00 that were not given back
    expect(await balanceOf(app, customerId)).toBe('90.00');
  });

  test('200 after a boundary that was due: what is due first, then the change (S13)', async () => {
    const { app, id, plan } = await sold();
    at(app, day('2026-05-16'));
    const { body } = await changePlan(app, id, { newPlanId: await plan({ basePrice: '200' }) });
    expect(body.subscription).toMatchObject({ currentPeriodStart: E, version: 3 });
    expect(body.invoice.lineItems.map(({ amount }: Entity) => amount)).toEqual(['-51.61', '103.23']);
    expect(await invoicesOf(app, id)).toHaveLength(3);
  });

  test('200 another cycle at the start of a period: its row is billed anew', async () => {
    const { app, id, plan } = await sold();
    const newPlanId = await plan({ basePrice: '1000', billingCycle: 'yearly' });
    const { body } = await changePlan(app, id, { newPlanId });
    expect(body).toMatchObject({ creditIssued: '100.00', invoice: { total: '1000.00', creditsApplied: '0.00' } });
    expect(await periodRows(app, id)).toEqual(['advance 2026-04-01: invoiced', 'advance 2027-04-01: pending']);
    const [first] = await invoicesOf(app, id);
    expect(first).toMatchObject({ status: 'paid', amountDue: '0.00', creditNotesAmount: '100.00' });
    expect(await force(app, id)).toEqual(['2026-04-01 100000']);
  });

  test('200 with usage: what was used so far is closed and billed apart (Q7)', async () => {
    const { app, id, plan } = await sold();
    const rows = async () =>
      (
        await app.database.read('billing_periods').where({ subscription_id: id, kind: 'usage' }).orderBy('period_start')
      ).map(
        (row: Entity) =>
          `${row.period_start.slice(5, 10)} - ${row.period_end.slice(5, 10)} due ${row.due_at.slice(5, 10)} ${row.state}`,
      );
    at(app, day('2026-04-11'));
    const metered = await plan(USAGE);
    const to = await changePlan(app, id, { newPlanId: metered });
    expect(to.body).toMatchObject({ creditIssued: '53.34', invoice: null }); // 20 of 30 days of 100.00 less those of 20.00
    expect(await rows()).toEqual(['04-11 - 05-01 due 05-01 pending']);
    at(app, day('2026-04-21'));
    await app.api.put(`/api/billing/plans/${metered}`, { unitPrice: '0.20' });
    await changePlan(app, id, { newPlanId: metered });
    expect(await rows()).toEqual(['04-11 - 04-21 due 04-21 pending', '04-21 - 05-01 due 05-01 pending']);
    await run(app);
    expect(await rows()).toEqual(['04-11 - 04-21 due 04-21 skipped', '04-21 - 05-01 due 05-01 pending']);
    at(app, day('2026-04-26'));
    await changePlan(app, id, { newPlanId: await plan({ basePrice: '30' }) });
    expect((await rows())[1]).toBe('04-21 - 04-26 due 04-26 pending');
    await runAt(app, E);
    expect((await invoicesOf(app, id)).at(-1)).toMatchObject({ total: '30.00' });
  });

  test('200 a key of the customer changes its own subscription with proration', async () => {
    const { app, id, customerId, plan } = await sold();
    const key = app.withKey((await app.given.apiKey({ customerId })).key);
    const path = `/api/v1/billing/subscriptions/${id}/change-plan`;
    const newPlanId = await plan({ basePrice: '200' });
    expectRefusal(await key.post(path, { newPlanId, prorate: false }), 403, 'forbidden');
    const reader = app.withKey((await app.given.apiKey({ customerId, access: 'read' })).key);
    const { status, body } = await reader.post(`${path}/preview`, { newPlanId });
    expect([status, body.net]).toEqual([200, '100.00']);
    expectRefusal(await reader.post(path, { newPlanId }), 403, 'forbidden');
    const changed = await key.post(path, { newPlanId, quoteToken: body.quoteToken });
    expect(changed.status).toBe(200);
    expect(changed.body.invoice.pdfUrl).toBe(`/api/v1/billing/invoices/${changed.body.invoice.id}/pdf`);
    const foreign = app.withKey((await app.given.apiKey({ customerId: (await app.given.customer()).id })).key);
    expectRefusal(await foreign.post(path, { newPlanId }), 404, 'not_found');
    expectRefusal(await foreign.post(`${path}/preview`, { newPlanId }), 404, 'not_found');
  });

  test('200 a repeated Idempotency-Key changes once', async () => {
    const { app, id, plan } = await sold();
    const body = { newPlanId: await plan({ basePrice: '200' }) };
    const [one, two] = [
      await changePlan(app, id, body, { 'Idempotency-Key': 'k' }),
      await changePlan(app, id, body, { 'Idempotency-Key': 'k' }),
    ];
    expect(two.text).toBe(one.text);
    expect(await invoicesOf(app, id)).toHaveLength(2);
  });

  test('409 conflict for a stale If-Match, a change at the end of what ends; nothing is stored', async () => {
    const { app, id, plan } = await sold();
    const newPlanId = await plan({ basePrice: '200' });
    expectRefusal(await changePlan(app, id, { newPlanId }, { 'If-Match': '"2"' }), 409, 'conflict');
    await putSubscription(app, id, { cancelAtPeriodEnd: true });
    expectRefusal(await changePlan(app, id, { newPlanId, effective: 'period_end' }), 409, 'conflict');
    expect(await subscriptionOf(app, id)).toMatchObject({ pendingChange: null, version: 2 });
    expect((await changePlan(app, id, { newPlanId }, { 'If-Match': '"2"' })).status).toBe(200);
  });

  test('400 validation_error for a cycle, quantity or amount that cannot be sold', async () => {
    const { app, id, plan } = await sold();
    const yearly = await plan({ basePrice: '1200', billingCycle: 'yearly' });
    const refuse = async (body: Entity, member: string) =>
      expectRefusal(await changePlan(app, id, body), 400, 'validation_error', member);
    await refuse({ newPlanId: yearly, billingCycle: 'monthly' }, 'billingCycle');
    await refuse({ newPlanId: yearly, prorate: false }, 'billingCycle');
    await refuse({ newPlanId: await plan(USAGE), quantity: 2 }, 'quantity');
    const dear = await plan({ pricingModel: 'per_unit', basePrice: '0', unitPrice: '999999999999' });
    await refuse({ newPlanId: dear, quantity: 999_999_999 }, 'quantity');
    await refuse({ newPlanId: dear, effective: 'tomorrow' }, 'effective');
    expectRefusal(await changePlan(app, id, { newPlanId: UNKNOWN_ID }), 404, 'plan_not_found');
    expectRefusal(await changePlan(app, UNKNOWN_ID, { newPlanId: dear }), 404, 'not_found');
    expect(await subscriptionOf(app, id)).toMatchObject({ version: 1 });
  });

  test('a move between products at equal price changes no MRR (R3)', async () => {
    const { app, id, customerId } = await sold();
    const newPlanId = (await app.given.plan({ basePrice: '100' })).id;
    expect((await changePlan(app, id, { newPlanId })).body).toMatchObject({ invoice: null, creditIssued: null });
    expect(await movementsOf(app, customerId)).toEqual(['new 10000 -> 10000 (create)']);
  });
});

describe('pendingChange', () => {
  test('is replaced by a later change, dropped by cancelAtPeriodEnd, by a change now and by the end', async () => {
    const { app, id, plan } = await sold();
    const [small, large] = [await plan({ basePrice: '50' }), await plan({ basePrice: '500' })];
    const pending = async () => (await subscriptionOf(app, id)).pendingChange;
    const wait = (newPlanId: string) => changePlan(app, id, { newPlanId, effective: 'period_end' });
    await wait(small);
    await wait(large);
    expect(await pending()).toMatchObject({ planId: large, effectiveAt: E });
    await putSubscription(app, id, { cancelAtPeriodEnd: true });
    expect(await pending()).toBeNull();
    await putSubscription(app, id, { cancelAtPeriodEnd: false });
    expect(await pending()).toBeNull();
    await wait(small);
    await changePlan(app, id, { newPlanId: large });
    expect(await pending()).toBeNull();
    await wait(small);
    await app.api.delete(`/api/billing/subscriptions/${id}`);
    expect(await pending()).toBeNull();
  });

  test('is billed ahead at the price of the day it was asked for, and begins a new cycle at the boundary', async () => {
    const { app, id, plan, customerId } = await sold({ preRenewalInvoiceDays: 7 });
    const yearly = await plan({ basePrice: '1000', billingCycle: 'yearly' });
    await changePlan(app, id, { newPlanId: yearly, effective: 'period_end' });
    await app.api.put(`/api/billing/plans/${yearly}`, { basePrice: '2000' });
    await runAt(app, day('2026-04-24'));
    const [, ahead] = await invoicesOf(app, id);
    expect(ahead).toMatchObject({ total: '1000.00', lineItems: [{ periodStart: E, periodEnd: day('2027-05-01') }] });
    await runAt(app, day('2026-06-10')); // late
    const sub = { billingCycle: 'yearly', planVersion: 1, currentPeriodStart: E, currentPeriodEnd: day('2027-05-01') };
    expect(await subscriptionOf(app, id)).toMatchObject({ ...sub, pendingChange: null });
    const told = (await eventsOf(app, customerId)).filter(({ type }) => type.startsWith('subscription.')).slice(-3);
    expect(types(told)).toEqual(['subscription.plan_changed', 'subscription.renewed', 'subscription.updated']);
    expect(told[0]!.data).toMatchObject({ effectiveAt: E, prorationNet: '0.00', invoiceId: null, creditIssued: null });
    expect((await movementsOf(app, customerId)).at(-1)).toBe('contraction -1667 -> 8333 (renewal)');
  });

  test('takes effect for many at one boundary in as many statements as for one', async () => {
    const count = async (subs: number) => {
      const { app, planId, plan } = await sold();
      const targets = [await plan({ basePrice: '7' }), await plan({ basePrice: '900', billingCycle: 'yearly' })];
      for (let n = 0; n < subs; n++) {
        const { id } = await app.given.subscription({ planId, preRenewalInvoiceDays: 0 });
        await changePlan(app, id, { newPlanId: targets[n % 2], effective: 'period_end' });
      }
      at(app, E);
      const applied: number[] = [];
      const crossing = async () => applied.push((await run(app)).planChangesApplied);
      const statements = await statementsOf(app, crossing, 'write');
      expect(applied).toEqual([subs]);
      return statements;
    };
    expect(await count(12)).toBe(await count(2));
  });

  test('takes effect at the end of a trial, also of one that a person ends', async () => {
    for (const early of [false, true]) {
      const { app, id, plan } = await sold({ trialDays: 14 });
      await changePlan(app, id, { newPlanId: await plan({ basePrice: '30' }), effective: 'period_end' });
      if (early) await putSubscription(app, id, { status: 'active' });
      else await runAt(app, day('2026-04-15'));
      expect((await invoicesOf(app, id)).map(({ total }) => total)).toEqual(['30.00']);
    }
  });

  test('takes effect when a paused subscription resumes after its period', async () => {
    const { app, id, plan } = await sold();
    await changePlan(app, id, { newPlanId: await plan({ basePrice: '30' }), effective: 'period_end' });
    await putSubscription(app, id, { status: 'paused' });
    at(app, day('2026-05-10'));
    const { body } = await putSubscription(app, id, { status: 'active' });
    expect(body).toMatchObject({ planName: 'Team', pendingChange: null, currentPeriodStart: day('2026-05-10') });
    expect((await invoicesOf(app, id)).at(-1).total).toBe('30.00');
  });
});

describe('a change of cycle and discounts (D5)', () => {
  test.each([
    ['once', { duration: 'once' }, '1000.00', 0],
    ['repeating', { duration: 'repeating', durationCycles: 6 }, '1000.00', 0],
    ['forever', { duration: 'forever' }, '900.00', 1],
  ])('%s', async (_duration, duration, total, left) => {
    const { app, id, plan } = await sold({}, {}, { discountType: 'percentage', discountValue: '10', ...duration });
    at(app, MID);
    const newPlanId = await plan({ basePrice: '1000', billingCycle: 'yearly' });
    const { body } = await changePlan(app, id, { newPlanId });
    expect(body.creditIssued).toBe('45.00');
    expect(body.invoice.total).toBe(total);
    expect(body.subscription.discounts).toHaveLength(left);
  });

  test('one that was removed before takes nothing off the new period', async () => {
    const { app, id, plan } = await sold(
      {},
      {},
      { discountType: 'percentage', discountValue: '10', duration: 'forever' },
    );
    at(app, MID);
    const [{ id: discount }] = (await subscriptionOf(app, id)).discounts;
    await app.api.delete(`/api/billing/subscriptions/${id}/discounts/${discount}`);
    const { body } = await changePlan(app, id, {
      newPlanId: await plan({ basePrice: '1000', billingCycle: 'yearly' }),
    });
    expect([body.creditIssued, body.invoice.total]).toEqual(['45.00', '1000.00']);
  });

  test('a scheduled one: the invoice issued ahead has none of those that end', async () => {
    const coupon = { discountType: 'percentage', discountValue: '10', duration: 'repeating', durationCycles: 6 };
    const { app, id, plan } = await sold({ preRenewalInvoiceDays: 7 }, {}, coupon);
    const newPlanId = await plan({ basePrice: '1000', billingCycle: 'yearly' });
    await changePlan(app, id, { newPlanId, effective: 'period_end' });
    await runAt(app, day('2026-04-24'));
    expect((await invoicesOf(app, id)).at(-1).total).toBe('1000.00');
    await runAt(app, E);
    expect(await subscriptionOf(app, id)).toMatchObject({ billingCycle: 'yearly', discounts: [] });
  });

  test('a coupon of the old plan only takes nothing off the new one', async () => {
    const app = await startAt(S);
    const { id: planId, productId } = await app.given.plan({ basePrice: '100' });
    const { code } = await app.given.coupon({ discountValue: '50', duration: 'forever', appliesTo: [planId] });
    const { id } = await app.given.subscription({ planId, couponCode: code });
    const newPlanId = (await app.given.plan({ productId, basePrice: '100' })).id;
    at(app, MID);
    const { body } = await changePlan(app, id, { newPlanId });
    expect(amounts(body.invoice)).toEqual(['-25.00', '50.00']);
  });
});

test('PUT quantity: the present one is a no-op also where it could not be changed; other members go with it', async () => {
  const { app, id } = await sold({ quantity: 2 }, { pricingModel: 'per_unit', basePrice: '10' });
  at(app, MID);
  const { body } = await putSubscription(app, id, { quantity: 4, cancelAtPeriodEnd: true, metadata: { a: 1 } });
  expect(body).toMatchObject({ quantity: 4, cancelAtPeriodEnd: true, metadata: { a: 1 }, version: 2 });
  expect((await invoicesOf(app, id)).map(({ total }) => total)).toEqual(['20.00', '10.00']);
  await app.api.put(`/api/billing/plans/${body.planId}`, { active: false, basePrice: '11' });
  expect((await putSubscription(app, id, { quantity: 4 })).body).toMatchObject({ version: 2, planVersion: 1 });
  expect((await putSubscription(app, id, { quantity: 3 })).body).toMatchObject({ version: 3, planVersion: 1 });
  await app.api.delete(`/api/billing/subscriptions/${id}`);
  expect((await putSubscription(app, id, { quantity: 3 })).status).toBe(200);
  expectRefusal(await putSubscription(app, id, { quantity: 4 }), 400, 'subscription_not_active');
});

test('the invoice of a change is explained and computed again', async () => {
  const { app, id, plan } = await sold(
    {},
    {},
    { discountType: 'percentage', discountValue: '20', duration: 'forever' },
  );
  at(app, MID);
  const { invoice } = (await changePlan(app, id, { newPlanId: await plan({ basePrice: '200' }) })).body;
  const explain = async () => (await app.api.get(`/api/billing/invoices/${invoice.id}/explain`)).body;
  const { verified, steps } = await explain();
  expect(verified).toBe(true);
  expect(steps.slice(0, 3).map(({ formula, result }: Entity) => `${formula} = ${result}`)).toEqual([
    '-80.00 × 1296000/2592000 = -40.00',
    '160.00 × 1296000/2592000 = 80.00',
    'sum of the lines = 40.00',
  ]);
  expect(steps[0].inputs).toMatchObject({ base: '-80.00', inForceFrom: S });
  expect(steps[1].inputs).toMatchObject({ listPrice: '200.00', discount: '40.00', billingCycle: 'monthly' });
  const [row] = await app.database.read('invoices').where({ id: invoice.id });
  const trace = JSON.parse(row.trace);
  await dropTriggers(app, 'invoices', 'issued');
  trace.input.lines[1].exact[0] = '20736000100000';
  await app.database
    .write('invoices')
    .where({ id: invoice.id })
    .update({ trace: JSON.stringify(trace) });
  expect((await explain()).verified).toBe(false);
  await app.database.write('invoices').where({ id: invoice.id }).update({ trace: row.trace });
  expect(await invoiceOf(app, invoice.id)).toMatchObject({ total: '40.00' });
});
