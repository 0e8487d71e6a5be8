import { notFound } from '../../../platform/errors.ts';
import type { Handlers } from '../../../platform/http/operations.ts';
import { claimCoupon } from '../../coupons/redeem.ts';
import { withdrawNext } from '../lifecycle/bills.ts';
import type { SubscriptionDiscount } from '../lifecycle/discount.ts';
import { attachDiscount, coversNext, detachDiscount, requireDiscountable } from '../lifecycle/discounts.ts';
import { presentDiscount } from '../present.ts';
import { couponsOfCustomer } from '../store/discounts.ts';
import { changeSubscription } from './change.ts';

type Tag = Handlers<'subscriptions'>;

/** The next period changes with its discounts: an invoice it already has is withdrawn (rules D5, Q9). */
export const addSubscriptionDiscount: Tag['addSubscriptionDiscount'] = async ({ path, body }, context) => {
  const { db, scope } = context;
  const claim = await claimCoupon(db, body.couponCode);
  const taken = scope === null ? [] : await couponsOfCustomer(db, scope);
  let added: SubscriptionDiscount;
  const {
    unit: { sub },
  } = await changeSubscription(context, path.id, async ({ work }, unit) => {
    requireDiscountable(unit);
    added = await attachDiscount(unit, work, claim, { taken });
    if (coversNext(unit, added)) withdrawNext(unit);
  });
  return presentDiscount(added!, sub);
};

export const removeSubscriptionDiscount: Tag['removeSubscriptionDiscount'] = async ({ path }, context) => {
  await changeSubscription(context, path.id, async ({ work }, unit) => {
    const discount = unit.discounts.find(({ id }) => id === path.discountId);
    if (!discount) throw notFound('discount');
    if (discount.removedAt !== null) return;
    requireDiscountable(unit);
    if (coversNext(unit, discount)) withdrawNext(unit);
    detachDiscount(unit, work, discount);
  });
};
