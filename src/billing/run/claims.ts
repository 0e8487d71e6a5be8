import { type Db, dialectOf } from '../../platform/db/connect.ts';
import { inList } from '../../platform/db/in-list.ts';
import { query } from '../../platform/db/sql.ts';
import { toSubscription } from '../subscriptions/store/subscriptions.ts';
import type { Subscription } from '../subscriptions/subscription.ts';

export interface Claim {
  now: string;
  limit: number;
  /** Only these, when a failed batch is split. */
  only: string[] | undefined;
  /** Left to a later run: they had their share in this one (rules S11). */
  without: string[];
  /** Waits for those that somebody holds, instead of leaving them out. */
  wait?: boolean;
}

/**
 * Locks the subscriptions whose next action is due, oldest first; those another runner holds and parked ones are left
 * out (rules S11, S12).
 */
export async function claimDue(db: Db, claim: Claim): Promise<Subscription[]> {
  const { now, limit, only, without, wait = false } = claim;
  const marks = (ids: string[]) => ids.map(() => '?').join(', ');
  const rows = await query(
    db,
    `select s.* from subscriptions s
     where s.next_action_at <= ?
       ${only ? `and s.id in (${marks(only)})` : ''}
       ${without.length > 0 ? `and s.id not in (${marks(without)})` : ''}
       and not exists (select 1 from parked_items p where p.subscription_id = s.id and p.resolved_at is null)
     order by s.next_action_at, s.id limit ?
     ${dialectOf(db) === 'postgres' ? `for no key update of s ${wait ? '' : 'skip locked'}` : ''}`,
    [now, ...(only ?? []), ...without, limit],
  );
  return withoutParked(db, rows.map(toSubscription));
}

/** Asked again under the lock: the statement above may have waited while somebody parked one of them. */
async function withoutParked(db: Db, subs: Subscription[]): Promise<Subscription[]> {
  if (subs.length === 0) return subs;
  const parked: { subscription_id: string }[] = await db('parked_items')
    .whereIn('subscription_id', inList(subs.map(({ id }) => id)))
    .whereNull('resolved_at')
    .select('subscription_id');
  const left = new Set(parked.map((row) => row.subscription_id));
  return left.size === 0 ? subs : subs.filter(({ id }) => !left.has(id));
}
