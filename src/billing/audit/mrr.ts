import { money } from '../../platform/db/columns.ts';
import type { Db } from '../../platform/db/connect.ts';
import type { PlanVersion } from '../plans/plan.ts';
import { loadPlanVersions } from '../plans/store.ts';
import { type MrrDiscount, subscriptionMrr } from '../pricing/mrr.ts';
import { toPricing } from '../subscriptions/lifecycle/discount.ts';
import { loadDiscounts } from '../subscriptions/store/discounts.ts';
import { toSubscription } from '../subscriptions/store/subscriptions.ts';
import type { Subscription } from '../subscriptions/subscription.ts';
import { type Check, MAX_IDS, pagesById, sqlCheck } from './check.ts';

/**
 * From 0 to `now` (…, value) without a break: every sum after a movement is the sum before another one, or the present one.
 * Independent of their order, which commits that meet do not keep by time.
 */
const chained = (
  keys: string,
  after: string,
  now: string,
) => `select distinct ${keys.replace(', ', " || ' ' || ")} as id from (
    select ${keys}, ${after} as value, 1 as n from mrr_movements
    union all select ${keys}, ${after} - delta, -1 from mrr_movements
    union all select ${keys}, 0, 1 from (select distinct ${keys} from mrr_movements) begun
    union all select ${keys}, value, -1 from (${now}) present
  ) step group by ${keys}, value having sum(n) <> 0`;

/** INV17: the movements sum up to what each subscription brings now, and their kinds tell the customer's story (R3). */
export const mrrChecks: Check[] = [
  { invariant: 'INV17', detail: 'the movements of a subscription do not sum to its MRR', find: findWrongMrr },
  sqlCheck(
    'INV17',
    'the movements of a customer do not sum to the kept total',
    `select customer_id || ' ' || currency as id from (
       select customer_id, currency, mrr as amount from customer_mrr
       union all select customer_id, currency, -delta from mrr_movements
     ) both_sides group by customer_id, currency having sum(amount) <> 0`,
  ),
  sqlCheck(
    'INV17',
    'the kind of a movement does not follow from the MRR before and after',
    `select id from mrr_movements where kind not in ('new', 'reactivation', 'churn', 'expansion', 'contraction')
       or (kind in ('new', 'reactivation')) <> (customer_mrr = delta)
       or (kind = 'churn') <> (customer_mrr = 0)
       or (kind = 'expansion' and delta < 0) or (kind = 'contraction' and delta > 0) or customer_mrr < delta`,
  ),
  sqlCheck(
    'INV17',
    'a customer is not new exactly once',
    `select customer_id || ' ' || currency as id from mrr_movements group by customer_id, currency
     having sum(case when kind = 'new' then 1 else 0 end) <> 1`,
  ),
  sqlCheck(
    'INV17',
    'a movement does not begin where another one of its customer ended',
    chained('customer_id, currency', 'customer_mrr', 'select customer_id, currency, mrr as value from customer_mrr'),
  ),
  sqlCheck(
    'INV17',
    'a movement does not begin where another one of its subscription ended',
    chained(
      'subscription_id',
      'subscription_mrr',
      `select subscription_id, sum(delta) as value from mrr_movements
      group by subscription_id`,
    ),
  ),
  sqlCheck(
    'INV17',
    'a movement at an instant when nothing was told of its subscription',
    `select m.id from mrr_movements m left join (
       select distinct resource_id, created_at from events where resource_type = 'subscription'
     ) e on e.resource_id = m.subscription_id and e.created_at = m.at where e.resource_id is null`,
  ),
];

async function findWrongMrr(db: Db): Promise<string[]> {
  const wrong: string[] = [];
  const pages = pagesById<{ id: string; moved: unknown }>(
    db,
    `select s.*, coalesce((select sum(delta) from mrr_movements m where m.subscription_id = s.id), 0) as moved
     from subscriptions s where s.id > ? order by s.id`,
  );
  for await (const page of pages) {
    const subs = page.map(toSubscription);
    const versions = await loadPlanVersions(db, new Set(subs.map(({ planVersionId }) => planVersionId)));
    const discounts = await loadDiscounts(
      db,
      subs.map(({ id }) => id),
    );
    for (const [i, sub] of subs.entries()) {
      const version = versions.get(sub.planVersionId);
      const mrr = mrrOf(sub, version, (discounts.get(sub.id) ?? []).map(toPricing));
      if (mrr === undefined) wrong.push(`${sub.id} (its price cannot be computed)`);
      else if (mrr !== money(page[i]!.moved)) wrong.push(sub.id);
    }
    if (wrong.length > MAX_IDS) break;
  }
  return wrong.slice(0, MAX_IDS + 1);
}

/** Undefined when the price cannot be computed: that is a finding of its own, not the end of the audit. */
function mrrOf(sub: Subscription, version: PlanVersion | undefined, discounts: MrrDiscount[]): bigint | undefined {
  if (!version) return undefined;
  const charge = {
    ...sub,
    plan: { id: version.planId, name: version.planName, productId: version.productId },
    price: version.price,
    periodStart: sub.currentPeriodStart,
    periodEnd: sub.currentPeriodEnd,
  };
  try {
    return subscriptionMrr(sub.status, charge, discounts);
  } catch {
    return undefined;
  }
}
