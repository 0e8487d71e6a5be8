import type { Instant } from '../../platform/calendar.ts';

export type CreditReason =
  | 'manual'
  | 'proration'
  | 'credit_note'
  | 'overpayment'
  | 'refund'
  | 'invoice_application'
  | 'invoice_void'
  | 'credit_note_void';

/** One change of a credit balance; amounts are minor units of `currency`. Never changes once written (rules K1). */
export interface CreditEntry {
  id: string;
  customerId: string;
  currency: string;
  /** 1, 2, 3 … per balance. */
  seq: number;
  /** Positive deposits, negative uses. */
  amount: bigint;
  balanceAfter: bigint;
  reason: CreditReason;
  description: string;
  invoiceId: string | null;
  paymentId: string | null;
  creditNoteId: string | null;
  refundId: string | null;
  createdAt: Instant;
}
