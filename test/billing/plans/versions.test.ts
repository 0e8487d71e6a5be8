import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { findSellablePlan, loadPlanVersions, requirePlans } from '../../../src/billing/plans/store.ts';
import { formatDecimal } from '../../../src/platform/decimal.ts';
import { startApp, type TestApp } from '../../support/app.ts';
import { UNKNOWN_ID } from '../../support/refusals.ts';
import { statementsOf } from '../../support/statements.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

describe('what the billing reads of plans', () => {
  test('findSellablePlan gives the present version with what belongs to it', async () => {
    const product = await app.given.product({ name: 'API', productType: 'api' });
    const plan = await app.given.plan({
      productId: product.id,
      name: 'Metered',
      pricingModel: 'tiered',
      billingCycle: 'quarterly',
      currency: 'JPY',
      basePrice: '0',
      tiers: [{ upTo: null, unitPrice: '0.000000000001', flatFee: '5' }],
      trialDays: 7,
      features: { sso: true },
      licenseTemplate: { maxActivations: 1, features: null },
    });
    await app.api.put(`/api/billing/plans/${plan.id}`, { tierMode: 'volume' });
    const version = await app.database.transaction((trx) => findSellablePlan(trx, plan.id));
    expect(version).toMatchObject({
      number: 2,
      planId: plan.id,
      planName: 'Metered',
      productId: product.id,
      productName: 'API',
      productType: 'api',
      currency: 'JPY',
      trialDays: 7,
      features: { sso: true },
      licenseTemplate: { maxActivations: 1, features: null },
    });
    const { price } = version;
    expect(price).toMatchObject({ pricingModel: 'tiered', tierMode: 'volume', billingCycle: 'quarterly' });
    expect(price.tiers?.map((tier) => [tier.upTo, formatDecimal(tier.unitPrice), formatDecimal(tier.flatFee)])).toEqual(
      [[null, '0.000000000001', '5']],
    );
  });

  test('plan_not_found for an unknown plan, and for one that is not sold', async () => {
    const stopped = await app.given.plan({ active: false });
    const find = (id: string) => app.database.transaction((trx) => findSellablePlan(trx, id));
    const refusal = { code: 'plan_not_found', status: 404 };
    await expect(find(UNKNOWN_ID)).rejects.toMatchObject(refusal);
    await expect(find(stopped.id)).rejects.toMatchObject(refusal);
    const need = (id: string) => app.database.transaction((trx) => requirePlans(trx, [id]));
    await expect(need(UNKNOWN_ID)).rejects.toMatchObject(refusal);
    await expect(need(stopped.id)).resolves.toBeUndefined();
  });

  test('loadPlanVersions reads any number of versions, old ones too, in one statement', async () => {
    const plans = [await app.given.plan({ name: 'A' }), await app.given.plan({ name: 'B', basePrice: '10.00' })];
    await app.api.put(`/api/billing/plans/${plans[0].id}`, { basePrice: '59.99', active: false });
    const rows: { id: string }[] = await app.database.read('plan_versions').whereIn(
      'plan_id',
      plans.map(({ id }) => id),
    );
    const ids = rows.map(({ id }) => id);
    const load = () => loadPlanVersions(app.database.read, [...ids, UNKNOWN_ID, ids[0]!]);
    const found = await load();
    expect(await statementsOf(app, load)).toBe(1);
    expect([...found.keys()].sort()).toEqual(ids.sort());
    const shown = [...found.values()].map(
      ({ planName, number, price }) => `${planName}${number} ${formatDecimal(price.basePrice, 2)}`,
    );
    expect(shown.sort()).toEqual(['A1 49.99', 'A2 59.99', 'B1 10.00']);
    expect((await loadPlanVersions(app.database.read, [])).size).toBe(0);
  });
});
