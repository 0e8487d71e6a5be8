import { changesOf } from '../../platform/changes.ts';
import { formatDecimal } from '../../platform/decimal.ts';
import { conflict, notFound, refuse } from '../../platform/errors.ts';
import type { Context, Handlers } from '../../platform/http/operations.ts';
import { type PageRequest, paged, readPage } from '../../platform/http/pagination.ts';
import { checkVersion } from '../../platform/http/versions.ts';
import { exponentOf } from '../../platform/money.ts';
import { holdProduct } from '../../products/store.ts';
import { loadBillingSettings } from '../../settings/store.ts';
import { formatTiers, samePrice } from '../pricing/prices.ts';
import { changedPlan, type Plan, priceOf } from './plan.ts';
import * as store from './store.ts';

const listPlans: Handlers<'plans'>['listPlans'] = async ({ query }, { db, scope }) => {
  // Active plans are the price list; a key with a customer sees no others in lists (contract 2.28).
  const nothing = scope !== null && query.active === false;
  const active = scope === null ? query.active : true;
  const read = async (step: PageRequest) =>
    nothing ? [] : store.listPlans(db, { productId: query.productId, active }, step);
  return paged(await readPage('plans', query, { keyOf: (plan) => plan.id, read }), present);
};

const getPlan: Handlers<'plans'>['getPlan'] = async ({ path, query }, context) => {
  const plan = await store.findPlan(context.db, path.id, query.planVersion);
  if (!plan || !(await isVisible(context, plan))) throw notFound('plan');
  return present(plan);
};

export const plans: Handlers<'plans'> = {
  listPlans,
  getPlan,
  v1ListPlans: listPlans,
  v1GetPlan: getPlan,

  async createPlan({ body }, context) {
    const { db, now, newId } = context;
    const product = await holdProduct(db, body.productId);
    if (!product) throw notFound('product');
    if (product.status === 'archived') throw conflict('An archived product gets no new plans.');
    const bare: Plan = {
      id: newId(),
      productId: product.id,
      productName: product.name,
      productType: product.productType,
      name: body.name,
      active: true,
      currency: body.currency ?? (await loadBillingSettings(db, context.runtime.config)).defaultCurrency,
      trialDays: 0,
      features: {},
      licenseTemplate: null,
      planVersionId: newId(),
      planVersion: 1,
      price: priceOf(body.pricingModel, body.billingCycle),
      version: 1,
      createdAt: now,
      updatedAt: now,
    };
    const plan = changedPlan(bare, body);
    await store.insertPlan(db, plan);
    const shown = present(plan);
    context.audit({ entityType: 'plan', entityId: plan.id, changes: changesOf<object>({}, shown) });
    return shown;
  },

  async updatePlan({ path, body }, context) {
    const { db, now, newId } = context;
    const before = await store.lockPlan(db, path.id);
    if (!before) throw notFound('plan');
    checkVersion(context, before.version);
    const after = changedPlan(before, body);
    const changes = changesOf(present(before), present(after));
    if (Object.keys(changes).length === 0) return present(before);
    const stored: Plan = { ...after, version: before.version + 1, updatedAt: now };
    if (!samePrice(before.price, after.price)) {
      stored.planVersion = before.planVersion + 1;
      stored.planVersionId = newId();
      await store.insertVersion(db, stored);
    }
    await store.updatePlan(db, stored);
    context.audit({ entityType: 'plan', entityId: path.id, changes: changesOf(present(before), present(stored)) });
    return present(stored);
  },

  async deletePlan({ path }, context) {
    const plan = await store.lockPlanForDelete(context.db, path.id);
    if (!plan) throw notFound('plan');
    checkVersion(context, plan.version);
    if (await context.runtime.hooks.plans.isUsed(context.db, path.id))
      throw refuse(
        'delete_conflict',
        'The plan has or had subscriptions, or a coupon names it. Set active to false instead.',
      );
    await store.deletePlan(context.db, path.id);
    context.audit({ entityType: 'plan', entityId: path.id });
  },
};

/** Active plans, and those that the customer is on (contract 2.28). */
async function isVisible({ db, scope, runtime }: Context, plan: Plan): Promise<boolean> {
  return scope === null || plan.active || (await runtime.hooks.plans.isHeldBy(db, scope, plan.id));
}

const present = (plan: Plan) => {
  const { price, currency } = plan;
  const scale = exponentOf(currency);
  return {
    id: plan.id,
    productId: plan.productId,
    productName: plan.productName,
    name: plan.name,
    pricingModel: price.pricingModel,
    tierMode: price.tierMode,
    billingCycle: price.billingCycle,
    currency,
    basePrice: formatDecimal(price.basePrice, scale),
    unitPrice: price.unitPrice && formatDecimal(price.unitPrice, scale),
    tiers: price.tiers && formatTiers(price.tiers, currency),
    usageMetric: price.usageMetric && {
      name: price.usageMetric.name,
      aggregation: price.usageMetric.aggregation,
      uniqueProperty: price.usageMetric.uniqueProperty,
    },
    trialDays: plan.trialDays,
    active: plan.active,
    features: plan.features,
    licenseTemplate: plan.licenseTemplate && {
      maxActivations: plan.licenseTemplate.maxActivations,
      features: plan.licenseTemplate.features,
    },
    planVersion: plan.planVersion,
    version: plan.version,
    createdAt: plan.createdAt,
    updatedAt: plan.updatedAt,
  };
};
