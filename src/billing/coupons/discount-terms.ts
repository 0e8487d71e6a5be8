import { compare, type Decimal, formatDecimal, ofInteger, parseDecimal, signOf } from '../../platform/decimal.ts';
import type { Fields } from '../../platform/errors.ts';
import { readMember } from '../../platform/fields.ts';
import { exponentOf, formatMoney, parseMoney } from '../../platform/money.ts';

export type DiscountType = 'percentage' | 'fixed_amount';

/** `value` is a percentage (10 = 10 %) or minor units of `currency`. */
export type DiscountTerms =
  | { readonly type: 'percentage'; readonly value: Decimal; readonly currency: null }
  | { readonly type: 'fixed_amount'; readonly value: bigint; readonly currency: string };

/** The members of a coupon that say what it takes off, as a caller writes them. */
export interface TermsChange {
  discountType?: DiscountType | undefined;
  discountValue?: string | undefined;
  currency?: string | null | undefined;
}

const HUNDRED = ofInteger(100);
const MAX_DECIMALS = 4;

/** What a discount takes off, read from text; undefined, and a sentence in `fields`, when it cannot be (rules D1). */
export function readTerms(
  fields: Fields,
  type: DiscountType,
  text: string,
  given: string | null,
  defaultCurrency: string,
): DiscountTerms | undefined {
  if (type === 'percentage') {
    if (given !== null) fields.currency = 'must be null for a percentage';
    const value = readMember(fields, 'discountValue', () => parsePercent(text));
    return value && { type, value, currency: null };
  }
  const currency = given ?? defaultCurrency;
  if (readMember(fields, 'currency', () => exponentOf(currency)) === undefined) return undefined;
  const value = readMember(fields, 'discountValue', () => parseAmount(text, currency));
  return value === undefined ? undefined : { type, value, currency };
}

/** The terms as they would be; a value is never read as one of another type by itself. */
export function changedTerms(
  fields: Fields,
  before: DiscountTerms,
  change: TermsChange,
  defaultCurrency: string,
): DiscountTerms | undefined {
  const type = change.discountType ?? before.type;
  const currency = change.currency === undefined ? before.currency : change.currency;
  if (type !== before.type && change.discountValue === undefined)
    fields.discountValue = 'must be sent with another discountType';
  return readTerms(fields, type, change.discountValue ?? formatValue(before), currency, defaultCurrency);
}

/** Percent without trailing zeros, or money. */
export const formatValue = (terms: DiscountTerms): string =>
  terms.type === 'percentage' ? formatDecimal(terms.value) : formatMoney(terms.value, terms.currency);

export const sameTerms = (a: DiscountTerms, b: DiscountTerms): boolean =>
  a.type === b.type && a.currency === b.currency && formatValue(a) === formatValue(b);

function parsePercent(text: string): Decimal {
  const value = parseDecimal(text);
  if (signOf(value) <= 0 || compare(value, HUNDRED) > 0) throw new RangeError('must be above 0 and at most 100');
  if (value.scale > MAX_DECIMALS) throw new RangeError(`must have at most ${MAX_DECIMALS} decimals`);
  return value;
}

function parseAmount(text: string, currency: string): bigint {
  const value = parseMoney(text, currency);
  if (value <= 0n) throw new RangeError('must be above 0');
  return value;
}
