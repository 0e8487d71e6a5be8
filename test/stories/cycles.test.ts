import { afterEach, describe, expect, test } from '@jest/globals';
import {
  closeApps,
  type Entity,
  invoicesOf,
  movementsOf,
  pay,
  periodRows,
  runAt,
  startAt,
  trialBalance,
} from '../billing/support.ts';

afterEach(closeApps);

const START = '2026-01-31T10:00:00.000Z';
const TIERS = [
  { upTo: 10, unitPrice: '0', flatFee: '20' },
  { upTo: 100, unitPrice: '2' },
  { upTo: null, unitPrice: '1.5', flatFee: '50' },
];

/** The first two invoices of a new subscription: [line, quantity, unit price, amount] of the first, totals of both. */
async function sell(plan: Entity, sub: Entity, place: Entity = {}, rule?: Entity) {
  const app = await startAt(START);
  if (rule) await app.given.taxRule(rule);
  const customer = await app.given.customer(place);
  const { id: planId } = await app.given.plan(plan);
  const { id } = await app.given.subscription({ customerId: customer.id, planId, ...sub });
  await runAt(app, sub.billingCycle === 'yearly' ? '2027-01-31T10:00:00.000Z' : '2026-04-30T10:00:00.000Z');
  const [first, second] = await invoicesOf(app, id);
  return {
    app,
    id,
    customer,
    first,
    lines: first.lineItems.map((l: Entity) => [l.description, l.quantity, l.unitPrice, l.amount]),
    totals: [first.total, second.total],
  };
}

describe('what is sold', () => {
  test('P.18 a monthly plan sold quarterly, and yearly', async () => {
    const quarterly = await sell({}, { billingCycle: 'quarterly' });
    expect(quarterly.lines).toEqual([['Pro Monthly (Quarterly)', 1, '149.97', '149.97']]);
    expect(quarterly.totals).toEqual(['149.97', '149.97']);
    expect(await movementsOf(quarterly.app, quarterly.customer.id)).toEqual(['new 4999 -> 4999 (create)']);
    const yearly = await sell({}, { billingCycle: 'yearly' });
    expect(yearly.lines).toEqual([['Pro Monthly (Yearly)', 1, '599.88', '599.88']]);
    expect(yearly.first.lineItems[0]).toMatchObject({ periodEnd: '2027-01-31T10:00:00.000Z' });
    expect(await movementsOf(yearly.app, yearly.customer.id)).toEqual(['new 4999 -> 4999 (create)']);
  });

  test('P.2, P.19 per_unit: price times quantity, rounded once', async () => {
    const five = await sell({ pricingModel: 'per_unit', basePrice: '0', unitPrice: '10' }, { quantity: 5 });
    expect(five.lines).toEqual([['Pro Monthly (Monthly)', 5, '10.00', '50.00']]);
    const fraction = { pricingModel: 'per_unit', basePrice: '0', unitPrice: '33.333' };
    expect((await sell(fraction, {})).totals).toEqual(['33.33', '33.33']);
    expect((await sell(fraction, { billingCycle: 'quarterly' })).totals).toEqual(['100.00', '100.00']);
  });

  test('P.14 tiers with fees, graduated, monthly and quarterly', async () => {
    const plan = { pricingModel: 'tiered', basePrice: '0', tiers: TIERS };
    const monthly = await sell(plan, { quantity: 101 });
    expect(monthly.lines).toEqual([
      ['Pro Monthly (Monthly), fee for units 1-10', 1, '20.00', '20.00'],
      ['Pro Monthly (Monthly), units 11-100', 90, '2.00', '180.00'],
      ['Pro Monthly (Monthly), units 101+', 1, '1.50', '1.50'],
      ['Pro Monthly (Monthly), fee for units 101+', 1, '50.00', '50.00'],
    ]);
    expect(monthly.totals).toEqual(['251.50', '251.50']);
    const quarterly = await sell(plan, { quantity: 101, billingCycle: 'quarterly' });
    expect(quarterly.totals).toEqual(['754.50', '754.50']);
  });

  test('P.14 the same tiers by volume', async () => {
    const { lines, totals } = await sell(
      { pricingModel: 'tiered', tierMode: 'volume', basePrice: '0', tiers: TIERS },
      { quantity: 101 },
    );
    expect(lines.map((line: string[]) => line[3])).toEqual(['151.50', '50.00']);
    expect(totals).toEqual(['201.50', '201.50']);
  });

  test('C.7 yen with exclusive tax, C.8 yen with inclusive tax', async () => {
    const rule = { country: 'JP', taxName: 'Consumption Tax', rate: '0.10' };
    const product = { basePrice: '1505', currency: 'JPY' };
    const exclusive = await sell(product, {}, { billingCountry: 'JP' }, rule);
    expect(exclusive.first).toMatchObject({ subtotal: '1505', taxAmount: '151', total: '1656', currency: 'JPY' });
    const inclusive = await sell(
      { ...product, basePrice: '1500' },
      {},
      { billingCountry: 'JP' },
      { ...rule, inclusive: true },
    );
    expect(inclusive.first).toMatchObject({
      subtotal: '1500',
      taxAmount: '136',
      taxInclusive: true,
      taxRate: '0.1000',
      taxName: 'Consumption Tax',
      total: '1500',
      amountDue: '1500',
    });
    expect(await trialBalance(inclusive.app, 'JPY')).toMatchObject({ revenue: '-5456', tax_payable: '-544' }); // four periods
  });

  test('C.9 dinar: three decimals throughout, paid to the last fils', async () => {
    const { app, first } = await sell(
      { pricingModel: 'per_unit', basePrice: '0', unitPrice: '1.250', currency: 'KWD' },
      { quantity: 3 },
      { billingCountry: 'KW' },
      { country: 'KW', taxName: 'VAT', rate: '0.05' },
    );
    expect(first).toMatchObject({ subtotal: '3.750', taxAmount: '0.188', total: '3.938' });
    expect((await pay(app, first.id, '3.9')).body).toMatchObject({ appliedAmount: '3.900', creditedAmount: '0.000' });
    expect((await pay(app, first.id, '0.039')).body).toMatchObject({ appliedAmount: '0.038', creditedAmount: '0.001' });
  });

  test('C.4 inclusive tax on a renewal is that of the day of issue', async () => {
    const app = await startAt(START);
    const rule = await app.given.taxRule({ country: 'DE', taxName: 'USt', rate: '0.11', inclusive: true });
    const customer = await app.given.customer({ billingCountry: 'DE' });
    const plan = await app.given.plan({ basePrice: '111.00' });
    const { id } = await app.given.subscription({ customerId: customer.id, planId: plan.id });
    app.clock.set('2026-02-10T00:00:00.000Z');
    await app.api.put(`/api/billing/tax-rules/${rule.id}`, { rate: '0.19' });
    await runAt(app, '2026-02-21T10:00:00.000Z');
    expect((await invoicesOf(app, id)).map(({ taxRate, taxAmount, total }) => [taxRate, taxAmount, total])).toEqual([
      ['0.1100', '11.00', '111.00'],
      ['0.1900', '17.72', '111.00'],
    ]);
  });

  test('the price version of the sale stays when the plan gets another', async () => {
    const app = await startAt(START);
    const plan = await app.given.plan();
    const { id } = await app.given.subscription({ planId: plan.id });
    await app.api.put(`/api/billing/plans/${plan.id}`, { basePrice: '99.00', name: 'Pro 2' });
    const later = await app.given.subscription({ planId: plan.id });
    expect(later.planVersion).toBe(2);
    await runAt(app, '2026-02-21T10:00:00.000Z');
    expect((await invoicesOf(app, id)).map(({ total }) => total)).toEqual(['49.99', '49.99']);
    expect((await invoicesOf(app, later.id)).map(({ total }) => total)).toEqual(['99.00', '99.00']);
  });

  test('S7 preRenewalInvoiceDays moves the next invoice, both ways; an issued one stays', async () => {
    const app = await startAt(START);
    const { id } = await app.given.subscription();
    await app.api.put(`/api/billing/subscriptions/${id}`, { preRenewalInvoiceDays: 2 });
    await runAt(app, '2026-02-21T10:00:00.000Z');
    expect(await invoicesOf(app, id)).toHaveLength(1);
    await app.api.put(`/api/billing/subscriptions/${id}`, { preRenewalInvoiceDays: 10 });
    await runAt(app, '2026-02-21T10:00:00.000Z');
    expect(await invoicesOf(app, id)).toHaveLength(2);
    await app.api.put(`/api/billing/subscriptions/${id}`, { preRenewalInvoiceDays: 0 });
    expect(await runAt(app, '2026-02-28T10:00:00.000Z')).toMatchObject({ renewed: 1, invoicesGenerated: 0 });
    await runAt(app, '2026-03-31T10:00:00.000Z');
    expect(await periodRows(app, id)).toEqual([
      'advance 2026-01-31: invoiced',
      'advance 2026-02-28: invoiced',
      'advance 2026-03-31: invoiced',
      'advance 2026-04-30: pending',
    ]);
    expect((await invoicesOf(app, id)).map(({ issuedAt }) => issuedAt.slice(0, 10))).toEqual([
      '2026-01-31',
      '2026-02-21',
      '2026-03-31',
    ]);
  });
});
