import type { Instant } from '../../platform/calendar.ts';
import type { Db } from '../../platform/db/connect.ts';
import { inList } from '../../platform/db/in-list.ts';

/** Those of the customers with an open invoice that is due (rules R6). */
export async function customersInArrears(db: Db, customerIds: Iterable<string>, now: Instant): Promise<Set<string>> {
  const rows: { customer_id: string }[] = await db('invoices')
    .whereIn('customer_id', inList(customerIds))
    .whereRaw(`status || '' in ('issued', 'overdue')`) // SQLite would start from everybody's open invoices by "status"
    .where('due_date', '<=', now)
    .distinct('customer_id');
  return new Set(rows.map((row) => row.customer_id));
}
