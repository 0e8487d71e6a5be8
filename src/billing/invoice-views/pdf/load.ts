import { loadBillingCustomers } from '../../../customers/billing-customers.ts';
import type { Config } from '../../../platform/config.ts';
import type { Db } from '../../../platform/db/connect.ts';
import { listInvoiceCreditNotes } from '../../credit-notes/store.ts';
import type { Invoice } from '../../invoices/invoice.ts';
import { loadLines } from '../../invoices/line-store.ts';
import { withSeller } from '../../invoices/seller.ts';
import { listInvoicePayments } from '../../payments/store.ts';
import type { PaperInput } from './paper.ts';

/** What is printed of an invoice: customer and seller as frozen at issue, of a draft as they are now (rules I8). */
export async function loadPaper(db: Db, config: Config, read: Invoice): Promise<PaperInput> {
  const invoice = await withSeller(db, config, read);
  const { id, customerId } = invoice;
  const lines = await loadLines(db, [id]);
  const payments = await listInvoicePayments(db, id);
  const creditNotes = await listInvoiceCreditNotes(db, id, false);
  const printed = { lines: lines.get(id)!, payments, creditNotes };
  if (invoice.status !== 'draft') return { invoice, ...printed };
  const { billTo } = (await loadBillingCustomers(db, [customerId])).get(customerId)!;
  return { invoice: { ...invoice, billTo }, ...printed };
}
