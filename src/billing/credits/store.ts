import { int, money } from '../../platform/db/columns.ts';
import type { Db } from '../../platform/db/connect.ts';
import type { PageRequest } from '../../platform/http/pagination.ts';
import type { Scope } from '../../platform/http/principal.ts';
import type { CreditEntry } from '../ledger/credit-entry.ts';

// biome-ignore lint/suspicious/noExplicitAny: a row as either driver answers it; the mapper gives it its type
const toCreditEntry = (row: any): CreditEntry => ({
  id: row.id,
  customerId: row.customer_id,
  currency: row.currency,
  seq: int(row.seq),
  amount: money(row.amount),
  balanceAfter: money(row.balance_after),
  reason: row.reason,
  description: row.description,
  invoiceId: row.invoice_id,
  paymentId: row.payment_id,
  creditNoteId: row.credit_note_id,
  refundId: row.refund_id,
  createdAt: row.created_at,
});

export interface CreditFilter {
  customerId?: string | undefined;
  currency?: string | undefined;
}

/** Newest first, up to `limit + 1` rows. */
export async function listCreditEntries(
  db: Db,
  scope: Scope,
  filter: CreditFilter,
  page: PageRequest,
): Promise<CreditEntry[]> {
  const query = db('credit_entries')
    .orderBy('id', 'desc')
    .limit(page.limit + 1);
  if (scope !== null) query.where({ customer_id: scope });
  if (filter.customerId) query.where({ customer_id: filter.customerId });
  if (filter.currency) query.where({ currency: filter.currency });
  if (page.after) query.where('id', '<', page.after);
  return (await query).map(toCreditEntry);
}
