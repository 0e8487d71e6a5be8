import type { DateOnly, Instant } from '../../platform/calendar.ts';
import { type Decimal, powerOfTen } from '../../platform/decimal.ts';
import { type Fraction, roundRatio } from '../../platform/money.ts';

/** The one tax of an invoice; `rate` is a fraction (0.0725). `id` is null for a rate that comes from no rule. */
export interface TaxInput {
  readonly id: string | null;
  readonly name: string;
  readonly rate: Decimal;
  readonly inclusive: boolean;
  /** Where a rate that comes from no rule comes from (rules V4). */
  readonly quote?: { readonly provider: string; readonly fetchedAt: Instant };
}

/** A tax rule valid on the UTC dates `[effectiveFrom, effectiveTo)`; country and region are stored upper case. */
export interface TaxRule {
  readonly id: string;
  readonly country: string;
  readonly region: string | null;
  readonly productCategory: string | null;
  readonly taxName: string;
  readonly rate: Decimal;
  readonly inclusive: boolean;
  readonly effectiveFrom: DateOnly;
  readonly effectiveTo: DateOnly | null;
}

/** Where and what is taxed: the customer's bill-to country and state, the product type of the invoice's product. */
export interface TaxPlace {
  readonly country: string | null;
  readonly state: string | null;
  readonly zip: string | null;
  readonly category: string | null;
}

/** Country and region as they are stored and compared (rules V1); blank = null. */
export function taxKey(text: string | null): string | null {
  return text?.trim().toUpperCase() || null;
}

/** The most specific rule valid on a UTC date, undefined when there is none (rules V2, V3). */
export function resolveTaxRule<R extends Omit<TaxRule, 'taxName' | 'rate' | 'inclusive'>>(
  rules: readonly R[],
  place: Omit<TaxPlace, 'zip'>,
  date: DateOnly,
): R | undefined {
  const [country, state] = [taxKey(place.country), taxKey(place.state)];
  if (country === null) return undefined;
  const candidates = rules.filter(
    (rule) =>
      taxKey(rule.country) === country &&
      rule.effectiveFrom <= date &&
      (rule.effectiveTo === null || date < rule.effectiveTo) &&
      (rule.region === null || taxKey(rule.region) === state) &&
      (rule.productCategory === null || rule.productCategory === place.category),
  );
  return candidates.toSorted(bySpecificity)[0];
}

type Ranked = Pick<TaxRule, 'id' | 'region' | 'productCategory' | 'effectiveFrom'>;

function bySpecificity(a: Ranked, b: Ranked): number {
  const rank = (rule: Ranked) => (rule.region === null ? 0 : 2) + (rule.productCategory === null ? 0 : 1);
  if (rank(a) !== rank(b)) return rank(b) - rank(a);
  if (a.effectiveFrom !== b.effectiveFrom) return a.effectiveFrom > b.effectiveFrom ? -1 : 1;
  return a.id > b.id ? -1 : a.id < b.id ? 1 : 0;
}

/** A resolved rule as the tax of an invoice. */
export function taxOfRule(rule: TaxRule): TaxInput {
  return { id: rule.id, name: rule.taxName, rate: rule.rate, inclusive: rule.inclusive };
}

/** The exact tax on a discounted sum in minor units, and the one rounding of it (rules C2 step 4). */
export function taxOn(taxable: bigint, tax: TaxInput): { amount: bigint; exact: Fraction } {
  const unit = powerOfTen(tax.rate.scale);
  const d = tax.inclusive ? unit + tax.rate.coefficient : unit;
  const exact = { n: taxable * tax.rate.coefficient, d };
  return { amount: roundRatio(exact.n, exact.d), exact };
}
