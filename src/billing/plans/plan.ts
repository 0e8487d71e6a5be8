import type { Instant } from '../../platform/calendar.ts';
import { type Decimal, parseDecimal, ZERO } from '../../platform/decimal.ts';
import type { Fields } from '../../platform/errors.ts';
import { readMember, refuseFields } from '../../platform/fields.ts';
import { decimalOfMinor, exponentOf, parseMoney } from '../../platform/money.ts';
import type { ProductType } from '../../products/product.ts';
import {
  type BillingCycle,
  type PlanPrice,
  type PlanTier,
  type PlanTierText,
  type PricingModel,
  priceProblems,
  type TierMode,
  type UsageAggregation,
} from '../pricing/prices.ts';

export type Features = Record<string, boolean | number | string | (string | number)[]>;
export interface LicenseTemplate {
  maxActivations: number | null;
  features: Features | null;
}

/** A plan with the prices of one of its versions. */
export interface Plan {
  id: string;
  productId: string;
  productName: string;
  productType: ProductType;
  name: string;
  active: boolean;
  currency: string;
  trialDays: number;
  features: Features;
  licenseTemplate: LicenseTemplate | null;
  /** The version whose prices these are: its row and its number. */
  planVersionId: string;
  planVersion: number;
  price: PlanPrice;
  version: number;
  createdAt: Instant;
  updatedAt: Instant;
}

/** What is sold: one price version with what the billing of it needs to know about its plan and product. */
export interface PlanVersion {
  /** Of the row of plan_versions. */
  id: string;
  number: number;
  planId: string;
  planName: string;
  productId: string;
  productName: string;
  productType: ProductType;
  currency: string;
  price: PlanPrice;
  trialDays: number;
  features: Features;
  licenseTemplate: LicenseTemplate | null;
}

/** The version of the plan whose prices it holds. */
export const versionOf = (plan: Plan): PlanVersion => ({
  id: plan.planVersionId,
  number: plan.planVersion,
  planId: plan.id,
  planName: plan.name,
  productId: plan.productId,
  productName: plan.productName,
  productType: plan.productType,
  currency: plan.currency,
  price: plan.price,
  trialDays: plan.trialDays,
  features: plan.features,
  licenseTemplate: plan.licenseTemplate,
});

/** The price members as a caller writes them (rules P2). */
export interface PriceChange {
  pricingModel?: PricingModel | undefined;
  tierMode?: TierMode | undefined;
  billingCycle?: BillingCycle | undefined;
  basePrice?: string | undefined;
  unitPrice?: string | null | undefined;
  tiers?: readonly PlanTierText[] | null | undefined;
  usageMetric?: UsageMetricText | null | undefined;
}
interface UsageMetricText {
  name: string;
  aggregation: UsageAggregation;
  uniqueProperty?: string | null | undefined;
}

/** The members that change in place (rules P2). */
export interface PlanChange extends PriceChange {
  name?: string | undefined;
  active?: boolean | undefined;
  trialDays?: number | undefined;
  features?: Features | undefined;
  licenseTemplate?: LicenseTemplate | null | undefined;
}

const MAX_FEATURES_BYTES = 16_384;

/** The price members a new plan starts from, before those that were sent. */
export const priceOf = (pricingModel: PricingModel, billingCycle: BillingCycle): PlanPrice => ({
  pricingModel,
  tierMode: 'graduated',
  billingCycle,
  basePrice: ZERO,
  unitPrice: null,
  tiers: null,
  usageMetric: null,
});

/**
 * The plan as it would be: absent members stay, null clears, and the whole is consistent (rules P3, P4).
 * Throws AppError `validation_error` naming every failing member.
 */
export function changedPlan(before: Plan, change: PlanChange): Plan {
  exponentOf(before.currency);
  const fields: Fields = {};
  const price = changedPrice(before.price, change, before.currency, fields);
  const after: Plan = {
    ...before,
    name: change.name ?? before.name,
    active: change.active ?? before.active,
    trialDays: change.trialDays ?? before.trialDays,
    features: change.features ?? before.features,
    licenseTemplate: change.licenseTemplate === undefined ? before.licenseTemplate : change.licenseTemplate,
    price,
  };
  for (const [name, sentence] of Object.entries(priceProblems(price, before.currency))) fields[name] ??= sentence;
  checkSize(fields, 'features', after.features);
  checkSize(fields, 'licenseTemplate.features', after.licenseTemplate?.features ?? null);
  refuseFields(fields);
  return after;
}

/** The price as it would be; a member that cannot be read is reported and counted as zero. */
function changedPrice(before: PlanPrice, change: PriceChange, currency: string, fields: Fields): PlanPrice {
  const amount = (name: string, text: string): Decimal =>
    readMember(fields, name, () => decimalOfMinor(parseMoney(text, currency), currency)) ?? ZERO;
  const decimal = (name: string, text: string): Decimal => readMember(fields, name, () => parseDecimal(text)) ?? ZERO;
  const readPrice = (text: string | null) => (text === null ? null : decimal('unitPrice', text));
  const tier = (text: PlanTierText, index: number): PlanTier => ({
    upTo: text.upTo,
    unitPrice: decimal(`tiers.${index}.unitPrice`, text.unitPrice),
    flatFee: text.flatFee === undefined ? ZERO : amount(`tiers.${index}.flatFee`, text.flatFee),
  });
  const { basePrice, unitPrice, tiers, usageMetric } = change;
  return {
    pricingModel: change.pricingModel ?? before.pricingModel,
    tierMode: change.tierMode ?? before.tierMode,
    billingCycle: change.billingCycle ?? before.billingCycle,
    basePrice: basePrice === undefined ? before.basePrice : amount('basePrice', basePrice),
    unitPrice: unitPrice === undefined ? before.unitPrice : readPrice(unitPrice),
    tiers: tiers === undefined ? before.tiers : (tiers?.map(tier) ?? null),
    usageMetric:
      usageMetric === undefined
        ? before.usageMetric
        : usageMetric && { ...usageMetric, uniqueProperty: usageMetric.uniqueProperty ?? null },
  };
}

function checkSize(fields: Fields, name: string, features: Features | null): void {
  if (features !== null && Buffer.byteLength(JSON.stringify(features)) > MAX_FEATURES_BYTES)
    fields[name] ??= `must have at most ${MAX_FEATURES_BYTES} bytes as JSON`;
}
