import { newCoupon } from '../../src/billing/coupons/coupon.ts';
import { findCoupon, insertCoupon } from '../../src/billing/coupons/store.ts';
import type { PlanVersion } from '../../src/billing/plans/plan.ts';
import { loadPlanVersions } from '../../src/billing/plans/store.ts';
import type { SubscriptionDiscount } from '../../src/billing/subscriptions/lifecycle/discount.ts';
import { insertRows } from '../../src/platform/db/bulk.ts';
import type { Work } from '../../src/platform/work.ts';
import type { Traits } from './mix.ts';

type Coupon = SubscriptionDiscount['coupon'];

export interface Catalogue {
  versions: Record<Traits['model'], PlanVersion>;
  coupons: Record<'percentage' | 'fixed_amount', Coupon>;
}

const TIERS = JSON.stringify([
  { upTo: 10, unitPrice: '9.00', flatFee: '20.00' },
  { upTo: 50, unitPrice: '7.50', flatFee: '0.00' },
  { upTo: null, unitPrice: '6.125', flatFee: '0.00' },
]);
const PRICES = {
  flat: { base_price: '49.99', unit_price: null, tiers: null },
  per_unit: { base_price: '0', unit_price: '12.50', tiers: null },
  tiered: { base_price: '0', unit_price: null, tiers: TIERS },
};

/** A product with a plan of each model, two coupons and the tax rules of two countries. */
export async function makeCatalogue(work: Work): Promise<Catalogue> {
  const { db, now, newId } = work;
  const at = { created_at: now, updated_at: now };
  const productId = newId();
  const product = { product_type: 'saas', description: null, price: 4999, currency: 'USD', status: 'active' };
  await insertRows(db, 'products', [{ id: productId, name: 'Pro', ...product, ...at }]);
  const ids = { flat: newId(), per_unit: newId(), tiered: newId() };
  for (const [model, id] of Object.entries(ids)) await makePlan(work, productId, model as Traits['model'], id);
  await insertRows(db, 'tax_rules', [
    taxRule(work, 'US', 'CA Sales Tax', '0.0725', false),
    taxRule(work, 'DE', 'USt', '0.19', true),
  ]);
  const found = await loadPlanVersions(db, Object.values(ids));
  const version = (model: Traits['model']) => found.get(ids[model])!;
  return {
    versions: { flat: version('flat'), per_unit: version('per_unit'), tiered: version('tiered') },
    coupons: {
      percentage: await makeCoupon(work, { discountType: 'percentage', discountValue: '10', duration: 'forever' }),
      fixed_amount: await makeCoupon(work, {
        discountType: 'fixed_amount',
        discountValue: '5.00',
        duration: 'repeating',
        durationCycles: 12,
      }),
    },
  };
}

async function makePlan({ db, now, newId }: Work, productId: string, model: Traits['model'], versionId: string) {
  const planId = newId();
  const plan = { name: `Pro ${model}`, active: true, currency: 'USD', trial_days: 0, features: '{}' };
  const numbers = { license_template: null, current_version: 1, version: 1, created_at: now, updated_at: now };
  await insertRows(db, 'plans', [{ id: planId, product_id: productId, ...plan, ...numbers }]);
  const price = { pricing_model: model, tier_mode: 'graduated', billing_cycle: 'monthly', usage_metric: null };
  await insertRows(db, 'plan_versions', [
    { id: versionId, plan_id: planId, number: 1, ...price, ...PRICES[model], created_at: now },
  ]);
}

const taxRule = ({ now, newId }: Work, country: string, name: string, rate: string, inclusive: boolean) => ({
  id: newId(),
  country,
  region: null,
  tax_name: name,
  rate,
  inclusive,
  product_category: null,
  effective_from: '2020-01-01',
  effective_to: null,
  created_at: now,
});

type Members = Omit<Parameters<typeof newCoupon>[1], 'code'>;

async function makeCoupon({ db, now, newId }: Work, members: Members): Promise<Coupon> {
  const coupon = newCoupon(newId(), { code: members.discountType, name: 'A coupon', ...members }, 'USD', now);
  await insertCoupon(db, coupon);
  return (await findCoupon(db, coupon.id))!;
}
