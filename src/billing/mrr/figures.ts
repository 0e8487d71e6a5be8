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
  const list = ids.map(() => '?').join(', ');
  const sql = `with past as (
      select m.subscription_id, m.product_id, m.subscription_mrr,
        row_number() over (partition by m.subscription_id order by m.at desc, m.id desc) as nth
      from mrr_movements m
      where m.at < ? and m.subscription_id in (select subscription_id from mrr_movements where product_id in (${list}))
    ), base as (
      select subscription_id, product_id from past where nth = 1 and subscription_mrr > 0 and product_id in (${list})
    )
    select b.product_id, count(*) as base, count(case when (
        select m.subscription_mrr from mrr_movements m where m.subscription_id = b.subscription_id
        order by m.at desc, m.id desc limit 1
      ) = 0 then 1 end) as lost
    from base b group by b.product_id`;
  const rows = await query<{ product_id: string; base: unknown; lost: unknown }>(db, sql, [then, ...ids, ...ids]);
  return new Map(rows.map((row) => [row.product_id, { base: Number(row.base), lost: Number(row.lost) }]));
}
