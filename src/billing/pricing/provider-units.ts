import { type Decimal, formatDecimal } from '../../platform/decimal.ts';
import { decimalOfMinor, exponentOf } from '../../platform/money.ts';

/** The provider has no exact expression for the amount; the caller refuses before any call (rules M9, A6). */
export class UnitError extends Error {}

const STRIPE_TIMES_100 = new Set(['ISK', 'UGX']);
const STRIPE_LAST_DIGIT_ZERO = new Set(['BHD', 'JOD', 'KWD', 'OMR', 'TND']);
const XENDIT_WHOLE = new Set(['IDR', 'JPY', 'VND']);

/** Minor units -> the integer Stripe expects. Throws UnitError. */
export function stripeUnits(minor: bigint, currency: string): bigint {
  exponentOf(currency);
  if (STRIPE_TIMES_100.has(currency)) return minor * 100n;
  if (currency === 'MGA') {
    if (minor % 100n !== 0n) throw new UnitError('Stripe takes whole MGA only');
    return minor / 100n;
  }
  if (STRIPE_LAST_DIGIT_ZERO.has(currency) && minor % 10n !== 0n) {
    throw new UnitError(`Stripe takes at most 2 decimals for ${currency}`);
  }
  return minor;
}

/** Minor units -> the decimal number in major units Xendit expects, as exact text. Throws UnitError. */
export function xenditUnits(minor: bigint, currency: string): string {
  const value: Decimal = decimalOfMinor(minor, currency);
  if (XENDIT_WHOLE.has(currency) && value.scale > 0) throw new UnitError(`Xendit takes whole ${currency} only`);
  return formatDecimal(value);
}

/** Minor units -> the integer LemonSqueezy expects; only the currency of the account. Throws UnitError. */
export function lemonsqueezyUnits(minor: bigint, currency: string, accountCurrency: string): bigint {
  exponentOf(currency);
  if (currency !== accountCurrency) throw new UnitError(`the LemonSqueezy account takes ${accountCurrency} only`);
  return minor;
}

/** What Stripe reports -> our minor units: the inverse of stripeUnits. Throws UnitError for what we cannot express. */
export function fromStripeUnits(units: bigint, currency: string): bigint {
  exponentOf(currency);
  if (currency === 'MGA') return units * 100n;
  if (!STRIPE_TIMES_100.has(currency)) return units;
  if (units % 100n !== 0n) throw new UnitError(`${currency} has no decimals`);
  return units / 100n;
}
