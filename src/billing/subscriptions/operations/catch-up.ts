import { isTransactionConflict } from '../../../platform/db/errors.ts';
import { conflict } from '../../../platform/errors.ts';
import { Unprepared } from '../../../platform/retry.ts';
import { type Billing, flushBilling } from '../../billing.ts';
import type { Outcome } from '../lifecycle/outcome.ts';
import { isDue, performDue } from '../lifecycle/transitions.ts';
import { readOutcomes } from '../store/load.ts';
import { findUnresolvedParked } from '../store/parked.ts';
import { writeOutcomes } from '../store/write.ts';
import type { Subscription } from '../subscription.ts';

/** Actions of one subscription per run or request (rules S11). */
export const MAX_ACTIONS = 120;

/**
 * Does what was already due of a locked subscription, then hands it over for the change that a person asked for, so that a
 * change never meets an overdue boundary (rules S13). Throws AppError `conflict` when a due action fails.
 */
export async function bringUpToDate(billing: Billing, sub: Subscription): Promise<Outcome> {
  const { work } = billing;
  const [outcome] = await readOutcomes(work, [sub]);
  if (!isDue(outcome!, work.now)) return outcome!;
  await refuseParked(billing, sub);
  const refuse = (error: unknown): never => {
    work.runtime.log.error({ err: error, subscriptionId: sub.id }, 'a due action failed');
    throw conflict('What was already due of the subscription could not be billed.');
  };
  const current = await performAllDue(billing, outcome!).catch((error: unknown) => {
    if (isTransactionConflict(error)) throw error; // the whole request is done again
    if (error instanceof Unprepared) throw new Unprepared(() => error.prepare().catch(refuse)); // likewise
    return refuse(error);
  });
  if (!current) throw conflict('Too much is due of the subscription. The next billing run goes on with it.');
  return current;
}

/**
 * Performs the due actions of a locked subscription one after the other, each written and posted before the next.
 * Answers the outcome as it is then, or undefined when there were more than MAX_ACTIONS.
 */
export async function performAllDue(billing: Billing, outcome: Outcome): Promise<Outcome | undefined> {
  const { work } = billing;
  let current = outcome;
  for (let done = 0; isDue(current, work.now); done++) {
    if (done === MAX_ACTIONS) return undefined;
    const action = performDue(current, work);
    await writeOutcomes(billing, [current]);
    await flushBilling(billing);
    work.audit({ entityType: 'subscription', entityId: current.sub.id, reason: action ?? undefined });
    [current] = (await readOutcomes(work, [current.sub])) as [Outcome];
  }
  return current;
}

async function refuseParked({ work }: Billing, sub: Subscription): Promise<void> {
  const parked = await findUnresolvedParked(work.db, sub.id);
  if (parked) throw conflict(`The billing of the subscription is parked: ${parked.message}`);
}
