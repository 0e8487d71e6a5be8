import type { Instant } from '../../platform/calendar.ts';
import { utcDate } from '../../platform/calendar.ts';
import {
  type Decimal,
  formatDecimal,
  isZero,
  multiply,
  ONE,
  ofInteger,
  signOf,
  subtract,
  ZERO,
} from '../../platform/decimal.ts';
import { decimalOfMinor, type Fraction, minorFraction, roundRatio, roundToMinor } from '../../platform/money.ts';
import { type BillingCycle, billsInAdvance, type PlanPrice, soldRatio } from './prices.ts';
import { isLineQuantity } from './quantity.ts';
import { splitIntoTiers, type TierPart } from './tiers.ts';

export type LineKind = 'plan' | 'usage' | 'proration' | 'custom';

/** One line before discounts and tax. `amount` (minor units) fixes it; else it is round(quantity × unitPrice). */
export interface LineInput {
  readonly kind: LineKind;
  readonly description: string;
  readonly quantity: Decimal;
  readonly unitPrice: Decimal;
  readonly amount?: bigint | undefined;
  /** The exact minor units a fixed amount was rounded from; for the trace. */
  readonly exact?: Fraction | undefined;
  readonly productId?: string | null | undefined;
  readonly planId?: string | null | undefined;
  readonly planVersionId?: string | null | undefined;
  readonly billingPeriodId?: string | null | undefined;
  readonly periodStart?: Instant | null | undefined;
  readonly periodEnd?: Instant | null | undefined;
  /** Usage of an earlier period, which stands after the other usage (rules C2 step 1). */
  readonly late?: boolean | undefined;
  /** What the line was computed from (ratio, tier, usage, …); for the trace. */
  readonly facts?: Readonly<Record<string, string>> | undefined;
}

/** What is sold for one period: a price version, how many, in which cycle, and for which period row. */
export interface Charge {
  readonly plan: { readonly id: string; readonly name: string; readonly productId: string };
  readonly planVersionId: string;
  readonly price: PlanPrice;
  readonly currency: string;
  readonly quantity: number;
  readonly billingCycle: BillingCycle;
  readonly periodStart: Instant;
  readonly periodEnd: Instant;
  readonly billingPeriodId?: string | null | undefined;
  /** What the metric was used in the earlier parts of the period, where the tiers count on from there (rules U8); >= 0. */
  readonly usedBefore?: Decimal | undefined;
}

type Priced = Pick<LineInput, 'description' | 'quantity' | 'unitPrice' | 'facts'>;

const CYCLE_NAMES: Readonly<Record<BillingCycle, string>> = {
  monthly: 'Monthly',
  quarterly: 'Quarterly',
  yearly: 'Yearly',
};

/** Amount of a line in minor units: the fixed one, which its exact fraction rounds to, else round(quantity × unitPrice) (rules C2 step 1). */
export function lineAmount(line: LineInput, currency: string): bigint {
  if (line.exact !== undefined) return roundRatio(line.exact.n, line.exact.d);
  return line.amount ?? roundToMinor(multiply(line.quantity, line.unitPrice), currency);
}

/** The exact minor units behind a line's amount. */
export function lineFraction(line: LineInput, currency: string): Fraction {
  if (line.exact !== undefined) return line.exact;
  if (line.amount !== undefined) return { n: line.amount, d: 1n };
  return minorFraction(multiply(line.quantity, line.unitPrice), currency);
}

/**
 * Lines of what a plan charges at the start of a period (rules P3..P7); lines of amount 0 are dropped.
 * Throws RangeError when the plan cannot be sold in that cycle.
 */
export function advanceLines(charge: Charge): LineInput[] {
  const { price, plan, billingCycle, quantity } = charge;
  const ratio = soldRatio(price, billingCycle);
  if (ratio === undefined) throw new RangeError(`a ${price.billingCycle} plan cannot be sold ${billingCycle}`);
  const name = `${plan.name} (${CYCLE_NAMES[billingCycle]})`;
  const times = ofInteger(ratio);
  const facts = { ratio: String(ratio), planCycle: price.billingCycle };
  const single = (units: number, unitPrice: Decimal): Priced[] => [
    { description: name, quantity: ofInteger(units), unitPrice: multiply(unitPrice, times), facts },
  ];
  const priced = (): Priced[] => {
    if (price.pricingModel === 'flat') return single(1, price.basePrice);
    if (price.pricingModel === 'per_unit') return single(quantity, price.unitPrice ?? price.basePrice);
    if (price.pricingModel === 'tiered') return seatTiers(price, name, quantity, times, facts);
    return billsInAdvance(price) ? single(1, price.basePrice) : [];
  };
  return finish(charge, 'plan', priced());
}

function seatTiers(
  price: PlanPrice,
  name: string,
  quantity: number,
  ratio: Decimal,
  facts: Record<string, string>,
): Priced[] {
  return splitIntoTiers(price.tiers ?? [], price.tierMode, ofInteger(quantity)).flatMap((tier) => {
    const known = { ...facts, tier: tier.label, tierMode: price.tierMode };
    return [
      {
        description: `${name}, units ${tier.label}`,
        quantity: tier.units,
        unitPrice: multiply(tier.unitPrice, ratio),
        facts: known,
      },
      {
        description: `${name}, fee for units ${tier.label}`,
        quantity: ONE,
        unitPrice: multiply(tier.flatFee, ratio),
        facts: known,
      },
    ];
  });
}

/** Lines of the usage of a closed period (rules P3..P7, U4, U8); a usage of 0 or less bills nothing. */
export function usageLines(charge: Charge, usage: Decimal): LineInput[] {
  const { price, plan, usedBefore = ZERO } = charge;
  if (price.pricingModel !== 'usage_based' || price.usageMetric === null || signOf(usage) <= 0) return [];
  const name = `${plan.name}: ${price.usageMetric.name}`;
  const facts = { usage: formatDecimal(usage), aggregation: price.usageMetric.aggregation };
  if (price.tiers === null) {
    const unitPrice = price.unitPrice ?? price.basePrice;
    return finish(charge, 'usage', [
      { description: `${name}, ${formatDecimal(usage)}`, quantity: usage, unitPrice, facts },
    ]);
  }
  const before: Record<string, string> = isZero(usedBefore) ? {} : { usedBefore: formatDecimal(usedBefore) };
  const split = splitIntoTiers(price.tiers, price.tierMode, usage, usedBefore);
  if (split[0]?.difference)
    return differenceLine(charge, `${name}, ${formatDecimal(usage)}`, split[0], { ...facts, ...before });
  const parts = split.flatMap((tier) => {
    const known = { ...facts, ...before, tier: tier.label, tierMode: price.tierMode };
    const description = `${name}, ${formatDecimal(tier.units)}`;
    return [
      { description, quantity: tier.units, unitPrice: tier.unitPrice, facts: known },
      { description: `${name}, fee for units ${tier.label}`, quantity: ONE, unitPrice: tier.flatFee, facts: known },
    ];
  });
  return finish(charge, 'usage', parts);
}

/** All units moved to another tier: what they cost together less what those before cost, never below 0 (rules U8). */
function differenceLine(
  charge: Charge,
  description: string,
  { label, difference }: TierPart,
  facts: Record<string, string>,
): LineInput[] {
  const { all, before } = difference!;
  const exact = minorFraction(subtract(all, before), charge.currency);
  const amount = roundRatio(exact.n, exact.d);
  if (amount <= 0n) return [];
  const prices = { priceOfAll: formatDecimal(all), priceOfBefore: formatDecimal(before) };
  const known = { ...facts, ...prices, tier: label, tierMode: charge.price.tierMode };
  const unitPrice = decimalOfMinor(amount, charge.currency);
  return [{ ...origin(charge, 'usage'), description, quantity: ONE, unitPrice, exact, facts: known }];
}

/** The line for usage that arrived after its period was billed (rules U7): `amount` minor units for `difference`. */
export function lateUsageLine(charge: Charge, amount: bigint, difference: Decimal): LineInput {
  const metric = charge.price.usageMetric?.name ?? '';
  const period = `${utcDate(charge.periodStart)} to ${utcDate(charge.periodEnd)}`;
  return {
    ...origin(charge, 'usage'),
    description: `${charge.plan.name}: ${metric}, late usage for ${period}, ${formatDecimal(difference)}`,
    quantity: ONE,
    unitPrice: decimalOfMinor(amount, charge.currency),
    late: true,
    facts: {
      difference: formatDecimal(difference),
      ...(charge.usedBefore && !isZero(charge.usedBefore) ? { usedBefore: formatDecimal(charge.usedBefore) } : {}),
    },
  };
}

/** Advance price of a full period at list price, in minor units. */
export function advanceAmount(charge: Charge): bigint {
  return sumOfLines(advanceLines(charge), charge.currency);
}

/** Price of a usage in minor units (rules U7). */
export function usageAmount(charge: Charge, usage: Decimal): bigint {
  return sumOfLines(usageLines(charge, usage), charge.currency);
}

function sumOfLines(lines: readonly LineInput[], currency: string): bigint {
  return lines.reduce((sum, line) => sum + lineAmount(line, currency), 0n);
}

function origin(charge: Charge, kind: LineKind) {
  return {
    kind,
    productId: charge.plan.productId,
    planId: charge.plan.id,
    planVersionId: charge.planVersionId,
    billingPeriodId: charge.billingPeriodId ?? null,
    periodStart: charge.periodStart,
    periodEnd: charge.periodEnd,
  };
}

function finish(charge: Charge, kind: LineKind, priced: readonly Priced[]): LineInput[] {
  const lines: LineInput[] = [];
  for (const line of priced) {
    if (isZero(line.quantity) || isZero(line.unitPrice)) continue;
    const amount = roundToMinor(multiply(line.quantity, line.unitPrice), charge.currency);
    if (amount !== 0n) lines.push({ ...origin(charge, kind), ...showable(line, amount, charge.currency) });
  }
  return lines;
}

/** A quantity that no line can show becomes quantity 1 at the amount; the exact one stays in facts (rules P6). */
function showable(line: Priced, amount: bigint, currency: string): Omit<LineInput, 'kind'> {
  if (isLineQuantity(line.quantity)) return line;
  const [quantity, unitPrice] = [formatDecimal(line.quantity), formatDecimal(line.unitPrice)];
  return {
    description: line.description,
    quantity: ONE,
    unitPrice: decimalOfMinor(amount, currency),
    exact: minorFraction(multiply(line.quantity, line.unitPrice), currency),
    facts: { ...line.facts, exactQuantity: quantity, exactUnitPrice: unitPrice },
  };
}
