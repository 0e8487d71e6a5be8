import type { Db } from '../../platform/db/connect.ts';
import { refuse } from '../../platform/errors.ts';
import type { Work } from '../../platform/work.ts';
import { type Coupon, type Redemption, refuseRedemption } from './coupon.ts';
import * as store from './store.ts';

/** A code somebody wants to redeem; the coupon, when there is one, is locked. */
export interface CouponClaim {
  coupon: Coupon | undefined;
}

/**
 * Locks the coupon of a code. It comes before every other lock of the request: invoices that are issued on the way take
 * number counters, and nobody may wait for a coupon while holding one (rules X3).
 */
export const claimCoupon = async (db: Db, code: string): Promise<CouponClaim> => ({
  coupon: await store.lockCouponByCode(db, code),
});

/**
 * Redeems a claimed coupon: every check of rules D2, the last of them one with the count. Throws AppError
 * `validation_error`, `coupon_expired`, `currency_mismatch`, `already_exists`, `coupon_usage_exceeded`.
 */
export async function redeemCoupon(work: Work, claim: CouponClaim, redemption: Redemption): Promise<Coupon> {
  const coupon = refuseRedemption(claim.coupon, redemption, work.now);
  if (!(await store.countRedemption(work.db, coupon.id, work.now)))
    throw refuse('coupon_usage_exceeded', 'The coupon has been redeemed as often as it may be.');
  return coupon;
}
