import type { Db } from '../../platform/db/connect.ts';
import { notFound } from '../../platform/errors.ts';
import { lockSubscriptions } from '../subscriptions/store.ts';
import type { Invoice } from './invoice.ts';
import { findInvoice, lockInvoices } from './store.ts';

/** Locks an invoice, and before it its subscription, which may be healed with it (rules X3). Throws AppError `not_found`. */
export async function lockInvoiceAndSubscription(db: Db, id: string): Promise<Invoice> {
  const known = await findInvoice(db, null, id);
  if (!known) throw notFound('invoice');
  if (known.subscriptionId) await lockSubscriptions(db, [known.subscriptionId]);
  const [invoice] = await lockInvoices(db, [id]);
  if (!invoice) throw notFound('invoice');
  return invoice;
}
