import type { Db } from '../../../platform/db/connect.ts';
import { inList } from '../../../platform/db/in-list.ts';

/** Whether a subscription of the customer, in any state, is on the plan. */
export async function isOnPlan(db: Db, customerId: string, planId: string): Promise<boolean> {
  const rows = await db('subscriptions').where({ customer_id: customerId, plan_id: planId }).select('id').limit(1);
  return rows.length > 0;
}

/** What the subscriptions of a customer say about its health (rules R9). */
export interface SubscriptionHealth {
  /** One is trialing or active. */
  live: boolean;
  /** One is past_due or paused for dunning. */
  troubled: boolean;
  /** One ends with its period. */
  ending: boolean;
}

export async function subscriptionHealth(
  db: Db,
  customerIds: Iterable<string>,
): Promise<Map<string, SubscriptionHealth>> {
  const rows: { customer_id: string; live: unknown; troubled: unknown; ending: unknown }[] = await db('subscriptions')
    .whereIn('customer_id', inList(customerIds))
    .whereNot('status', 'canceled')
    .groupBy('customer_id')
    .select(
      'customer_id',
      db.raw("count(case when status in ('trialing', 'active') then 1 end) as live"),
      db.raw("count(case when status = 'past_due' or pause_reason = 'dunning' then 1 end) as troubled"),
      db.raw('count(case when cancel_at_period_end then 1 end) as ending'),
    );
  return new Map(
    rows.map((row) => [
      row.customer_id,
      { live: Number(row.live) > 0, troubled: Number(row.troubled) > 0, ending: Number(row.ending) > 0 },
    ]),
  );
}
