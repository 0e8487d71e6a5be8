import {
  bool,
  decimal,
  int,
  json,
  optionalDecimal,
  optionalJson,
  toDecimal,
  toJson,
} from '../../platform/db/columns.ts';
import type { Db } from '../../platform/db/connect.ts';
import { inList } from '../../platform/db/in-list.ts';
import { refuse } from '../../platform/errors.ts';
import type { PageRequest } from '../../platform/http/pagination.ts';
import { formatTiers, type PlanTierText, parseTiers, type UsageMetric } from '../pricing/prices.ts';
import { type Features, type LicenseTemplate, type Plan, type PlanVersion, versionOf } from './plan.ts';

export interface PlanFilter {
  productId?: string | undefined;
  active?: boolean | undefined;
}

/** Plans with the prices of the present version, newest first; up to `limit + 1` rows. */
export async function listPlans(db: Db, filter: PlanFilter, page: PageRequest): Promise<Plan[]> {
  const query = currentPlans(db)
    .orderBy('plans.id', 'desc')
    .limit(page.limit + 1);
  if (page.after) query.where('plans.id', '<', page.after);
  if (filter.productId) query.where('plans.product_id', filter.productId);
  if (filter.active !== undefined) query.where('plans.active', filter.active);
  return (await query).map(fromRow);
}

/** The plan with the prices of the present version, or of the one with this number. */
export async function findPlan(db: Db, id: string, number?: number): Promise<Plan | undefined> {
  const query = number === undefined ? currentPlans(db) : plansWithVersions(db).where('plan_versions.number', number);
  return (await query.where('plans.id', id)).map(fromRow)[0];
}

/** Locks the plan against every other writer of it. */
export async function lockPlan(db: Db, id: string): Promise<Plan | undefined> {
  // Two statements: the second one sees the version that a writer we waited for has added.
  await db('plans').where({ id }).select('id').forNoKeyUpdate();
  return findPlan(db, id);
}

/** Locks the plan also against new rows that point to it. */
export async function lockPlanForDelete(db: Db, id: string): Promise<Plan | undefined> {
  await db('plans').where({ id }).select('id').forUpdate();
  return findPlan(db, id);
}

/**
 * The plan with its present prices, for a sale or a plan change; it stays until the commit.
 * Throws AppError `plan_not_found` when it does not exist or is not active.
 */
export async function findSellablePlan(db: Db, id: string): Promise<PlanVersion> {
  await db('plans').where({ id }).select('id').forKeyShare();
  return readSellablePlan(db, id);
}

/** The same without holding it. */
export async function readSellablePlan(db: Db, id: string): Promise<PlanVersion> {
  const plan = await findPlan(db, id);
  if (!plan?.active) throw refuse('plan_not_found', 'No such active plan.');
  return versionOf(plan);
}

/** Price versions by their id, in one statement; unknown ids are absent. */
export async function loadPlanVersions(db: Db, versionIds: Iterable<string>): Promise<Map<string, PlanVersion>> {
  const rows = await plansWithVersions(db).whereIn('plan_versions.id', inList(versionIds));
  return new Map(rows.map((row) => [row.version_id, versionOf(fromRow(row))]));
}

/** Every price version there ever was of these plans, in one statement. */
export async function loadVersionsOfPlans(db: Db, planIds: Iterable<string>): Promise<PlanVersion[]> {
  const rows = await plansWithVersions(db).whereIn('plans.id', inList(planIds));
  return rows.map((row) => versionOf(fromRow(row)));
}

/** Makes sure that the plans exist, and keep existing until the commit. Throws AppError `plan_not_found`. */
export async function requirePlans(db: Db, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  const held = await db('plans').whereIn('id', inList(ids)).orderBy('id').select('id').forKeyShare();
  if (held.length < new Set(ids).size) throw refuse('plan_not_found', 'No such plan.');
}

export async function productHasPlans(db: Db, productId: string): Promise<boolean> {
  return (await db('plans').where({ product_id: productId }).select('id').limit(1)).length > 0;
}

export async function insertPlan(db: Db, plan: Plan): Promise<void> {
  await db('plans').insert({
    ...toRow(plan),
    id: plan.id,
    product_id: plan.productId,
    currency: plan.currency,
    created_at: plan.createdAt,
  });
  await insertVersion(db, plan);
}

export async function updatePlan(db: Db, plan: Plan): Promise<void> {
  await db('plans').where({ id: plan.id }).update(toRow(plan));
}

/** Writes the prices of the plan as its version `planVersion` (rules P2); rows of versions never change. */
export async function insertVersion(db: Db, plan: Plan): Promise<void> {
  const { price } = plan;
  await db('plan_versions').insert({
    id: plan.planVersionId,
    plan_id: plan.id,
    number: plan.planVersion,
    pricing_model: price.pricingModel,
    tier_mode: price.tierMode,
    billing_cycle: price.billingCycle,
    base_price: toDecimal(price.basePrice),
    unit_price: price.unitPrice && toDecimal(price.unitPrice),
    tiers: price.tiers && toJson(formatTiers(price.tiers, plan.currency)),
    usage_metric: price.usageMetric && toJson(price.usageMetric),
    created_at: plan.updatedAt,
  });
}

/** Deletes the plan with its versions. */
export async function deletePlan(db: Db, id: string): Promise<void> {
  await db('plan_versions').where({ plan_id: id }).delete();
  await db('plans').where({ id }).delete();
}

const plansWithVersions = (db: Db) =>
  db('plans')
    .join('plan_versions', 'plan_versions.plan_id', 'plans.id')
    .join('products', 'products.id', 'plans.product_id')
    .select(
      'plans.*',
      'products.name as product_name',
      'products.product_type',
      'plan_versions.id as version_id',
      'plan_versions.number',
      'plan_versions.pricing_model',
      'plan_versions.tier_mode',
      'plan_versions.billing_cycle',
      'plan_versions.base_price',
      'plan_versions.unit_price',
      'plan_versions.tiers',
      'plan_versions.usage_metric',
    );
const currentPlans = (db: Db) => plansWithVersions(db).where('plan_versions.number', db.ref('plans.current_version'));

function toRow(plan: Plan) {
  return {
    name: plan.name,
    active: plan.active,
    trial_days: plan.trialDays,
    features: toJson(plan.features),
    license_template: plan.licenseTemplate && toJson(plan.licenseTemplate),
    current_version: plan.planVersion,
    version: plan.version,
    updated_at: plan.updatedAt,
  };
}

// biome-ignore lint/suspicious/noExplicitAny: a joined row as either driver answers it
function fromRow(row: any): Plan {
  const tiers = optionalJson<PlanTierText[]>(row.tiers);
  return {
    id: row.id,
    productId: row.product_id,
    productName: row.product_name,
    productType: row.product_type,
    name: row.name,
    active: bool(row.active),
    currency: row.currency,
    trialDays: int(row.trial_days),
    features: json<Features>(row.features),
    licenseTemplate: optionalJson<LicenseTemplate>(row.license_template),
    planVersionId: row.version_id,
    planVersion: int(row.number),
    price: {
      pricingModel: row.pricing_model,
      tierMode: row.tier_mode,
      billingCycle: row.billing_cycle,
      basePrice: decimal(row.base_price),
      unitPrice: optionalDecimal(row.unit_price),
      tiers: tiers && parseTiers(tiers),
      usageMetric: optionalJson<UsageMetric>(row.usage_metric),
    },
    version: int(row.version),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
