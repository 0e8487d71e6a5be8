import type { Db } from '../../platform/db/connect.ts';
import type { PageRequest } from '../../platform/http/pagination.ts';
import type { Scope } from '../../platform/http/principal.ts';
import type { CreditEntry } from '../ledger/credit-entry.ts';
import { CREDIT_ENTRIES } from '../ledger/store.ts';

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
  return (await query).map(CREDIT_ENTRIES.fromRow);
}
