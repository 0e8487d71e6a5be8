import { currencyExponent } from './currencies.ts';
import { type Decimal, decimal, powerOfTen } from './decimal.ts';
import { AppError, invalid, refuse } from './errors.ts';

export { currencyExponent, isCurrency } from './currencies.ts';

/** An amount that cannot be accepted; `message` is a sentence for `fields` ("must have at most 2 decimals for USD"). */
export class AmountError extends AppError {
  constructor(sentence: string) {
    super('validation_error', sentence);
    this.name = 'AmountError';
  }
}

/** An exact quotient before its one rounding; `d` > 0. */
export interface Fraction {
  readonly n: bigint;
  readonly d: bigint;
}

/** Largest absolute amount in minor units (rules M7). */
export const MAX_AMOUNT = 999_999_999_999_999n;

const AMOUNT = /^(-?)(\d+)(?:\.(\d+))?$/;

/** Decimals of the minor unit; throws AppError `validation_error` on `currency` for a code that is not accepted. */
export function exponentOf(currency: string): 0 | 2 | 3 {
  const exponent = currencyExponent(currency);
  if (exponent === undefined) throw invalid({ currency: 'must be an active ISO 4217 code with 0, 2 or 3 decimals' });
  return exponent;
}

/** Returns the amount unless it exceeds the bound of rules M7; throws AmountError. */
export function checkAmount(minor: bigint): bigint {
  if (minor > MAX_AMOUNT || minor < -MAX_AMOUNT) throw new AmountError('is too large');
  return minor;
}

/** Decimal text -> minor units (rules M3). Throws AmountError. */
export function parseMoney(text: string, currency: string): bigint {
  const exponent = exponentOf(currency);
  const match = typeof text === 'string' ? AMOUNT.exec(text) : null;
  if (match === null) throw new AmountError('must be a decimal amount as text');
  const [, sign, whole, fraction = ''] = match;
  if (fraction.length > exponent) {
    throw new AmountError(`must have ${exponent === 0 ? 'no' : `at most ${exponent}`} decimals for ${currency}`);
  }
  const magnitude = BigInt(`${whole}${fraction.padEnd(exponent, '0')}`);
  return checkAmount(sign === '-' ? -magnitude : magnitude);
}

/** Minor units -> text with exactly the currency's decimals, never `-0.00` (rules M3). */
export function formatMoney(minor: bigint, currency: string): string {
  const exponent = exponentOf(currency);
  const sign = minor < 0n ? '-' : '';
  const digits = (minor < 0n ? -minor : minor).toString().padStart(exponent + 1, '0');
  return exponent === 0 ? sign + digits : `${sign}${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`;
}

/** Minor units as the exact decimal value in major units. */
export function decimalOfMinor(minor: bigint, currency: string): Decimal {
  return decimal(minor, exponentOf(currency));
}

/** A decimal in major units as an exact fraction of minor units. */
export function minorFraction(value: Decimal, currency: string): Fraction {
  const exponent = exponentOf(currency);
  if (value.scale <= exponent) return { n: value.coefficient * powerOfTen(exponent - value.scale), d: 1n };
  return { n: value.coefficient, d: powerOfTen(value.scale - exponent) };
}

/** A decimal in major units, rounded to minor units (rules M5). */
export function roundToMinor(value: Decimal, currency: string): bigint {
  const { n, d } = minorFraction(value, currency);
  return roundRatio(n, d);
}

/** `n/d` rounded half away from zero (rules M5). Throws RangeError for d = 0. */
export function roundRatio(n: bigint, d: bigint): bigint {
  if (d === 0n) throw new RangeError('division by zero');
  const negative = n < 0n !== d < 0n;
  const [top, bottom] = [n < 0n ? -n : n, d < 0n ? -d : d];
  const magnitude = bottom === 1n ? top : (2n * top + bottom) / (2n * bottom);
  return negative ? -magnitude : magnitude;
}

function floorDivide(n: bigint, d: bigint): bigint {
  const quotient = n / d;
  return n < 0n && quotient * d !== n ? quotient - 1n : quotient;
}

/**
 * Splits `total` in proportion to the weights by largest remainder, earlier position first (rules M6).
 * The shares always sum to the total; weights summing to 0 count as equal. A negative weight (an allowance of another
 * product) gets a share of the other sign. Throws RangeError without weights or when they sum below 0.
 */
export function allocate(total: bigint, weights: readonly bigint[]): bigint[] {
  const given = weights.reduce((all, weight) => all + weight, 0n);
  if (weights.length === 0 || given < 0n) throw new RangeError('nothing to allocate to');
  const sum = given === 0n ? BigInt(weights.length) : given;
  const magnitude = total < 0n ? -total : total;
  const parts = weights.map((weight, position) => {
    const product = magnitude * (given === 0n ? 1n : weight);
    const share = floorDivide(product, sum);
    return { position, share, remainder: product - share * sum };
  });
  const missing = Number(magnitude - parts.reduce((all, part) => all + part.share, 0n));
  const byRemainder = parts.toSorted((a, b) =>
    a.remainder === b.remainder ? a.position - b.position : a.remainder > b.remainder ? -1 : 1,
  );
  for (const part of byRemainder.slice(0, missing)) part.share += 1n;
  return parts.map(({ share }) => (total < 0n ? -share : share));
}

/** Throws AppError `currency_mismatch` unless both currencies are the same (rules M8). */
export function sameCurrency(a: string, b: string): void {
  if (a !== b) throw refuse('currency_mismatch', `Amounts in ${a} and ${b} cannot be combined.`);
}
