import {
  compare,
  type Decimal,
  formatDecimal,
  isZero,
  ONE,
  parseDecimal,
  signOf,
  ZERO,
} from '../../platform/decimal.ts';
import { exponentOf } from '../../platform/money.ts';

export type PricingModel = 'flat' | 'per_unit' | 'tiered' | 'usage_based';
export type TierMode = 'graduated' | 'volume';
export type BillingCycle = 'monthly' | 'quarterly' | 'yearly';
export type UsageAggregation = 'sum' | 'max' | 'last' | 'count' | 'unique';

/** One price step: units up to and including `upTo` (null = without end); prices in major units. */
export interface PlanTier {
  readonly upTo: number | null;
  readonly unitPrice: Decimal;
  readonly flatFee: Decimal;
}

export interface UsageMetric {
  readonly name: string;
  readonly aggregation: UsageAggregation;
  readonly uniqueProperty: string | null;
}

/** The price members of a plan version (rules P2); amounts in major units of the plan's currency. */
export interface PlanPrice {
  readonly pricingModel: PricingModel;
  readonly tierMode: TierMode;
  readonly billingCycle: BillingCycle;
  readonly basePrice: Decimal;
  readonly unitPrice: Decimal | null;
  readonly tiers: readonly PlanTier[] | null;
  readonly usageMetric: UsageMetric | null;
}

/** A tier as the contract writes it and as `plan_versions.tiers` stores it. */
export interface PlanTierText {
  readonly upTo: number | null;
  readonly unitPrice: string;
  readonly flatFee?: string | undefined;
}

type Problems = Record<string, string>;

/** Months of a billing cycle (rules T5). */
export const CYCLE_MONTHS: Readonly<Record<BillingCycle, number>> = { monthly: 1, quarterly: 3, yearly: 12 };

/** How many plan cycles one sold cycle holds (rules P5); undefined when it is not a whole number of them. */
export function cycleRatio(planCycle: BillingCycle, soldCycle: BillingCycle): number | undefined {
  const ratio = CYCLE_MONTHS[soldCycle] / CYCLE_MONTHS[planCycle];
  return Number.isInteger(ratio) ? ratio : undefined;
}

/** Like cycleRatio, and undefined also for a usage plan with tiers in another than its own cycle (rules P5). */
export function soldRatio(
  price: Pick<PlanPrice, 'pricingModel' | 'billingCycle' | 'tiers'>,
  soldCycle: BillingCycle,
): number | undefined {
  const ownCycleOnly = price.pricingModel === 'usage_based' && price.tiers !== null;
  return ownCycleOnly && soldCycle !== price.billingCycle ? undefined : cycleRatio(price.billingCycle, soldCycle);
}

/** Whether the plan charges anything at the start of a period; a basePrice of zero counts as not given (rules P3). */
export function billsInAdvance(price: PlanPrice): boolean {
  if (price.pricingModel !== 'usage_based') return true;
  return !isZero(price.basePrice) && (price.unitPrice !== null || price.tiers !== null);
}

/** Texts -> tiers; throws RangeError for a text that is not a decimal. */
export function parseTiers(tiers: readonly PlanTierText[]): PlanTier[] {
  return tiers.map(({ upTo, unitPrice, flatFee }) => ({
    upTo,
    unitPrice: parseDecimal(unitPrice),
    flatFee: flatFee === undefined ? ZERO : parseDecimal(flatFee),
  }));
}

/** Tiers -> texts, with at least the decimals of the currency. */
export function formatTiers(tiers: readonly PlanTier[], currency: string): Required<PlanTierText>[] {
  const scale = exponentOf(currency);
  return tiers.map(({ upTo, unitPrice, flatFee }) => ({
    upTo,
    unitPrice: formatDecimal(unitPrice, scale),
    flatFee: formatDecimal(flatFee, scale),
  }));
}

/** Whether two prices have the same members, so that no new version is needed (rules P2). */
export function samePrice(a: PlanPrice, b: PlanPrice): boolean {
  return JSON.stringify(plainPrice(a)) === JSON.stringify(plainPrice(b));
}

function plainPrice(price: PlanPrice): unknown[] {
  const { pricingModel, tierMode, billingCycle, basePrice, unitPrice, tiers, usageMetric: metric } = price;
  return [
    [pricingModel, tierMode, billingCycle, formatDecimal(basePrice), unitPrice && formatDecimal(unitPrice)],
    tiers?.map((tier) => [tier.upTo, formatDecimal(tier.unitPrice), formatDecimal(tier.flatFee)]) ?? null,
    metric && [metric.name, metric.aggregation, metric.uniqueProperty],
  ];
}

/** Checks the members against the model (rules P3, P4): member -> sentence, empty when the price is valid. */
export function priceProblems(price: PlanPrice, currency: string): Problems {
  const problems: Problems = {};
  checkMembers(price, problems);
  if (signOf(price.basePrice) < 0) problems.basePrice = 'must not be negative';
  if (price.unitPrice !== null && signOf(price.unitPrice) < 0) problems.unitPrice = 'must not be negative';
  const decimals = exponentOf(currency);
  if (price.basePrice.scale > decimals) problems.basePrice = tooManyDecimals(decimals, currency);
  if (price.usageMetric !== null) checkMetric(price.usageMetric, problems);
  if (price.tiers !== null) checkTiers(price.tiers, currency, problems);
  return problems;
}

function tooManyDecimals(decimals: number, currency: string): string {
  return `must have ${decimals === 0 ? 'no' : `at most ${decimals}`} decimals for ${currency}`;
}

function checkMembers(price: PlanPrice, problems: Problems): void {
  const { pricingModel, basePrice, unitPrice, tiers, usageMetric } = price;
  const forbid = (member: string, present: boolean, when: string) => {
    if (present) problems[member] = `is not allowed ${when}`;
  };
  const model = `for pricing model ${pricingModel}`;
  if (pricingModel === 'flat' || pricingModel === 'tiered') forbid('unitPrice', unitPrice !== null, model);
  if (pricingModel === 'flat' || pricingModel === 'per_unit') forbid('tiers', tiers !== null, model);
  if (pricingModel !== 'usage_based') forbid('usageMetric', usageMetric !== null, model);
  if (pricingModel === 'per_unit' && unitPrice !== null && !isZero(unitPrice)) {
    forbid('basePrice', !isZero(basePrice), 'together with unitPrice');
  }
  if (pricingModel === 'tiered') {
    if (tiers === null) problems.tiers = `is required ${model}`;
    forbid('basePrice', !isZero(basePrice), model);
  }
  if (pricingModel === 'usage_based') {
    if (usageMetric === null) problems.usageMetric = `is required ${model}`;
    forbid('unitPrice', unitPrice !== null && tiers !== null, 'together with tiers');
  }
}

function checkMetric(metric: UsageMetric, problems: Problems): void {
  const needed = metric.aggregation === 'unique';
  if (needed && metric.uniqueProperty === null) {
    problems['usageMetric.uniqueProperty'] = 'is required for aggregation unique';
  }
  if (!needed && metric.uniqueProperty !== null) {
    problems['usageMetric.uniqueProperty'] = 'is allowed only for aggregation unique';
  }
}

function checkTiers(tiers: readonly PlanTier[], currency: string, problems: Problems): void {
  if (tiers.length < 1 || tiers.length > 100) problems.tiers = 'must have 1 to 100 entries';
  const decimals = exponentOf(currency);
  let below = ZERO;
  tiers.forEach(({ upTo, unitPrice, flatFee }, index) => {
    const last = index === tiers.length - 1;
    const report = (member: string, sentence: string) => {
      problems[`tiers.${index}.${member}`] = sentence;
    };
    if (last && upTo !== null) report('upTo', 'must be null in the last tier');
    if (!last && upTo === null) report('upTo', 'must be null only in the last tier');
    if (upTo !== null) {
      const bound: Decimal = Number.isSafeInteger(upTo) ? { coefficient: BigInt(upTo), scale: 0 } : ZERO;
      if (compare(bound, ONE) < 0) report('upTo', 'must be a whole number of at least 1');
      else if (compare(bound, below) <= 0) report('upTo', 'must be greater than in the tier before');
      below = bound;
    }
    if (signOf(unitPrice) < 0) report('unitPrice', 'must not be negative');
    if (signOf(flatFee) < 0) report('flatFee', 'must not be negative');
    else if (flatFee.scale > decimals) report('flatFee', tooManyDecimals(decimals, currency));
  });
}
