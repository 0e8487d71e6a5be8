import { notFound } from '../../platform/errors.ts';
import type { Work } from '../../platform/work.ts';
import type { Invoice } from './invoice.ts';
import { findInvoice, lockInvoices } from './store.ts';

/** Locks an invoice, and before it its subscription, which may be healed with it (rules X3). Throws AppError `not_found`. */
export async function lockInvoiceAndSubscription({ db, runtime }: Work, id: string): Promise<Invoice> {
  const known = await findInvoice(db, null, id);
  if (!known) throw notFound('invoice');
  if (known.subscriptionId) await runtime.hooks.invoices.lockSubscription(db, known.subscriptionId);
  const [invoice] = await lockInvoices(db, [id]);
  if (!invoice) throw notFound('invoice');
  return invoice;
}
