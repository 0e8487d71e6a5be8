import { exponentOf } from '../../platform/money.ts';
import { UnitError } from '../provider.ts';

const TIMES_100 = new Set(['ISK', 'UGX']);
const LAST_DIGIT_ZERO = new Set(['BHD', 'JOD', 'KWD', 'OMR', 'TND']);

/** Minor units -> the integer Stripe expects. Throws UnitError. */
export function stripeUnits(minor: bigint, currency: string): bigint {
  exponentOf(currency);
  if (TIMES_100.has(currency)) return minor * 100n;
  if (currency === 'MGA') {
    if (minor % 100n !== 0n) throw new UnitError('Stripe takes whole MGA only');
    return minor / 100n;
  }
  if (LAST_DIGIT_ZERO.has(currency) && minor % 10n !== 0n) {
    throw new UnitError(`Stripe takes at most 2 decimals for ${currency}`);
  }
  return minor;
}

/** What Stripe reports -> our minor units: the inverse of stripeUnits. Throws UnitError for what we cannot express. */
export function fromStripeUnits(units: bigint, currency: string): bigint {
  exponentOf(currency);
  if (currency === 'MGA') return units * 100n;
  if (!TIMES_100.has(currency)) return units;
  if (units % 100n !== 0n) throw new UnitError(`${currency} has no decimals`);
  return units / 100n;
}
