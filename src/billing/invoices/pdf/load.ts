import { loadBillingCustomers } from '../../../customers/billing-customers.ts';
import type { Db } from '../../../platform/db/connect.ts';
import { listInvoiceCreditNotes } from '../../credit-notes/store.ts';
import { listInvoicePayments } from '../../payments/store.ts';
import type { Invoice } from '../invoice.ts';
import { loadLines } from '../line-store.ts';
import type { PaperInput, Seller } from './paper.ts';

/** What is printed of an invoice: the customer as frozen at issue, of a draft as it is now. */
export async function loadPaper(db: Db, invoice: Invoice, seller: Seller): Promise<PaperInput> {
  const { id, customerId } = invoice;
  const lines = await loadLines(db, [id]);
  const payments = await listInvoicePayments(db, id);
  const creditNotes = await listInvoiceCreditNotes(db, id, false);
  const printed = { lines: lines.get(id)!, payments, creditNotes, seller };
  if (invoice.status !== 'draft') return { invoice, ...printed };
  const { billTo } = (await loadBillingCustomers(db, [customerId])).get(customerId)!;
  return { invoice: { ...invoice, billTo }, ...printed };
}
