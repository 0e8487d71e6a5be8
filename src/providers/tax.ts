import { compare, type Decimal, decimal, signOf } from '../platform/decimal.ts';
import { roundRatio } from '../platform/money.ts';
import type { OutboundRequest } from '../platform/outbound.ts';

/** What a provider is asked about; texts upper case, absent ones empty. */
export interface Question {
  readonly country: string;
  readonly state: string;
  /** Five digits, and only in the United States, where the rate depends on it. */
  readonly zip: string;
  readonly category: string;
}

/** A rate that a provider gave: a fraction, on top of the price. */
export interface Rate {
  readonly taxName: string;
  readonly rate: Decimal;
}

/** How one external provider is asked for the rate of a place, and how its answer is read. */
export interface TaxCapability {
  readonly title: string;
  /** The member of the settings (`section.member`) with the key that it is asked with. */
  readonly key: string;
  request(question: Question, access: Access): Pick<OutboundRequest, 'url' | 'headers' | 'body'>;
  /** Throws RangeError for whatever is not the expected answer. */
  read(body: unknown, question: Question): Rate;
}

export interface Access {
  readonly url: string;
  readonly secret: string;
  readonly timeoutMs: number;
  /** Names this one call, so that a provider that sees it twice does its work once. */
  readonly id: string;
}

/** No sales tax takes more than half: beyond, the answer is in another unit than it says. */
const HALF = decimal(5n, 1);
const DECIMALS = 6;

/**
 * The rate on the whole price when only `taxable` of `total` is taxed; at most 6 decimals, as rates are told (contract 1.4).
 * Throws RangeError when it cannot be a tax rate.
 */
export function effectiveRate(rate: Decimal, taxable: Decimal, total: Decimal): Decimal {
  const [n, d] = [rate.coefficient * taxable.coefficient, total.coefficient];
  if (d <= 0n || signOf(taxable) < 0 || compare(taxable, total) > 0)
    throw new RangeError('taxed is more than there is');
  const scale = rate.scale + taxable.scale - total.scale;
  const shift = 10n ** BigInt(Math.abs(DECIMALS - scale));
  const [top, bottom] = DECIMALS >= scale ? [n * shift, d] : [n, d * shift];
  return checkRate(decimal(roundRatio(top, bottom), DECIMALS));
}

/** Throws RangeError. */
export function checkRate(rate: Decimal): Decimal {
  if (signOf(rate) < 0 || compare(rate, HALF) > 0) throw new RangeError('is not a tax rate');
  return rate;
}

/** Helpers of the readers: an expected member, or RangeError. */
export function objectOf(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new RangeError('is no object');
  return value as Record<string, unknown>;
}

export function listOf(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw new RangeError('is no list');
  return value;
}

export function textOf(value: unknown): string {
  if (typeof value !== 'string') throw new RangeError('is no text');
  return value;
}
