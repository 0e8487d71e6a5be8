import type { Instant } from '../../platform/calendar.ts';
import { compare, type Decimal, decimal, signOf } from '../../platform/decimal.ts';
import { roundRatio } from '../../platform/money.ts';
import { type TaxInput, type TaxPlace, taxKey } from '../pricing/tax.ts';

export const QUOTE_DAYS = 90;

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

/** A rate as it is kept (rules V4). */
export interface Quote extends Rate {
  readonly question: Question;
  readonly provider: string;
  readonly fetchedAt: Instant;
}

/** The question about a place; undefined without a country, about which nobody can be asked (rules V3). */
export function questionOf(place: TaxPlace): Question | undefined {
  const country = taxKey(place.country);
  if (country === null) return undefined;
  const [state, category] = [taxKey(place.state) ?? '', place.category ?? ''];
  if (country !== 'US') return { country, state, zip: '', category };
  const zip = /^(\d{5})(-?\d{4})?$/.exec(place.zip?.trim() ?? '')?.[1];
  if (zip !== undefined) return { country, state, zip, category };
  // written into the state it is the ZIP code all the same: equal regions are equal questions
  const [, name = state, tail = ''] = /^(.*?) *(\d{5})$/.exec(state) ?? [];
  return { country, state: name, zip: tail, category };
}

/** The region of the cache: the state, in the United States with the ZIP code (`CA 94103`). */
export const regionOf = ({ state, zip }: Question): string => `${state} ${zip}`.trim();

export const keyOf = (question: Question): string =>
  JSON.stringify([question.country, regionOf(question), question.category]);

export const taxOfQuote = ({ taxName, rate, provider, fetchedAt }: Quote): TaxInput => ({
  id: null,
  name: taxName,
  rate,
  inclusive: false,
  quote: { provider, fetchedAt },
});

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
