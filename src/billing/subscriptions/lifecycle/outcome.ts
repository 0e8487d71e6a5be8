import type { BillingCustomer } from '../../../customers/billing-customers.ts';
import type { Instant } from '../../../platform/calendar.ts';
import type { NewEvent, Work } from '../../../platform/work.ts';
import type { CreditNote } from '../../credit-notes/credit-note.ts';
import type { InvoiceOrigin } from '../../invoices/invoice.ts';
import type { IssuedInvoice } from '../../invoices/issue.ts';
import type { PlanVersion } from '../../plans/plan.ts';
import type { Charge, LineInput } from '../../pricing/lines.ts';
import type { GivenBack } from '../../pricing/proration.ts';
import type { BillingPeriod, Subscription, Terms } from '../subscription.ts';
import type { SubscriptionDiscount } from './discount.ts';
import { planPeriods, termsAt, type UsageStart } from './periods.ts';
import { tiersFrom } from './tiers-from.ts';

/** Period rows that go on one invoice. */
export interface Bill {
  periods: BillingPeriod[];
  /** Usage rows billed before that are rated again with it (rules U7). */
  rerated: BillingPeriod[];
  /** What a change within a period charges instead (rules Q4). */
  lines?: LineInput[];
  origin: InvoiceOrigin;
  /** Issued before the period it bills begins (rules S8). */
  preGenerated: boolean;
}

/**
 * One subscription while it is worked on: transitions change it in memory, `writeOutcomes` writes many at once.
 * The row is locked for as long as the outcome lives.
 */
export interface Outcome {
  readonly before: Subscription;
  readonly sub: Subscription;
  readonly customer: BillingCustomer;
  readonly versions: Map<string, PlanVersion>;
  /** It has no row yet. */
  isNew: boolean;
  /** The rows as they shall be. */
  periods: BillingPeriod[];
  /** The rows as they are stored, by id. */
  readonly stored: Map<string, BillingPeriod>;
  /** Every discount it ever had, in the order of attachment; a new one is added at the end (rules D). */
  readonly discounts: SubscriptionDiscount[];
  readonly discountsBefore: readonly SubscriptionDiscount[];
  /** Future periods whose invoice is taken back (rules Q9). */
  withdrawn: BillingPeriod[];
  /** Of the invoices that billed what is in force now; read when the terms are changed (rules Q13). */
  givenBack: GivenBack[];
  /** The change of its terms that takes effect in this work. */
  change: TermsChange | null;
  bills: Bill[];
  /** A new period began by renewal: `subscription.renewed` names the invoice that bills it. */
  renewed: boolean;
  /** What happened, besides what follows from the changed members. */
  events: NewEvent[];
  cause: string;
}

/** A change of plan, quantity or cycle that has taken effect (rules Q1-Q7); amounts in minor units without tax. */
export interface TermsChange {
  readonly at: Instant;
  readonly before: Terms;
  /** What the customer had been billed for the time that is left: the credit of the change. */
  readonly unused: bigint;
  /** What the time that is left costs now; the full price of the new period after a change of cycle. */
  readonly remaining: bigint;
  /** Both sides as lines; after a change of cycle only the credit, as the invoice has lines of its own. */
  readonly lines: LineInput[];
  /** To be credited on the invoices that billed `row` (rules Q6); 0 when an invoice takes it in. */
  readonly reverse: bigint;
  /** The current advance row as it was; null in a trial and at a boundary. */
  readonly row: BillingPeriod | null;
  /** What bills the change; null when nothing is charged. */
  readonly bill: Bill | null;
  /** `subscription.plan_changed` at its place among the events; its data are written when the documents are. */
  readonly event: NewEvent;
  /** The documents, once they are issued. */
  invoice: IssuedInvoice | null;
  creditNotes: CreditNote[];
}

/** A subscription as it is: nothing is decided yet. */
export function newOutcome(
  sub: Subscription,
  customer: BillingCustomer,
  versions: Map<string, PlanVersion>,
  periods: BillingPeriod[],
  discounts: SubscriptionDiscount[] = [],
): Outcome {
  return {
    before: { ...sub, metadata: structuredClone(sub.metadata) },
    sub,
    customer,
    versions,
    isNew: false,
    periods,
    stored: new Map(periods.map((row) => [row.id, { ...row }])),
    discounts,
    discountsBefore: discounts.map((discount) => ({ ...discount })),
    withdrawn: [],
    givenBack: [],
    change: null,
    bills: [],
    renewed: false,
    events: [],
    cause: '',
  };
}

export const versionOf = (outcome: Outcome): PlanVersion => outcome.versions.get(outcome.sub.planVersionId)!;

type Span = Pick<Charge, 'periodStart' | 'periodEnd' | 'billingPeriodId'>;
function charge({ versions, sub }: Outcome, terms: Omit<Terms, 'planId'>, span: Span): Charge {
  const version = versions.get(terms.planVersionId)!;
  return {
    plan: { id: version.planId, name: version.planName, productId: version.productId },
    planVersionId: version.id,
    price: version.price,
    currency: sub.currency,
    quantity: terms.quantity,
    billingCycle: terms.billingCycle,
    ...span,
  };
}

/** What a period row charges: the price version, quantity and dates of the row (rules U5, S8). */
export function chargeOf(outcome: Outcome, period: BillingPeriod): Charge {
  const { id: billingPeriodId, planVersionId, quantity, periodStart, periodEnd } = period;
  const { billingCycle } = termsAt(outcome.sub, periodStart);
  return charge(outcome, { planVersionId, quantity, billingCycle }, { periodStart, periodEnd, billingPeriodId });
}

/** What the subscription as it is (or was) charges for its current period. */
export const currentCharge = (outcome: Outcome, sub: Subscription): Charge =>
  charge(outcome, sub, { periodStart: sub.currentPeriodStart, periodEnd: sub.currentPeriodEnd });

/** Brings the pending rows in line with the present state (rules S4, S6). */
export function replan(outcome: Outcome, work: Work): void {
  const usage = isUsageBased(versionOf(outcome)) ? usageStart(outcome) : null;
  outcome.periods = planPeriods(outcome.sub, outcome.periods, usage, (row) => ({
    ...row,
    id: work.newId(),
    subscriptionId: outcome.sub.id,
    state: 'pending',
    reason: null,
    invoiceId: null,
    inForceFrom: null,
    inForceNet: null,
    givenBackBefore: 0n,
    billedQuantity: null,
    billedAmount: null,
    billedNet: null,
    dirty: false,
    createdAt: work.now,
  }));
}

/** Forgets a pending row (rules S4). */
export function remove(outcome: Outcome, row: BillingPeriod): void {
  outcome.periods = outcome.periods.filter((other) => other !== row);
}

export const isUsageBased = ({ price }: PlanVersion): boolean => price.pricingModel === 'usage_based';

/** Where the usage begins that is billed at the end of the current period: its start, or the last change (rules Q7). */
function usageStart(outcome: Outcome): UsageStart {
  const { sub, periods, change } = outcome;
  const { currentPeriodStart: start, currentPeriodEnd: end } = sub;
  const open = periods.find((row) => row.kind === 'usage' && row.periodStart >= start && row.periodEnd >= end);
  const from = open?.periodStart ?? (change !== null && change.at > start && change.at < end ? change.at : start);
  return { from, tiersFrom: tiersFrom(outcome, from) };
}

export const emit = (outcome: Outcome, type: string, data: Record<string, unknown>): void => {
  const { id, customerId, planId } = outcome.sub;
  outcome.events.push({
    type,
    customerId,
    resourceType: 'subscription',
    resourceId: id,
    data: { subscriptionId: id, customerId, planId, ...data },
  });
};
