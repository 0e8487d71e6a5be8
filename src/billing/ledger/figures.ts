import type { Instant } from '../../platform/calendar.ts';
import type { Db } from '../../platform/db/connect.ts';
import { inList } from '../../platform/db/in-list.ts';
import { firstIdAt } from '../../platform/ids.ts';

/** Net revenue (rules R5) of the entries posted in `[from, to)`: product -> currency -> minor units. */
export async function netRevenueByProduct(
  db: Db,
  productIds: Iterable<string>,
  from: Instant,
  to: Instant,
): Promise<Map<string, Map<string, bigint>>> {
  const rows: { product_id: string; currency: string; total: string }[] = await db('journal_lines as l')
    .crossJoin(db.ref('journal_entries').as('e')) // SQLite keeps this order
    .where('e.id', db.ref('l.entry_id'))
    .where('l.entry_id', '>=', firstIdAt(from)) // ids rise with time: the lines of the product since then, by its index
    .whereIn('l.product_id', inList(productIds))
    .whereIn('l.account', ['revenue', 'discounts', 'refunds'])
    .where('e.posted_at', '>=', from)
    .where('e.posted_at', '<', to)
    .groupBy('l.product_id', 'e.currency')
    .select('l.product_id', 'e.currency', db.raw('cast(sum(l.amount) as text) as total'));
  const revenue = new Map<string, Map<string, bigint>>();
  for (const row of rows) {
    const byCurrency = revenue.get(row.product_id) ?? new Map<string, bigint>();
    byCurrency.set(row.currency, -BigInt(row.total));
    revenue.set(row.product_id, byCurrency);
  }
  return revenue;
}
