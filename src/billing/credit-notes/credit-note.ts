import type { Instant } from '../../platform/calendar.ts';

export type CreditNoteStatus = 'draft' | 'issued' | 'void';
export type CreditNoteCause = 'manual' | 'proration' | 'withdrawn' | 'usage_correction';

/** Amounts are minor units, tax included; `taxAmount` is the tax part (rules K4). */
export interface CreditNote {
  id: string;
  creditNoteNumber: string | null;
  invoiceId: string;
  customerId: string;
  status: CreditNoteStatus;
  cause: CreditNoteCause;
  amount: bigint;
  taxAmount: bigint;
  appliedToInvoice: bigint;
  creditedToBalance: bigint;
  currency: string;
  reason: string;
  issuedAt: Instant | null;
  voidedAt: Instant | null;
  createdAt: Instant;
  updatedAt: Instant;
}
