import type { BillingCustomer } from '../../customers/billing-customers.ts';
import { type DateOnly, type Instant, utcDate } from '../../platform/calendar.ts';
import type { Billing } from '../billing.ts';
import { composeInvoice, type InvoiceOutput } from '../pricing/compose.ts';
import type { DiscountInput } from '../pricing/discounts.ts';
import type { LineInput } from '../pricing/lines.ts';
import type { TaxInput } from '../pricing/tax.ts';
import { type TaxBook, type Taxed, taxesOf } from '../tax/tax-book.ts';
import { type Invoice, type InvoiceOrigin, placeOf } from './invoice.ts';

/** An invoice about to be computed. */
export interface InvoiceDraft {
  id: string;
  customer: BillingCustomer;
  subscriptionId: string | null;
  origin: InvoiceOrigin;
  currency: string;
  lines: LineInput[];
  discounts: DiscountInput[];
  /** Product type of the subscription's plan: the tax category (rules V1); null for a manual invoice without one. */
  category: string | null;
  /** The UTC day whose tax rule holds (rules V2); null for that of issue. */
  taxedOn: DateOnly | null;
  /** A due date a person chose; otherwise rules S10. */
  dueDate: Instant | null;
  collectAt: Instant | null;
  notes: string | null;
  /** The stored draft that is issued now. */
  draft: Invoice | null;
  /** Issued before the period it bills begins. */
  preGenerated: boolean;
}

export const taxedOf = ({ work }: Pick<TaxBook, 'work'>, { customer, category, taxedOn }: InvoiceDraft): Taxed => ({
  place: placeOf(customer, category),
  on: taxedOn ?? utcDate(work.now),
});

interface Credit {
  balance: bigint;
  apply: boolean;
}

/**
 * Computes an invoice with the tax of its day; the one call of the pricing core for every kind of invoice (rules X7).
 * Throws Unprepared when the external tax provider must be asked first (rules V4).
 */
export function compose(billing: Billing, draft: InvoiceDraft, applyCredits: boolean): Promise<InvoiceOutput> {
  return composeWith(billing, draft, creditOf(billing, draft, applyCredits));
}

/** As `compose`, with a credit balance that the caller has read. */
export async function composeWith(
  billing: Pick<Billing, 'taxes'>,
  draft: InvoiceDraft,
  credit: Credit,
): Promise<InvoiceOutput> {
  const [tax = null] = await taxesOf(billing.taxes, [taxedOf(billing.taxes, draft)]);
  return composeTaxed(draft, tax, credit);
}

export const creditOf = ({ credits }: Billing, { customer, currency }: InvoiceDraft, apply: boolean): Credit => ({
  balance: apply ? credits.balanceOf(customer.id, currency) : 0n,
  apply,
});

export const composeTaxed = (draft: InvoiceDraft, tax: TaxInput | null, credit: Credit): InvoiceOutput =>
  composeInvoice({
    currency: draft.currency,
    lines: draft.lines,
    discounts: draft.discounts,
    tax,
    creditBalance: credit.balance,
    applyCredits: credit.apply,
  });
