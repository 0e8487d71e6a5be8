import { afterEach, describe, expect, test } from '@jest/globals';
import type { TestApp } from '../../support/app.ts';
import {
  changePlan,
  closeApps,
  type Entity,
  invoicesOf,
  previewChange,
  putSubscription,
  runAt,
  startAt,
  subscriptionOf,
} from '../support.ts';

/** Quantities and discounts at a change of terms (rules Q1, Q3, Q5). */
afterEach(closeApps);

const S = '2026-04-01T00:00:00.000Z';
const MID = '2026-04-16T00:00:00.000Z';
const E = '2026-05-01T00:00:00.000Z';
const seats = (unitPrice: string) => ({ pricingModel: 'per_unit', basePrice: '0', unitPrice });

async function sold(plan: Entity, over: Entity = {}) {
  const app = await startAt(S);
  const { id: planId, productId } = await app.given.plan(plan);
  const { id } = await app.given.subscription({ planId, preRenewalInvoiceDays: 0, ...over });
  const another = async (more: Entity) => (await app.given.plan({ productId, ...more })).id;
  return { app, id, planId, plan: another };
}
const totals = async (app: TestApp, id: string) => (await invoicesOf(app, id)).map(({ total }) => total);

describe('a quantity', () => {
  test.each([
    ['still sold', true],
    ['no longer sold', false],
  ])('Q.24 of a plan %s keeps the price it was sold at', async (_case, active) => {
    const { app, id, planId } = await sold(seats('10'), { quantity: 5 });
    await app.api.put(`/api/billing/plans/${planId}`, { unitPrice: '12', active });
    app.clock.set(MID);
    const { body } = await putSubscription(app, id, { quantity: 10 });
    expect(body).toMatchObject({ quantity: 10, planVersion: 1 });
    const [, invoice] = await invoicesOf(app, id);
    expect(invoice.lineItems.map(({ amount }: Entity) => amount)).toEqual(['-25.00', '50.00']);
    await runAt(app, E);
    expect(await totals(app, id)).toEqual(['50.00', '25.00', '100.00']);
  });

  test('change-plan to the same plan still sells its present price', async () => {
    const { app, id, planId } = await sold(seats('10'), { quantity: 5 });
    await app.api.put(`/api/billing/plans/${planId}`, { unitPrice: '12' });
    app.clock.set(MID);
    const { body } = await changePlan(app, id, { newPlanId: planId, quantity: 10 });
    expect(body).toMatchObject({ invoice: { total: '35.00' }, subscription: { planVersion: 2 } });
  });

  test.each([
    ['not named', {}, 10, '200.00'],
    ['named', { quantity: 3 }, 3, '60.00'],
    ['named as it was', { quantity: 5 }, 5, '100.00'],
  ])('Q.25 keeps a scheduled change whose quantity was %s', async (_case, named, then, next) => {
    const { app, id, plan } = await sold(seats('10'), { quantity: 5 });
    const newPlanId = await plan(seats('20'));
    await changePlan(app, id, { newPlanId, effective: 'period_end', ...named });
    app.clock.set(MID);
    const { body } = await putSubscription(app, id, { quantity: 10 });
    expect(body).toMatchObject({ quantity: 10, pendingChange: { planId: newPlanId, quantity: then } });
    await runAt(app, E);
    expect(await subscriptionOf(app, id)).toMatchObject({ planId: newPlanId, quantity: then, pendingChange: null });
    expect(await totals(app, id)).toEqual(['50.00', '25.00', next]);
  });

  test('the next invoice stays where the scheduled change has named its quantity, else it is issued anew', async () => {
    for (const [named, becomes] of [
      [{ quantity: 3 }, 'issued'],
      [{}, 'void'],
    ] as const) {
      const { app, id, plan } = await sold(seats('10'), { quantity: 5, preRenewalInvoiceDays: 30 });
      await changePlan(app, id, { newPlanId: await plan(seats('20')), effective: 'period_end', ...named });
      await runAt(app, S);
      const next = (await invoicesOf(app, id)).at(-1);
      expect(next).toMatchObject({ status: 'issued', lineItems: [{ periodStart: E }] });
      await putSubscription(app, id, { quantity: 10 });
      expect((await invoicesOf(app, id)).find((one) => one.id === next.id).status).toBe(becomes);
    }
  });

  test('that makes the present terms what was scheduled takes the scheduled change back', async () => {
    const { app, id, planId } = await sold(seats('10'), { quantity: 5 });
    await changePlan(app, id, { newPlanId: planId, quantity: 8, effective: 'period_end' });
    const { body } = await putSubscription(app, id, { quantity: 8 });
    expect(body).toMatchObject({ quantity: 8, pendingChange: null });
  });

  test('in a trial: no money, and the scheduled change follows', async () => {
    const { app, id, plan } = await sold(seats('10'), { quantity: 5, trialDays: 14 });
    await changePlan(app, id, { newPlanId: await plan(seats('20')), effective: 'period_end' });
    const { body } = await putSubscription(app, id, { quantity: 6 });
    expect(body).toMatchObject({ quantity: 6, pendingChange: { quantity: 6 } });
    await runAt(app, '2026-04-15T00:00:00.000Z');
    expect(await totals(app, id)).toEqual(['120.00']);
  });

  test('of a scheduled plan that bills usage stays 1', async () => {
    const { app, id, plan } = await sold(seats('10'), { quantity: 5 });
    const usageMetric = { name: 'calls', aggregation: 'sum', uniqueProperty: null };
    const newPlanId = await plan({ pricingModel: 'usage_based', basePrice: '0', unitPrice: '1', usageMetric });
    await changePlan(app, id, { newPlanId, effective: 'period_end' });
    expect((await putSubscription(app, id, { quantity: 10 })).body.pendingChange.quantity).toBe(1);
    await runAt(app, E);
    expect(await subscriptionOf(app, id)).toMatchObject({ planId: newPlanId, quantity: 1 });
  });
});

describe('a discount that ends with the period', () => {
  const attach = async (basePrice: string, then: string, terms: Entity) => {
    const app = await startAt(S);
    const { code } = await app.given.coupon({ discountType: 'percentage', ...terms });
    const { id: planId, productId } = await app.given.plan({ basePrice });
    const { id } = await app.given.subscription({ planId, couponCode: code, preRenewalInvoiceDays: 0 });
    const newPlanId = (await app.given.plan({ productId, basePrice: then })).id;
    return { app, id, newPlanId };
  };
  const changed = async ({ app, id, newPlanId }: Awaited<ReturnType<typeof attach>>) => {
    const { body } = await previewChange(app, id, { newPlanId });
    const { quoteToken } = body;
    const { invoice } = (await changePlan(app, id, { newPlanId, quoteToken })).body;
    return [body.credit, body.charge, invoice.total];
  };

  test('Q.26 does not pay for an upgrade', async () => {
    const of = await attach('10', '1000', { discountValue: '100', duration: 'once' });
    expect(await changed(of)).toEqual(['0.00', '1000.00', '1000.00']);
  });

  test.each([
    ['first', 0, ['40.00', '80.00', '40.00']],
    ['last', 1, ['41.29', '103.23', '61.94']],
  ])('Q.27 two periods: in the %s of them', async (_which, later, expected) => {
    const of = await attach('100', '200', { discountValue: '20', duration: 'repeating', durationCycles: 2 });
    if (later) await runAt(of.app, E);
    of.app.clock.set(later ? '2026-05-16T00:00:00.000Z' : MID);
    expect(await changed(of)).toEqual(expected);
  });

  test('nor one that was removed, though it covers the present period', async () => {
    const of = await attach('100', '200', { discountValue: '20', duration: 'forever' });
    const { discounts } = await subscriptionOf(of.app, of.id);
    await of.app.api.delete(`/api/billing/subscriptions/${of.id}/discounts/${discounts[0].id}`);
    of.app.clock.set(MID);
    expect(await changed(of)).toEqual(['40.00', '100.00', '60.00']);
  });
});
