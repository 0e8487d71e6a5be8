import { changesOf } from '../../../platform/changes.ts';
import { notFound } from '../../../platform/errors.ts';
import type { Context } from '../../../platform/http/operations.ts';
import { checkVersion } from '../../../platform/http/versions.ts';
import { type Billing, openBilling } from '../../billing.ts';
import { changedDiscounts } from '../lifecycle/discounts.ts';
import type { Outcome } from '../lifecycle/outcome.ts';
import * as store from '../store/subscriptions.ts';
import { type Saved, writeOutcomes } from '../store/write.ts';
import type { Subscription } from '../subscription.ts';
import { bringUpToDate } from './catch-up.ts';

/** Locks, compares If-Match, does what was due, lets `apply` change the outcome, and writes everything (rules S13, X6). */
export async function changeSubscription(
  context: Context,
  id: string,
  apply: (billing: Billing, outcome: Outcome) => Promise<void>,
): Promise<Saved> {
  const [sub] = await store.lockSubscriptions(context.db, [id]);
  if (!sub || (context.scope !== null && sub.customerId !== context.scope)) throw notFound('subscription');
  checkVersion(context, sub.version);
  const billing = await openBilling(context);
  const outcome = await bringUpToDate(billing, sub);
  await apply(billing, outcome);
  const changes = changesOf<Subscription>(outcome.before, outcome.sub);
  const discounts = changedDiscounts(outcome);
  if (discounts) changes.discounts = discounts;
  let saved: Saved = { outcome, issued: [] };
  if (Object.keys(changes).length > 0) {
    [saved] = (await writeOutcomes(billing, [outcome])) as [Saved];
    context.audit({ entityType: 'subscription', entityId: id, changes });
  }
  return saved;
}
