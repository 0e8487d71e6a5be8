import type { Db } from '../../platform/db/connect.ts';
import { notFound } from '../../platform/errors.ts';
import type { Scope } from '../../platform/http/principal.ts';
import type { Invoice } from './invoice.ts';
import { findInvoice } from './store.ts';

/** Throws AppError `not_found`. What belongs to the invoice is read in the same snapshot (rules X9). */
export async function readInvoice(db: Db, scope: Scope, id: string): Promise<Invoice> {
  const invoice = await findInvoice(db, scope, id);
  if (!invoice) throw notFound('invoice');
  return invoice;
}
