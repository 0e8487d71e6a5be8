import type { Instant } from '../../platform/calendar.ts';
import type { PaymentMethodCode } from '../../providers/methods.ts';

export type PaymentStatus = 'succeeded' | 'pending' | 'failed' | 'unknown';

/** Amounts are minor units of `currency`. */
export interface Payment {
  id: string;
  invoiceId: string;
  customerId: string;
  method: PaymentMethodCode;
  status: PaymentStatus;
  amount: bigint;
  currency: string;
  /** The part that settled the invoice. */
  appliedAmount: bigint;
  /** The overpayment that went to the credit balance. */
  creditedAmount: bigint;
  /** Completed refunds. */
  refundedAmount: bigint;
  /** Refunded parts of the two above, pending refunds included: what is no longer there to refund (rules K6). */
  refundedApplied: bigint;
  refundedExcess: bigint;
  providerReference: string | null;
  notes: string | null;
  paidAt: Instant | null;
  createdAt: Instant;
  updatedAt: Instant;
}
