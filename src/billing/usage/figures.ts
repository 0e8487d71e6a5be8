import type { Instant } from '../../platform/calendar.ts';
import { type Db, type Dialect, dialectOf } from '../../platform/db/connect.ts';
import { inList } from '../../platform/db/in-list.ts';
import { query } from '../../platform/db/sql.ts';

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
  const ids = inList(productIds);
  if (ids.length === 0) return new Map();
  const user = `coalesce('u' || (e.properties ->> 'userId'), 's' || e.subscription_id)`;
  const rows = await query<{ product_id: string; monthly: unknown; daily: unknown }>(
    db,
    `select p.product_id, count(distinct ${user}) as monthly,
       count(distinct case when e.timestamp >= ? then ${user} end) as daily
     from plans p cross join ${EVENTS[dialectOf(db)]}
     and p.product_id in (${ids.map(() => '?').join(', ')}) group by p.product_id`,
    [lastDay, from, to, ...ids],
  );
  return new Map(rows.map((row) => [row.product_id, { monthly: Number(row.monthly), daily: Number(row.daily) }]));
}

const OF_SUBSCRIPTION = 'e.subscription_id = s.id and e.timestamp >= ? and e.timestamp < ? and e.voided_at is null';
/** From the plans `p` to their events, one after the other: either database would start with everybody's. */
const EVENTS: Record<Dialect, string> = {
  sqlite: `subscriptions s cross join usage_events e where s.plan_id = p.id and ${OF_SUBSCRIPTION}`,
  postgres: `lateral (select s.id from subscriptions s where s.plan_id = p.id offset 0) s
    cross join lateral (select * from usage_events e where ${OF_SUBSCRIPTION} offset 0) e where true`,
};

/** Of these customers, those with a usage event at or after `since` (rules R9). */
export async function customersWhoUsed(db: Db, customerIds: string[], since: Instant): Promise<Set<string>> {
  const rows: { customer_id: string }[] = await db('subscriptions as s')
    .whereIn('s.customer_id', inList(customerIds))
    .whereRaw(
      `(select max(e.timestamp) from usage_events e where e.subscription_id = s.id and e.voided_at is null) >= ?`,
      [since],
    )
    .distinct('s.customer_id');
  return new Set(rows.map((row) => row.customer_id));
}
