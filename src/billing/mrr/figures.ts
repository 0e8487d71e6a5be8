import type { Instant } from '../../platform/calendar.ts';
import type { Db } from '../../platform/db/connect.ts';
import { inList } from '../../platform/db/in-list.ts';
import { query } from '../../platform/db/sql.ts';

export interface Churn {
  /** Subscriptions with MRR above zero at the instant. */
  base: number;
  /** Those of them that have none now. */
  lost: number;
}

/**
 * Per product: its subscriptions with MRR just before `then`, and how many of them have none now (rules R8).
 * A subscription counts for the product it had then, wherever it moved since.
 */
export async function churnByProduct(db: Db, productIds: Iterable<string>, then: Instant): Promise<Map<string, Churn>> {
  const ids = inList(productIds);
  if (ids.length === 0) return new Map();
  const wanted = `b.product_id in (${ids.map(() => '?').join(', ')})
    and b.at < ? and b.subscription_mrr > 0 and not exists (${later('b')} and l.at < ?)`;
  const base = `select b.product_id, count(*) as n from mrr_movements b where ${wanted} group by b.product_id`;
  // Few are lost: "cross join" makes SQLite start from them and look their past up by index.
  const lost = `select b.product_id, count(*) as n from mrr_movements z cross join mrr_movements b
    where z.at >= ? and z.subscription_mrr = 0 and not exists (${later('z')})
      and b.subscription_id = z.subscription_id and ${wanted} group by b.product_id`;
  const past = [...ids, then, then];
  const churn = new Map<string, Churn>();
  for (const row of await query<Count>(db, base, past)) churn.set(row.product_id, { base: Number(row.n), lost: 0 });
  for (const row of await query<Count>(db, lost, [then, ...past])) churn.get(row.product_id)!.lost = Number(row.n);
  return churn;
}

interface Count {
  product_id: string;
  n: unknown;
}

/** A movement of the same subscription after this one; the latest movement before an instant tells the MRR at it. */
const later = (m: string) => `select 1 from mrr_movements l
  where l.subscription_id = ${m}.subscription_id and l.at >= ${m}.at and (l.at, l.id) > (${m}.at, ${m}.id)`;
