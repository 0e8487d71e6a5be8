import type { Invoice } from '../invoices/invoice.ts';
import type { CreditMove } from './credit-book.ts';

/** The credit a voided invoice gives back (rules I, row void). */
export const creditReturn = (invoice: Invoice): CreditMove => ({
  customerId: invoice.customerId,
  currency: invoice.currency,
  amount: invoice.creditsApplied,
  reason: 'invoice_void',
  description: `Credit returned by the void of ${invoice.invoiceNumber ?? 'a draft'}`,
  invoiceId: invoice.id,
});
