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
 * Per product: its subscriptions with MRR just before `then`, and how many of them have none now (rules R8). The latest
 * movement of a subscription before an instant tells its MRR at it; each is looked up by index.
 * A subscription counts for the product it had then, wherever it moved since.
 */
export async function churnByProduct(db: Db, productIds: Iterable<string>, then: Instant): Promise<Map<string, Churn>> {
  const ids = inList(productIds);
  if (ids.length === 0) return new Map();
  const rows = await query<Count>(
    db,
    `select product_id, count(*) as base, count(case when mrr_now = 0 then 1 end) as lost
     from (select b.product_id,
         (select n.subscription_mrr from mrr_movements n where n.subscription_id = b.subscription_id
           order by n.at desc, n.id desc limit 1) as mrr_now
       from mrr_movements b
       where b.product_id in (${ids.map(() => '?').join(', ')}) and b.at < ? and b.subscription_mrr > 0
         and not exists (select 1 from mrr_movements l where l.subscription_id = b.subscription_id
           and l.at >= b.at and (l.at, l.id) > (b.at, b.id) and l.at < ?)) had
     group by product_id`,
    [...ids, then, then],
  );
  return new Map(rows.map((row) => [row.product_id, { base: Number(row.base), lost: Number(row.lost) }]));
}

interface Count {
  product_id: string;
  base: unknown;
  lost: unknown;
}
