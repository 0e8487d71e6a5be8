import { type BillingCustomer, loadBillingCustomers } from '../../customers/billing-customers.ts';
import type { NewEvent, Work } from '../../platform/work.ts';
import type { InvoiceOrigin } from '../invoices/invoice.ts';
import type { PlanVersion } from '../plans/plan.ts';
import { loadPlanVersions } from '../plans/store.ts';
import type { Charge } from '../pricing/lines.ts';
import type { SubscriptionDiscount } from './discount.ts';
import { loadDiscounts } from './discount-store.ts';
import { planPeriods } from './periods.ts';
import * as store from './store.ts';
import type { BillingPeriod, Subscription } from './subscription.ts';

/** Period rows that go on one invoice. */
export interface Bill {
  periods: BillingPeriod[];
  origin: InvoiceOrigin;
  /** Issued before the period it bills begins (rules S8). */
  preGenerated: boolean;
}

/**
 * One subscription while it is worked on: transitions change it in memory, `saveUnits` writes many at once.
 * The row is locked for as long as the unit lives.
 */
export interface SubscriptionUnit {
  readonly before: Subscription;
  readonly sub: Subscription;
  readonly customer: BillingCustomer;
  readonly versions: Map<string, PlanVersion>;
  periods: BillingPeriod[];
  /** Every discount it ever had, in the order of attachment; a new one is added at the end (rules D). */
  readonly discounts: SubscriptionDiscount[];
  readonly discountsBefore: readonly SubscriptionDiscount[];
  inserted: BillingPeriod[];
  updated: Set<BillingPeriod>;
  removed: BillingPeriod[];
  /** Facts whose end moved with the periods (rules Q11). */
  resized: BillingPeriod[];
  /** Future periods whose charge is taken back (rules Q9). */
  withdrawn: BillingPeriod[];
  bills: Bill[];
  /** A new period began by renewal: `subscription.renewed` names the invoice that bills it. */
  renewed: boolean;
  /** What happened, besides what follows from the changed members. */
  events: NewEvent[];
  cause: string;
}

/** Loads what the units need in a constant number of statements. The rows must be locked already. */
export async function loadUnits(work: Work, subs: Subscription[]): Promise<SubscriptionUnit[]> {
  const periods = await store.loadPeriods(
    work.db,
    subs.map(({ id }) => id),
  );
  const customers = await loadBillingCustomers(
    work.db,
    subs.map(({ customerId }) => customerId),
  );
  const versionIds = new Set([...subs, ...periods].map(({ planVersionId }) => planVersionId));
  const versions = await loadPlanVersions(work.db, [...versionIds]);
  const discounts = await loadDiscounts(
    work.db,
    subs.map(({ id }) => id),
  );
  const bySubscription = Map.groupBy(periods, ({ subscriptionId }) => subscriptionId);
  return subs.map((sub) => {
    const customer = customers.get(sub.customerId)!;
    return newUnit(sub, customer, versions, bySubscription.get(sub.id) ?? [], discounts.get(sub.id));
  });
}

export function newUnit(
  sub: Subscription,
  customer: BillingCustomer,
  versions: Map<string, PlanVersion>,
  periods: BillingPeriod[],
  discounts: SubscriptionDiscount[] = [],
): SubscriptionUnit {
  return {
    before: structuredClone(sub),
    sub,
    customer,
    versions,
    periods,
    discounts,
    discountsBefore: discounts.map((discount) => ({ ...discount })),
    inserted: [],
    updated: new Set(),
    removed: [],
    resized: [],
    withdrawn: [],
    bills: [],
    renewed: false,
    events: [],
    cause: '',
  };
}

export const versionOf = (unit: SubscriptionUnit): PlanVersion => unit.versions.get(unit.sub.planVersionId)!;

/** What a period row charges: the price version, quantity and dates of the row (rules U5, S8). */
export function chargeOf(unit: SubscriptionUnit, period: BillingPeriod): Charge {
  const version = unit.versions.get(period.planVersionId)!;
  return {
    plan: { id: version.planId, name: version.planName, productId: version.productId },
    planVersionId: version.id,
    price: version.price,
    currency: unit.sub.currency,
    quantity: period.quantity,
    billingCycle: unit.sub.billingCycle,
    periodStart: period.periodStart,
    periodEnd: period.periodEnd,
    billingPeriodId: period.id,
  };
}

/** What the subscription as it is (or was) charges for its current period. */
export function currentCharge(unit: SubscriptionUnit, sub: Subscription): Charge {
  const version = unit.versions.get(sub.planVersionId)!;
  return {
    plan: { id: version.planId, name: version.planName, productId: version.productId },
    planVersionId: version.id,
    price: version.price,
    currency: sub.currency,
    quantity: sub.quantity,
    billingCycle: sub.billingCycle,
    periodStart: sub.currentPeriodStart,
    periodEnd: sub.currentPeriodEnd,
  };
}

/** Brings the pending rows in line with the present state (rules S4, S6). */
export function replan(unit: SubscriptionUnit, work: Work): void {
  const usageBased = versionOf(unit).price.pricingModel === 'usage_based';
  const plan = planPeriods(unit.sub, unit.periods, usageBased, (row) => ({
    ...row,
    id: work.newId(),
    subscriptionId: unit.sub.id,
    state: 'pending',
    reason: null,
    invoiceId: null,
    inForceFrom: null,
    inForceNet: null,
    createdAt: work.now,
  }));
  unit.periods = plan.rows;
  unit.inserted.push(...plan.insert);
  for (const row of plan.update) unit.updated.add(row);
  for (const row of plan.remove) {
    unit.updated.delete(row);
    const at = unit.inserted.indexOf(row);
    if (at >= 0) unit.inserted.splice(at, 1);
    else unit.removed.push(row);
  }
}

export const emit = (unit: SubscriptionUnit, type: string, data: Record<string, unknown>): void => {
  const { id, customerId, planId } = unit.sub;
  unit.events.push({
    type,
    customerId,
    resourceType: 'subscription',
    resourceId: id,
    data: { subscriptionId: id, customerId, planId, ...data },
  });
};
