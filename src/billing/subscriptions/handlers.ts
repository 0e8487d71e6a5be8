import { loadBillingCustomers } from '../../customers/billing-customers.ts';
import { requireCustomer } from '../../customers/store.ts';
import { changesOf } from '../../platform/changes.ts';
import { conflict, notFound } from '../../platform/errors.ts';
import type { Context, Handlers } from '../../platform/http/operations.ts';
import { type PageRequest, paged, readPage } from '../../platform/http/pagination.ts';
import { openBilling } from '../billing.ts';
import { claimCoupon } from '../coupons/redeem.ts';
import { findSellablePlan } from '../plans/store.ts';
import type { Outcome } from './lifecycle/outcome.ts';
import { cancel, endTrial, pause, refuseCanceled, resume, setCancelAtPeriodEnd } from './lifecycle/transitions.ts';
import {
  authorityOf,
  checkOwnCreate,
  checkOwnUpdate,
  refuseResuming,
  refuseStaying,
  takeOver,
} from './operations/authority.ts';
import { changeSubscription } from './operations/change.ts';
import { changeSubscriptionPlan, previewSubscriptionPlanChange } from './operations/change-plan.ts';
import { createSubscription as sell } from './operations/create.ts';
import { addSubscriptionDiscount, removeSubscriptionDiscount } from './operations/discounts.ts';
import { changeQuantity } from './operations/terms.ts';
import { upcomingInvoice } from './operations/upcoming.ts';
import { presenterOf, presentOne } from './present.ts';
import { couponsOfCustomer } from './store/discounts.ts';
import { blockedSubscriptions } from './store/heal.ts';
import * as store from './store/subscriptions.ts';
import { takeTrial } from './store/trials.ts';

type Tag = Handlers<'subscriptions'>;

const listSubscriptions: Tag['listSubscriptions'] = async ({ query }, { db, scope }) => {
  const read = (step: PageRequest) => store.listSubscriptions(db, scope, query, step);
  const page = await readPage('subscriptions', query, { keyOf: ({ id }) => id, read });
  return paged(page, await presenterOf(db, page.rows));
};

const getSubscription: Tag['getSubscription'] = async ({ path }, { db, scope }) => presentOne({ db, scope }, path.id);

const createSubscription: Tag['createSubscription'] = async ({ body }, context) => {
  const { db, scope } = context;
  checkOwnCreate(scope, body);
  if (scope !== null && body.customerId !== scope) throw notFound('customer');
  const { couponCode, ...asked } = body;
  const coupon = couponCode == null ? undefined : await claimCoupon(db, couponCode);
  await requireCustomer(db, body.customerId);
  const customer = (await loadBillingCustomers(db, [body.customerId])).get(body.customerId);
  if (!customer) throw notFound('customer');
  const couponsTaken = coupon && scope !== null ? await couponsOfCustomer(db, scope) : [];
  const version = await findSellablePlan(db, body.planId);
  const trialDays = asked.trialDays ?? version.trialDays;
  const trial = { customerId: customer.id, productId: version.productId };
  const inTrial = trialDays > 0 && (await takeTrial(db, scope, trial, context.now));
  const billing = await openBilling(context);
  const sale = { ...asked, coupon, couponsTaken, trialDays: inTrial ? trialDays : 0 };
  const { outcome } = await sell(billing, customer, version, sale);
  context.audit({
    entityType: 'subscription',
    entityId: outcome.sub.id,
    changes: changesOf<object>({}, { ...outcome.sub }),
  });
  return presentOne(context, outcome.sub.id);
};

const updateSubscription: Tag['updateSubscription'] = async ({ path, body }, context) => {
  const { scope } = context;
  await changeSubscription(context, path.id, async (billing, outcome) => {
    const { sub } = outcome;
    const { status, ...others } = body;
    checkOwnUpdate(scope, body);
    refuseCanceled(outcome, body);
    if (others.cancelAtPeriodEnd === false) refuseStaying(scope, sub);
    takeOver(scope, sub, body);
    if (others.metadata !== undefined) sub.metadata = others.metadata;
    if (others.preRenewalInvoiceDays !== undefined) sub.preRenewalInvoiceDays = others.preRenewalInvoiceDays;
    if (others.cancelAtPeriodEnd !== undefined)
      setCancelAtPeriodEnd(outcome, billing.work, others.cancelAtPeriodEnd, authorityOf(scope));
    if (others.quantity !== undefined) await changeQuantity(outcome, billing.work, others.quantity);
    if (status !== undefined) await changeStatus(context, outcome, status);
  });
  return presentOne(context, path.id);
};

const cancelSubscription: Tag['cancelSubscription'] = async ({ path }, context) => {
  await changeSubscription(context, path.id, async ({ work }, outcome) => {
    if (outcome.sub.status !== 'canceled') cancel(outcome, work.now, 'requested');
  });
};

const getUpcomingInvoice: Tag['getUpcomingInvoice'] = ({ path }, context) => upcomingInvoice(context, path.id);

export const subscriptions: Tag = {
  listSubscriptions,
  getSubscription,
  createSubscription,
  updateSubscription,
  cancelSubscription,
  getUpcomingInvoice,
  changeSubscriptionPlan,
  previewSubscriptionPlanChange,
  addSubscriptionDiscount,
  removeSubscriptionDiscount,
  v1ListSubscriptions: listSubscriptions,
  v1GetSubscription: getSubscription,
  v1CreateSubscription: createSubscription,
  v1UpdateSubscription: updateSubscription,
  v1CancelSubscription: cancelSubscription,
  v1GetUpcomingInvoice: getUpcomingInvoice,
  v1ChangeSubscriptionPlan: changeSubscriptionPlan,
  v1PreviewSubscriptionPlanChange: previewSubscriptionPlanChange,
  v1AddSubscriptionDiscount: addSubscriptionDiscount,
  v1RemoveSubscriptionDiscount: removeSubscriptionDiscount,
};

/** The states a person can ask for (rules §8.1, S1); the present one is a no-op. */
async function changeStatus(context: Context, outcome: Outcome, asked: 'active' | 'paused' | 'canceled') {
  const { sub } = outcome;
  if (asked === sub.status) return;
  if (asked === 'canceled') return cancel(outcome, context.now, 'requested');
  if (sub.status === 'canceled') throw conflict('The subscription ends with its period, which is over.');
  if (asked === 'paused') return pause(outcome, context, 'requested', authorityOf(context.scope));
  if (sub.status === 'trialing') return endTrial(outcome, context);
  if (sub.status === 'past_due')
    throw conflict('A past due subscription becomes active when its invoices are settled.');
  refuseResuming(context.scope, sub);
  const blocked = await blockedSubscriptions(context.db, [sub.id]);
  resume(outcome, context, 'requested', blocked.has(sub.id));
}
