import { type Decimal, formatDecimal } from '../../platform/decimal.ts';
import { decimalOfMinor } from '../../platform/money.ts';
import { UnitError } from '../provider.ts';

const WHOLE = new Set(['IDR', 'JPY', 'VND']);

/** Minor units -> the decimal number in major units Xendit expects, as exact text. Throws UnitError. */
export function xenditUnits(minor: bigint, currency: string): string {
  const value: Decimal = decimalOfMinor(minor, currency);
  if (WHOLE.has(currency) && value.scale > 0) throw new UnitError(`Xendit takes whole ${currency} only`);
  return formatDecimal(value);
}
