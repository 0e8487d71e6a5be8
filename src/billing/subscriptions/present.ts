import type { Subscription as Shown, SubscriptionDiscount as ShownDiscount } from '../../../generated/types.gen.ts';
import type { Db } from '../../platform/db/connect.ts';
import { notFound } from '../../platform/errors.ts';
import type { Scope } from '../../platform/http/principal.ts';
import { formatValue } from '../coupons/discount-terms.ts';
import type { PlanVersion } from '../plans/plan.ts';
import { loadPlanVersions } from '../plans/store.ts';
import { isRunning, remainingCycles, type SubscriptionDiscount } from './lifecycle/discount.ts';
import { loadDiscounts } from './store/discounts.ts';
import { findSubscription, listSubscriptions, type NamedSubscription } from './store/subscriptions.ts';
import type { Subscription, Terms } from './subscription.ts';

/** The API shape; of all its discounts the running ones are shown. */
const presentSubscription = (
  sub: NamedSubscription,
  discounts: SubscriptionDiscount[],
  planNames: Map<string, string>,
): Shown => ({
  id: sub.id,
  customerId: sub.customerId,
  customerName: sub.customerName,
  planId: sub.planId,
  planName: sub.planName,
  planVersion: sub.planVersion,
  status: sub.status,
  billingCycle: sub.billingCycle,
  currency: sub.currency,
  quantity: sub.quantity,
  currentPeriodStart: sub.currentPeriodStart,
  currentPeriodEnd: sub.currentPeriodEnd,
  cancelAtPeriodEnd: sub.cancelAtPeriodEnd,
  trialEnd: sub.trialEnd,
  couponCode: sub.couponCode,
  discounts: discounts.filter((one) => isRunning(one, sub)).map((one) => presentDiscount(one, sub)),
  preRenewalInvoiceDays: sub.preRenewalInvoiceDays,
  pendingChange: sub.pendingChange && presentPending(sub.pendingChange, sub, planNames),
  metadata: sub.metadata as Shown['metadata'],
  managedBy: sub.managedBy as Shown['managedBy'],
  pauseReason: sub.pauseReason,
  pausedAt: sub.pausedAt,
  canceledAt: sub.canceledAt,
  version: sub.version,
  createdAt: sub.createdAt,
  updatedAt: sub.updatedAt,
});

const presentPending = (pending: Terms, sub: Subscription, planNames: Map<string, string>): Shown['pendingChange'] => ({
  planId: pending.planId,
  planName: planNames.get(pending.planVersionId)!,
  billingCycle: pending.billingCycle,
  quantity: pending.quantity,
  effectiveAt: sub.currentPeriodEnd,
});

export function presentDiscount(discount: SubscriptionDiscount, sub: Subscription): ShownDiscount {
  const { id, subscriptionId, coupon, appliedAt, removedAt, endsAt } = discount;
  const left = remainingCycles(discount, sub);
  return {
    id,
    subscriptionId,
    couponId: coupon.id,
    couponCode: coupon.code,
    name: coupon.name,
    discountType: coupon.terms.type,
    discountValue: formatValue(coupon.terms),
    currency: coupon.terms.currency,
    duration: coupon.duration,
    remainingCycles: left,
    appliedAt,
    endedAt: removedAt ?? (left === 0 ? endsAt : null),
  };
}

/** How each of these subscriptions is presented; what that takes is read for all of them at once. */
export async function presenterOf(db: Db, subs: NamedSubscription[]): Promise<(sub: NamedSubscription) => Shown> {
  const discounts = await loadDiscounts(
    db,
    subs.map(({ id }) => id),
  );
  const pending = subs.flatMap(({ pendingChange }) => pendingChange?.planVersionId ?? []);
  const versions = pending.length > 0 ? await loadPlanVersions(db, pending) : new Map<string, PlanVersion>();
  const planNames = new Map([...versions].map(([id, { planName }]) => [id, planName]));
  return (sub) => presentSubscription(sub, discounts.get(sub.id) ?? [], planNames);
}

/** Throws AppError `not_found`. */
export async function presentOne({ db, scope }: { db: Db; scope: Scope }, id: string): Promise<Shown> {
  const sub = await findSubscription(db, scope, id);
  if (!sub) throw notFound('subscription');
  return (await presenterOf(db, [sub]))(sub);
}

/** The newest subscriptions of a customer, in all states. */
export async function listCustomerSubscriptions(db: Db, customerId: string, limit: number): Promise<Shown[]> {
  const rows = await listSubscriptions(db, customerId, {}, { limit, after: undefined });
  const present = await presenterOf(db, rows);
  return rows.slice(0, limit).map(present);
}
