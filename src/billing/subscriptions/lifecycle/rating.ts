import type { Decimal } from '../../../platform/decimal.ts';
import type { Charge } from '../../pricing/lines.ts';
import type { BillingPeriod } from '../subscription.ts';

/** What a usage row comes to by the events there are now. */
export interface Rating {
  charge: Charge;
  /** Of the aggregation; a negative one bills as 0 (rules U4). */
  quantity: Decimal;
  /** Minor units. */
  amount: bigint;
}
export type Ratings = ReadonlyMap<BillingPeriod, Rating>;

/** Minor units that are to be billed (above 0) or credited (below 0) of a row that was billed before (rules U7). */
export const differenceOf = (period: BillingPeriod, { amount }: Rating): bigint => amount - (period.billedAmount ?? 0n);
