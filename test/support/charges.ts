import type { InvoiceInput } from '../../src/billing/pricing/compose.ts';
import type { DiscountInput } from '../../src/billing/pricing/discounts.ts';
import { type Charge, type LineInput, lineAmount } from '../../src/billing/pricing/lines.ts';
import type { PlanPrice, PlanTierText } from '../../src/billing/pricing/prices.ts';
import { parseTiers } from '../../src/billing/pricing/prices.ts';
import type { TaxInput } from '../../src/billing/pricing/tax.ts';
import { ONE, parseDecimal, ZERO } from '../../src/platform/decimal.ts';
import { formatMoney, parseMoney } from '../../src/platform/money.ts';

/** Inputs of the pure core in the short form the worked values of the rules are written in. */

export const PERIOD = { periodStart: '2026-04-01T00:00:00.000Z', periodEnd: '2026-05-01T00:00:00.000Z' };
export const TIERS_A = tiers([10, '5'], [20, '3'], [null, '1']);
export const TIERS_B = tiers([10, '0', '20'], [100, '2'], [null, '1.5', '50']);
export const TIERS_U = tiers([1000, '0.0125'], [null, '0.0033']);

export function tiers(...entries: [upTo: number | null, unitPrice: string, flatFee?: string][]) {
  return parseTiers(entries.map(([upTo, unitPrice, flatFee]): PlanTierText => ({ upTo, unitPrice, flatFee })));
}

type PriceText = Partial<Omit<PlanPrice, 'basePrice' | 'unitPrice'>> & { basePrice?: string; unitPrice?: string };

/** A flat price of 0, monthly, unless said otherwise; usage_based gets the metric `calls`. */
export function price({ basePrice, unitPrice, ...rest }: PriceText): PlanPrice {
  const metric = { name: 'calls', aggregation: 'sum', uniqueProperty: null } as const;
  return {
    pricingModel: 'flat',
    tierMode: 'graduated',
    billingCycle: 'monthly',
    tiers: null,
    usageMetric: rest.pricingModel === 'usage_based' ? metric : null,
    ...rest,
    basePrice: basePrice === undefined ? ZERO : parseDecimal(basePrice),
    unitPrice: unitPrice === undefined ? null : parseDecimal(unitPrice),
  };
}

/** One of the plan `Pro` for April 2026, sold in the plan's own cycle, unless said otherwise. */
export function charge(of: PlanPrice, rest: Partial<Charge> = {}): Charge {
  const plan = { id: 'plan-1', name: 'Pro', productId: 'product-1' };
  const { billingCycle } = of;
  return {
    plan,
    planVersionId: 'version-1',
    price: of,
    currency: 'USD',
    quantity: 1,
    billingCycle,
    ...PERIOD,
    ...rest,
  };
}

export function custom(quantity: string, unitPrice: string, rest: Partial<LineInput> = {}): LineInput {
  const description = `${quantity} × ${unitPrice}`;
  return { kind: 'custom', description, quantity: parseDecimal(quantity), unitPrice: parseDecimal(unitPrice), ...rest };
}

/** A plan line of April 2026. */
export function planLine(amount: string, rest: Partial<LineInput> = {}): LineInput {
  const unitPrice = parseDecimal(amount);
  return { kind: 'plan', description: 'Pro', quantity: ONE, unitPrice, planId: 'plan-1', ...PERIOD, ...rest };
}

const ALWAYS = { planIds: [], startsAt: '2026-01-01T00:00:00.000Z', endsAt: null };
type DiscountRest = Partial<Pick<DiscountInput, 'id' | 'code' | 'planIds' | 'startsAt' | 'endsAt'>>;

/** `10 %` or an amount in major units. */
export function discount(value: string, rest: DiscountRest = {}, currency = 'USD'): DiscountInput {
  const named = { id: `discount ${value}`, code: 'SAVE', ...ALWAYS, ...rest };
  return value.endsWith('%')
    ? { ...named, type: 'percentage', value: parseDecimal(value.slice(0, -1).trim()) }
    : { ...named, type: 'fixed_amount', value: parseMoney(value, currency) };
}

/** `0.0725 excl`, `0.11 incl`, or `none`. */
export function tax(text: string): TaxInput | null {
  const [rate = '0', kind] = text.split(' ');
  return text === 'none' ? null : { id: 'rule-1', name: 'Tax', rate: parseDecimal(rate), inclusive: kind === 'incl' };
}

/** An invoice without discounts, tax and credit unless said otherwise. */
export function invoice(lines: readonly LineInput[], rest: Partial<InvoiceInput> = {}): InvoiceInput {
  return { currency: 'USD', lines, discounts: [], tax: null, creditBalance: 0n, applyCredits: true, ...rest };
}

/** Amounts of lines as money text. */
export function amounts(lines: readonly LineInput[], currency = 'USD'): string[] {
  return lines.map((line) => formatMoney(lineAmount(line, currency), currency));
}
