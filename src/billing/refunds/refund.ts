import type { Instant } from '../../platform/calendar.ts';
import type { Payment } from '../payments/payment.ts';
import { type ReversalState, reversibleGross } from '../pricing/reversal.ts';

export type RefundDestination = 'original' | 'credit';
export type RefundStatus = 'pending' | 'completed' | 'failed';

/** Amounts are minor units of `currency`; `amount` = applied part + excess part (rules K6). */
export interface Refund {
  id: string;
  paymentId: string;
  invoiceId: string;
  customerId: string;
  amount: bigint;
  /** Taken back of what settled the invoice. */
  appliedPart: bigint;
  /** Taken back of the overpayment, from the credit balance. */
  excessPart: bigint;
  /** Tax in the applied part (rules K4). */
  taxAmount: bigint;
  currency: string;
  destination: RefundDestination;
  status: RefundStatus;
  reason: string;
  providerReference: string | null;
  failureReason: string | null;
  processedAt: Instant | null;
  createdAt: Instant;
  updatedAt: Instant;
}

export interface RefundParts {
  applied: bigint;
  excess: bigint;
}

const smallest = (first: bigint, ...rest: bigint[]): bigint => rest.reduce((a, b) => (b < a ? b : a), first);

/** The most that can be refunded of a payment: pending refunds count as done (rules K6). Minor units. */
export function refundable(
  payment: Payment,
  invoice: ReversalState,
  destination: RefundDestination,
  balance: bigint,
): RefundParts {
  const excess = destination === 'credit' ? 0n : smallest(payment.creditedAmount - payment.refundedExcess, balance);
  return { applied: smallest(payment.appliedAmount - payment.refundedApplied, reversibleGross(invoice)), excess };
}

/** Splits a refund: the excess first. Undefined when it is more than can be refunded. */
export function splitRefund(amount: bigint, most: RefundParts): RefundParts | undefined {
  const excess = smallest(amount, most.excess);
  const applied = amount - excess;
  return applied <= most.applied ? { applied, excess } : undefined;
}
