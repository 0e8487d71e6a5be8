import type { BillingCustomer, BillTo } from '../../customers/billing-customers.ts';
import { addDays, type Instant } from '../../platform/calendar.ts';
import type { Decimal } from '../../platform/decimal.ts';
import { conflict, refuse } from '../../platform/errors.ts';
import type { TaxPlace } from '../pricing/tax.ts';

export type InvoiceStatus = 'draft' | 'issued' | 'paid' | 'overdue' | 'void';
export type InvoiceOrigin = 'manual' | 'first' | 'renewal' | 'change' | 'resume' | 'final' | 'usage';

/** Who sells, as printed on the invoice; the members of the billing settings, frozen at issue (rules I8). */
export interface Seller {
  companyName: string | null;
  companyAddress: string | null;
  companyEmail: string | null;
  companyTaxId: string | null;
  invoiceFooter: string | null;
}

/** Amounts are minor units of `currency`. */
export interface Invoice {
  id: string;
  invoiceNumber: string | null;
  customerId: string;
  customerName: string;
  billTo: BillTo;
  seller: Seller;
  subscriptionId: string | null;
  origin: InvoiceOrigin;
  status: InvoiceStatus;
  currency: string;
  subtotal: bigint;
  discountAmount: bigint;
  taxAmount: bigint;
  total: bigint;
  creditsApplied: bigint;
  creditNotesAmount: bigint;
  amountPaid: bigint;
  amountRefunded: bigint;
  amountDue: bigint;
  /** Gross and tax part of the credit notes and refunds so far (rules K4). */
  reversedAmount: bigint;
  reversedTax: bigint;
  taxName: string | null;
  taxRate: Decimal | null;
  taxInclusive: boolean;
  taxRuleId: string | null;
  issuedAt: Instant | null;
  dueDate: Instant | null;
  paidAt: Instant | null;
  voidedAt: Instant | null;
  /** From when the invoice may be collected (rules S10). */
  collectAt: Instant | null;
  notes: string | null;
  version: number;
  createdAt: Instant;
  updatedAt: Instant;
}

export interface InvoiceLine {
  id: string;
  invoiceId: string;
  position: number;
  kind: 'plan' | 'usage' | 'proration' | 'discount' | 'custom';
  description: string;
  quantity: Decimal;
  unitPrice: Decimal;
  amount: bigint;
  productId: string | null;
  planVersionId: string | null;
  billingPeriodId: string | null;
  discountId: string | null;
  periodStart: Instant | null;
  periodEnd: Instant | null;
}

export const isOpen = (status: InvoiceStatus): boolean => status === 'issued' || status === 'overdue';

/** `max(issuedAt + payment terms, collectAt)` (rules S10): nobody is dunned before the period they pay for begins. */
export function defaultDueDate(issuedAt: Instant, paymentTermsDays: number, collectAt: Instant | null): Instant {
  const due = addDays(issuedAt, paymentTermsDays);
  return collectAt !== null && collectAt > due ? collectAt : due;
}

/** Throws AppError `invoice_already_paid`, `invoice_voided`; anything but the notes of such an invoice is final (rules I1). */
export function refuseFinal(invoice: Pick<Invoice, 'status'>): void {
  if (invoice.status === 'paid') throw refuse('invoice_already_paid', 'The invoice is paid.');
  if (invoice.status === 'void') throw refuse('invoice_voided', 'The invoice is void.');
}

/** Throws AppError `conflict` unless the invoice may be voided (rules I, row void). */
export function refuseVoid(invoice: Invoice): void {
  if (invoice.amountPaid > 0n) throw conflict('An invoice with payments cannot be voided.');
  if (invoice.reversedAmount > 0n) throw conflict('An invoice with issued credit notes cannot be voided.');
}

/** Where and what an invoice taxes (rules V1). */
export const placeOf = ({ billTo }: BillingCustomer, category: string | null): TaxPlace => ({
  country: billTo.country,
  state: billTo.state,
  zip: billTo.zip,
  category,
});
