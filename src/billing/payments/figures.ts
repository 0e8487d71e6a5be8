import type { Instant } from '../../platform/calendar.ts';
import type { Db } from '../../platform/db/connect.ts';
import { inList } from '../../platform/db/in-list.ts';

/** Those of the customers with a payment that succeeded at or after `since`. */
export async function customersWhoPaid(db: Db, customerIds: Iterable<string>, since: Instant): Promise<Set<string>> {
  const rows: { customer_id: string }[] = await db('payments')
    .whereIn('customer_id', inList(customerIds))
    .where({ status: 'succeeded' })
    .where('paid_at', '>=', since)
    .distinct('customer_id');
  return new Set(rows.map((row) => row.customer_id));
}
