import { exponentOf } from '../../platform/money.ts';
import { UnitError } from '../provider.ts';

/** Minor units -> the integer LemonSqueezy expects; only the currency of the account. Throws UnitError. */
export function lemonsqueezyUnits(minor: bigint, currency: string, accountCurrency: string): bigint {
  exponentOf(currency);
  if (currency !== accountCurrency) throw new UnitError(`the LemonSqueezy account takes ${accountCurrency} only`);
  return minor;
}
