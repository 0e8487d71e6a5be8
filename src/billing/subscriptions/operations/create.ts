import type { BillingCustomer } from '../../../customers/billing-customers.ts';
import { addDays } from '../../../platform/calendar.ts';
import { invalid } from '../../../platform/errors.ts';
import { AmountError, checkAmount, formatMoney } from '../../../platform/money.ts';
import type { Work } from '../../../platform/work.ts';
import type { Billing } from '../../billing.ts';
import type { CouponClaim } from '../../coupons/redeem.ts';
import type { PlanVersion } from '../../plans/plan.ts';
import { advanceAmount, type Charge } from '../../pricing/lines.ts';
import { type BillingCycle, billsInAdvance, soldRatio } from '../../pricing/prices.ts';
import { currentCharge, newOutcome } from '../lifecycle/outcome.ts';
import { begin, trialNoticeAt } from '../lifecycle/transitions.ts';
import { type Saved, writeOutcomes } from '../store/write.ts';
import type { Subscription } from '../subscription.ts';
import { attachDiscount } from './attach.ts';

export interface NewSubscription {
  billingCycle: BillingCycle;
  quantity?: number | undefined;
  trialDays?: number | undefined;
  preRenewalInvoiceDays?: number | undefined;
  metadata?: Record<string, unknown> | undefined;
  /** Redeemed for it; its discount counts from the first paid period on. */
  coupon?: CouponClaim | undefined;
  /** Ids of coupons that may not be redeemed for it. */
  couponsTaken?: readonly string[] | undefined;
}

/** Sells a plan: the trial or the first period begins now, and what is due in advance is invoiced (rules S2, S6). */
export async function createSubscription(
  billing: Billing,
  customer: BillingCustomer,
  version: PlanVersion,
  asked: NewSubscription,
): Promise<Saved> {
  const { work } = billing;
  refuseUnsellable(version, asked);
  const trialDays = asked.trialDays ?? version.trialDays;
  const sub = bareSubscription(billing, customer, version, asked, trialDays);
  const outcome = newOutcome(sub, customer, new Map([[version.id, version]]), []);
  outcome.isNew = true;
  outcome.before.status = 'trialing'; // so that what it bills is new revenue
  outcome.cause = 'create';
  const amount = priceOf(currentCharge(outcome, sub));
  if (trialDays === 0) begin(outcome, work, work.now);
  if (asked.coupon) {
    const { coupon } = await attachDiscount(outcome, work, asked.coupon, {
      ahead: trialDays === 0 ? 0 : 1,
      taken: asked.couponsTaken,
    });
    outcome.sub.couponCode = coupon.code;
  }
  emitCreated(work, outcome.sub, version, billsInAdvance(version.price) ? amount : null);
  const [saved] = await writeOutcomes(billing, [outcome]);
  return saved!;
}

/** Throws AppError `validation_error` unless the plan is sold in that cycle and quantity (rules P5, S2). */
export function refuseUnsellable(
  version: PlanVersion,
  asked: Pick<NewSubscription, 'billingCycle' | 'quantity'>,
): void {
  const fields: Record<string, string> = {};
  if (soldRatio(version.price, asked.billingCycle) === undefined)
    fields.billingCycle = `a ${version.price.billingCycle} plan cannot be sold ${asked.billingCycle}`;
  if (version.price.pricingModel === 'usage_based' && (asked.quantity ?? 1) !== 1)
    fields.quantity = 'must be 1 for a usage_based plan';
  if (Object.keys(fields).length > 0) throw invalid(fields);
}

/** The advance price of one period; throws AppError `validation_error` when it is beyond what an invoice can hold. */
export function priceOf(charge: Charge): bigint {
  try {
    return checkAmount(advanceAmount(charge));
  } catch (error) {
    if (error instanceof AmountError) throw invalid({ quantity: `makes an amount that ${error.message}` });
    throw error;
  }
}

function bareSubscription(
  { work, settings }: Billing,
  customer: BillingCustomer,
  version: PlanVersion,
  asked: NewSubscription,
  trialDays: number,
): Subscription {
  const { now } = work;
  const trialEnd = trialDays > 0 ? addDays(now, trialDays) : null;
  return {
    id: work.newId(),
    customerId: customer.id,
    planId: version.planId,
    planVersionId: version.id,
    status: trialEnd ? 'trialing' : 'active',
    currency: version.currency,
    quantity: asked.quantity ?? 1,
    billingCycle: asked.billingCycle,
    anchorAt: now,
    periodIndex: 0,
    currentPeriodStart: now,
    currentPeriodEnd: trialEnd ?? now,
    trialEnd,
    trialNoticeAt: trialEnd && trialNoticeAt(trialEnd, settings.trialEndingNoticeDays, now),
    cancelAtPeriodEnd: false,
    endingBy: null,
    canceledAt: null,
    cancelReason: null,
    pausedAt: null,
    pauseReason: null,
    pausedBy: null,
    pendingChange: null,
    preRenewalInvoiceDays: asked.preRenewalInvoiceDays ?? settings.preRenewalInvoiceDays,
    managedBy: null,
    couponCode: null,
    nextActionAt: null,
    errorCount: 0,
    lastError: null,
    metadata: asked.metadata ?? {},
    version: 1,
    createdAt: now,
    updatedAt: now,
  };
}

function emitCreated(work: Work, sub: Subscription, version: PlanVersion, amount: bigint | null): void {
  work.emit({
    type: 'subscription.created',
    customerId: sub.customerId,
    resourceType: 'subscription',
    resourceId: sub.id,
    data: {
      subscriptionId: sub.id,
      customerId: sub.customerId,
      planId: sub.planId,
      planVersion: version.number,
      status: sub.status,
      billingCycle: sub.billingCycle,
      quantity: sub.quantity,
      amount: amount === null ? null : formatMoney(amount, sub.currency),
      currency: sub.currency,
      currentPeriodStart: sub.currentPeriodStart,
      currentPeriodEnd: sub.currentPeriodEnd,
      trialEnd: sub.trialEnd,
    },
  });
}
