import type { Db } from '../../platform/db/connect.ts';
import { notFound } from '../../platform/errors.ts';
import type { Scope } from '../../platform/http/principal.ts';
import type { Invoice } from './invoice.ts';
import { findInvoice } from './store.ts';

const TRIES = 5;

/**
 * Reads an invoice and what belongs to it as of one moment: once more when it changed meanwhile, as its sums would not
 * be those of the payments beside it. Throws AppError `not_found`.
 */
export async function readInvoice<T>(
  db: Db,
  scope: Scope,
  id: string,
  load: (invoice: Invoice) => Promise<T>,
): Promise<T> {
  let invoice = await findInvoice(db, scope, id);
  for (let tries = 1; invoice; tries++) {
    const loaded = await load(invoice);
    const after = await findInvoice(db, scope, id);
    if (after?.version === invoice.version || tries === TRIES) return loaded;
    invoice = after;
  }
  throw notFound('invoice');
}
