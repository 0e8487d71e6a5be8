import { roundRatio } from '../../platform/money.ts';
import type { DiscountInput } from './discounts.ts';
import { fullPrice } from './full-price.ts';
import type { Charge } from './lines.ts';
import { type BillingCycle, CYCLE_MONTHS } from './prices.ts';

/** An attached discount with the duration of its coupon. */
export type MrrDiscount = DiscountInput & { readonly duration: 'once' | 'repeating' | 'forever' };

/** Monthly part of a full price in minor units (rules R2). */
export function monthlyAmount(full: bigint, cycle: BillingCycle): bigint {
  return roundRatio(full, BigInt(CYCLE_MONTHS[cycle]));
}

/**
 * MRR of a subscription in minor units (rules R2): its advance price for the current period less the repeating and
 * forever discounts covering it, per month; 0 unless active or past_due. `charge` is that of the current period.
 */
export function subscriptionMrr(status: string, charge: Charge, discounts: readonly MrrDiscount[]): bigint {
  if (status !== 'active' && status !== 'past_due') return 0n;
  const counting = discounts.filter((discount) => discount.duration !== 'once');
  return monthlyAmount(fullPrice(charge, counting), charge.billingCycle);
}
