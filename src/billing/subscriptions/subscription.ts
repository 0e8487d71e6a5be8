import type { Instant } from '../../platform/calendar.ts';
import type { Decimal } from '../../platform/decimal.ts';
import type { BillingCycle } from '../pricing/prices.ts';

export type SubscriptionStatus = 'trialing' | 'active' | 'paused' | 'past_due' | 'canceled';
export type PauseReason = 'requested' | 'dunning';
export type CancelReason = 'requested' | 'period_end' | 'dunning' | 'provider';
/** Whose word a change is: of a caller who sees every row, or of one who is narrowed to a customer's (rules S15). */
export type Authority = 'operator' | 'customer';

/** What is sold: a price version, how many, for how long at a time. */
export interface Terms {
  planId: string;
  planVersionId: string;
  quantity: number;
  billingCycle: BillingCycle;
}

/** Terms that wait for the end of the period (rules Q3). */
export interface ScheduledTerms extends Terms {
  /** The change named no quantity: it takes that of the subscription. Absent in old rows: it did if they were equal. */
  followsQuantity?: boolean;
}

export interface Subscription extends Terms {
  id: string;
  customerId: string;
  status: SubscriptionStatus;
  currency: string;
  /** Period k is [addMonths(anchorAt, k·m), addMonths(anchorAt, (k+1)·m)) (rules T5). */
  anchorAt: Instant;
  periodIndex: number;
  currentPeriodStart: Instant;
  currentPeriodEnd: Instant;
  trialEnd: Instant | null;
  /** When the trial notice is due; null when it was sent or there is none. */
  trialNoticeAt: Instant | null;
  cancelAtPeriodEnd: boolean;
  /** Who set cancelAtPeriodEnd; null where nobody did, or it is not known (rules S15). */
  endingBy: Authority | null;
  canceledAt: Instant | null;
  cancelReason: CancelReason | null;
  pausedAt: Instant | null;
  pauseReason: PauseReason | null;
  /** Who asked for the pause; null for dunning's, and where it is not known (rules S15). */
  pausedBy: Authority | null;
  /** Waits for the end of the period; the price version is that of the day it was asked for (rules Q3). */
  pendingChange: ScheduledTerms | null;
  preRenewalInvoiceDays: number;
  managedBy: string | null;
  /** The coupon redeemed at creation. */
  couponCode: string | null;
  nextActionAt: Instant | null;
  /** Failed tries in a row of the present due action (rules S12). */
  errorCount: number;
  lastError: string | null;
  metadata: Record<string, unknown>;
  version: number;
  createdAt: Instant;
  updatedAt: Instant;
}

export type PeriodKind = 'advance' | 'usage';
export type PeriodState = 'pending' | 'invoiced' | 'skipped' | 'waived';

/** One row of billing_periods: the charge of one kind for one period, unique per start (rules S4). */
export interface BillingPeriod {
  id: string;
  subscriptionId: string;
  kind: PeriodKind;
  periodStart: Instant;
  periodEnd: Instant;
  dueAt: Instant;
  state: PeriodState;
  reason: string | null;
  planVersionId: string;
  quantity: number;
  invoiceId: string | null;
  /** Of a usage row: since when the usage of its metric fills its tiers; null = since its own start (rules U8). */
  tiersFrom: Instant | null;
  /** What the customer was billed for the rest of the current period (rules S9), minor units. */
  inForceFrom: Instant | null;
  inForceNet: bigint | null;
  /** What persons had given back of it when the last change took effect: it is not counted again (rules Q13). */
  givenBackBefore: bigint;
  /** Of a usage row that is invoiced or skipped: what was billed of it so far, minor units (rules U7). */
  billedQuantity: Decimal | null;
  billedAmount: bigint | null;
  /** The amount less its share of the discounts. */
  billedNet: bigint | null;
  /** An event was added or voided after it was billed; it is to be rated again (rules U6). */
  dirty: boolean;
  createdAt: Instant;
}

/** active and past_due are billed and renewed alike (rules S3). */
export const isBilled = (status: SubscriptionStatus): boolean => status === 'active' || status === 'past_due';
