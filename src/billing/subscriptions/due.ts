import { conflict } from '../../platform/errors.ts';
import type { Billing } from '../billing.ts';
import { findUnresolvedParked } from '../run/parked-store.ts';
import { saveUnits } from './save.ts';
import type { Subscription } from './subscription.ts';
import { performDue } from './transitions.ts';
import { loadUnits, type SubscriptionUnit } from './unit.ts';

/** Actions of one subscription per run or request (rules S11). */
export const MAX_ACTIONS = 120;

/**
 * Does what was already due of a locked subscription, then hands it over for the change that a person asked for, so that a
 * change never meets an overdue boundary (rules S13). Throws AppError `conflict` when a due action fails.
 */
export async function bringUpToDate(billing: Billing, sub: Subscription): Promise<SubscriptionUnit> {
  const { work } = billing;
  for (let actions = 0; actions <= MAX_ACTIONS; actions++) {
    const [unit] = await loadUnits(work, [sub]);
    if (!sub.nextActionAt || sub.nextActionAt > work.now) return unit!;
    const due = performDue(unit!, work);
    if (!due) return unit!;
    await refuseParked(billing, sub);
    try {
      await saveUnits(billing, [unit!]);
    } catch (error) {
      work.runtime.log.error({ err: error, subscriptionId: sub.id, due }, 'a due action failed');
      throw conflict('What was already due of the subscription could not be billed.');
    }
  }
  throw conflict('Too much is due of the subscription. The next billing run goes on with it.');
}

async function refuseParked({ work }: Billing, sub: Subscription): Promise<void> {
  const parked = await findUnresolvedParked(work.db, sub.id);
  if (parked) throw conflict(`The billing of the subscription is parked: ${parked.message}`);
}
