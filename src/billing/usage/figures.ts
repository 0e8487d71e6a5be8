import type { Instant } from '../../platform/calendar.ts';
import type { Db } from '../../platform/db/connect.ts';
import { inList } from '../../platform/db/in-list.ts';

/** Different users in a month, and in its last day. */
export interface ActiveUsers {
  monthly: number;
  daily: number;
}

/**
 * Who used these products in `[from, to)`, and since `lastDay` (rules R8): the different `userId` properties of usage
 * events, or where there is none, the different subscriptions. Voided events do not count.
 */
export async function usersByProduct(
  db: Db,
  productIds: string[],
  { from, lastDay, to }: { from: Instant; lastDay: Instant; to: Instant },
): Promise<Map<string, ActiveUsers>> {
  const user = `coalesce('u' || (e.properties ->> 'userId'), 's' || e.subscription_id)`;
  const rows: { product_id: string; monthly: unknown; daily: unknown }[] = await db('usage_events as e')
    .join('subscriptions as s', 's.id', 'e.subscription_id')
    .join('plans as p', 'p.id', 's.plan_id')
    .whereIn('p.product_id', inList(productIds))
    .where('e.timestamp', '>=', from)
    .where('e.timestamp', '<', to)
    .whereNull('e.voided_at')
    .groupBy('p.product_id')
    .select(
      'p.product_id',
      db.raw(`count(distinct ${user}) as monthly`),
      db.raw(`count(distinct case when e.timestamp >= ? then ${user} end) as daily`, [lastDay]),
    );
  return new Map(rows.map((row) => [row.product_id, { monthly: Number(row.monthly), daily: Number(row.daily) }]));
}

/** Of these customers, those with a usage event at or after `since` (rules R9). */
export async function customersWhoUsed(db: Db, customerIds: string[], since: Instant): Promise<Set<string>> {
  const used = db('usage_events as e')
    .whereRaw('e.subscription_id = s.id')
    .where('e.timestamp', '>=', since)
    .whereNull('e.voided_at')
    .select(db.raw('1'));
  const rows: { customer_id: string }[] = await db('subscriptions as s')
    .whereIn('s.customer_id', inList(customerIds))
    .whereExists(used)
    .distinct('s.customer_id');
  return new Set(rows.map((row) => row.customer_id));
}
