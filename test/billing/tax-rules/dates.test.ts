import { afterEach, describe, expect, test } from '@jest/globals';
import type { TestApp } from '../../support/app.ts';
import {
  changePlan,
  closeApps,
  type Entity,
  invoicesOf,
  pay,
  previewChange,
  putSubscription,
  run,
  runAt,
  startAt,
} from '../support.ts';

/** Which day's tax rule an invoice has (rules V2): JP 0.1000 inclusive, 0.0800 from 10 June on. */
afterEach(closeApps);

const day = (date: string) => `2026-${date}T00:00:00.000Z`;

/** A subscription of a customer in Japan, renewed on the day of the month that it was sold. */
async function sold(start: string, plan: Entity = {}, over: Entity = {}) {
  const app = await startAt(day(start));
  const rule = await app.given.taxRule({ country: 'JP', rate: '0.1', inclusive: true, effectiveFrom: '2026-01-01' });
  const changed = { rate: '0.08', effectiveFrom: '2026-06-10' };
  expect((await app.api.put(`/api/billing/tax-rules/${rule.id}`, changed)).status).toBe(200);
  const { id: customerId } = await app.given.customer({ billingCountry: 'JP' });
  const { id: planId, productId } = await app.given.plan({ basePrice: '110', ...plan });
  const { id } = await app.given.subscription({ customerId, planId, ...over });
  return { app, id, productId };
}
const rates = async (app: TestApp, id: string) => (await invoicesOf(app, id)).map(({ taxRate }) => taxRate);

describe('billed ahead', () => {
  test.each([
    ['V.11 before the change', '05-09', '0.1000'],
    ['V.11 on its day', '05-10', '0.0800'],
    ['a week later', '05-17', '0.0800'],
  ])('%s: the rate of the first day of the period', async (_case, start, rate) => {
    const { app, id } = await sold(start, {}, { preRenewalInvoiceDays: 7 });
    const { body: upcoming } = await app.api.get(`/api/billing/subscriptions/${id}/upcoming-invoice`);
    await runAt(app, day('06-08'));
    if (start === '05-17') await runAt(app, day('06-10'));
    expect(await rates(app, id)).toEqual(['0.1000', rate]);
    expect(upcoming.taxRate).toBe(rate);
  });

  test('ninety days ahead, each invoice of a batch by its own day', async () => {
    const { app, id } = await sold('05-20', {}, { preRenewalInvoiceDays: 90 });
    await run(app);
    expect(await rates(app, id)).toEqual(['0.1000', '0.0800']);
  });

  test('withdrawn and issued again: still by the first day', async () => {
    const { app, id, productId } = await sold('05-12', {}, { preRenewalInvoiceDays: 7 });
    await runAt(app, day('06-06'));
    const [, ahead] = await invoicesOf(app, id);
    await pay(app, ahead.id, ahead.amountDue);
    const newPlanId = (await app.given.plan({ productId, basePrice: '220' })).id;
    await changePlan(app, id, { newPlanId, effective: 'period_end' });
    await run(app);
    expect(await rates(app, id)).toEqual(['0.1000', '0.0800', '0.0800']);
  });
});

describe('billed now', () => {
  test('V.12 late: the rate of the day of issue', async () => {
    const { app, id } = await sold('05-09', {}, { preRenewalInvoiceDays: 0 });
    await runAt(app, day('06-12'));
    expect(await rates(app, id)).toEqual(['0.1000', '0.0800']);
  });

  test('V.13 usage, in arrears: the rate of the day of issue', async () => {
    const usageMetric = { name: 'calls', aggregation: 'sum', uniqueProperty: null };
    const plan = { pricingModel: 'usage_based', basePrice: '0', unitPrice: '1', usageMetric };
    const { app, id } = await sold('05-10', plan, { preRenewalInvoiceDays: 0 });
    await app.api.post('/api/billing/usage', { subscriptionId: id, metricName: 'calls', value: '11' });
    const { body: upcoming } = await app.api.get(`/api/billing/subscriptions/${id}/upcoming-invoice`);
    await runAt(app, day('06-10'));
    expect([upcoming.taxRate, await rates(app, id)]).toEqual(['0.0800', ['0.0800']]);
  });

  test('a change within the period and its preview: the rate of now', async () => {
    const { app, id, productId } = await sold('05-15', {}, { preRenewalInvoiceDays: 0 });
    app.clock.set(day('06-09'));
    const newPlanId = (await app.given.plan({ productId, basePrice: '1100' })).id;
    const { body } = await previewChange(app, id, { newPlanId });
    await changePlan(app, id, { newPlanId, quoteToken: body.quoteToken });
    expect(await rates(app, id)).toEqual(['0.1000', '0.1000']);
  });

  test('an overdue boundary: the upcoming invoice has the rate of today', async () => {
    const { app, id } = await sold('05-09', {}, { preRenewalInvoiceDays: 0 });
    app.clock.set(day('06-12'));
    const { body } = await app.api.get(`/api/billing/subscriptions/${id}/upcoming-invoice`);
    expect([body.taxRate, body.issueDate]).toEqual(['0.0800', day('06-12')]);
    await putSubscription(app, id, { metadata: {} });
  });
});
