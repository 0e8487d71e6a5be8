import { notFound } from '../../../platform/errors.ts';
import type { Handlers } from '../../../platform/http/operations.ts';
import { claimCoupon } from '../../coupons/redeem.ts';
import { withdrawNext } from '../lifecycle/bills.ts';
import type { SubscriptionDiscount } from '../lifecycle/discount.ts';
import { coversNext, detachDiscount, requireDiscountable } from '../lifecycle/discounts.ts';
import { presentDiscount } from '../present.ts';
import { couponsOfCustomer } from '../store/discounts.ts';
import { attachDiscount } from './attach.ts';
import { changeSubscription } from './change.ts';

type Tag = Handlers<'subscriptions'>;

/** The next period changes with its discounts: an invoice it already has is withdrawn (rules D5, Q9). */
export const addSubscriptionDiscount: Tag['addSubscriptionDiscount'] = async ({ path, body }, context) => {
  const { db, scope } = context;
  const claim = await claimCoupon(db, body.couponCode);
  const taken = scope === null ? [] : await couponsOfCustomer(db, scope);
  let added: SubscriptionDiscount;
  const {
    outcome: { sub },
  } = await changeSubscription(context, path.id, async ({ work }, outcome) => {
    requireDiscountable(outcome);
    added = await attachDiscount(outcome, work, claim, { taken });
    if (coversNext(outcome, added)) withdrawNext(outcome);
  });
  return presentDiscount(added!, sub);
};

export const removeSubscriptionDiscount: Tag['removeSubscriptionDiscount'] = async ({ path }, context) => {
  await changeSubscription(context, path.id, async ({ work }, outcome) => {
    const discount = outcome.discounts.find(({ id }) => id === path.discountId);
    if (!discount) throw notFound('discount');
    if (discount.removedAt !== null) return;
    requireDiscountable(outcome);
    if (coversNext(outcome, discount)) withdrawNext(outcome);
    detachDiscount(outcome, work, discount);
  });
};
