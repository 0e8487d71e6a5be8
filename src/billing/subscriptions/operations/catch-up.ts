import { isTransactionConflict } from '../../../platform/db/errors.ts';
import { conflict } from '../../../platform/errors.ts';
import { Unprepared } from '../../../platform/retry.ts';
import { type Billing, flushBilling } from '../../billing.ts';
import { findUnresolvedParked } from '../../run/parked-store.ts';
import { loadUnits, type SubscriptionUnit } from '../lifecycle/outcome.ts';
import { isDue, performDue } from '../lifecycle/transitions.ts';
import { saveUnits } from '../store/write.ts';
import type { Subscription } from '../subscription.ts';

/** Actions of one subscription per run or request (rules S11). */
export const MAX_ACTIONS = 120;

/**
 * Does what was already due of a locked subscription, then hands it over for the change that a person asked for, so that a
 * change never meets an overdue boundary (rules S13). Throws AppError `conflict` when a due action fails.
 */
export async function bringUpToDate(billing: Billing, sub: Subscription): Promise<SubscriptionUnit> {
  const { work } = billing;
  const [unit] = await loadUnits(work, [sub]);
  if (!isDue(unit!, work.now)) return unit!;
  await refuseParked(billing, sub);
  const refuse = (error: unknown): never => {
    work.runtime.log.error({ err: error, subscriptionId: sub.id }, 'a due action failed');
    throw conflict('What was already due of the subscription could not be billed.');
  };
  const current = await performAllDue(billing, unit!).catch((error: unknown) => {
    if (isTransactionConflict(error)) throw error; // the whole request is done again
    if (error instanceof Unprepared) throw new Unprepared(() => error.prepare().catch(refuse)); // likewise
    return refuse(error);
  });
  if (!current) throw conflict('Too much is due of the subscription. The next billing run goes on with it.');
  return current;
}

/**
 * Performs the due actions of a locked subscription one after the other, each written and posted before the next.
 * Answers the unit as it is then, or undefined when there were more than MAX_ACTIONS.
 */
export async function performAllDue(billing: Billing, unit: SubscriptionUnit): Promise<SubscriptionUnit | undefined> {
  const { work } = billing;
  let current = unit;
  for (let done = 0; isDue(current, work.now); done++) {
    if (done === MAX_ACTIONS) return undefined;
    const action = performDue(current, work);
    await saveUnits(billing, [current]);
    await flushBilling(billing);
    work.audit({ entityType: 'subscription', entityId: current.sub.id, reason: action ?? undefined });
    [current] = (await loadUnits(work, [current.sub])) as [SubscriptionUnit];
  }
  return current;
}

async function refuseParked({ work }: Billing, sub: Subscription): Promise<void> {
  const parked = await findUnresolvedParked(work.db, sub.id);
  if (parked) throw conflict(`The billing of the subscription is parked: ${parked.message}`);
}
