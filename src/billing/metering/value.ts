import { type Decimal, decimal, powerOfTen } from '../../platform/decimal.ts';

const FRACTION_DIGITS = 12;
const FRACTION = powerOfTen(FRACTION_DIGITS);

/** A value as whole part and 10⁻¹² parts, both of its sign (rules §21). */
export function splitValue({ coefficient, scale }: Decimal): { whole: bigint; frac: bigint } {
  const scaled = coefficient * powerOfTen(FRACTION_DIGITS - scale);
  return { whole: scaled / FRACTION, frac: scaled % FRACTION };
}

/** The value of whole and 10⁻¹² parts, or of sums of them. */
export const joinValue = (whole: bigint, frac: bigint): Decimal => decimal(whole * FRACTION + frac, FRACTION_DIGITS);
