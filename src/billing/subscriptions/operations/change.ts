import { changesOf } from '../../../platform/changes.ts';
import { notFound } from '../../../platform/errors.ts';
import type { Context } from '../../../platform/http/operations.ts';
import { checkVersion } from '../../../platform/http/versions.ts';
import { type Billing, openBilling } from '../../billing.ts';
import { changedDiscounts } from '../lifecycle/discounts.ts';
import type { SubscriptionUnit } from '../lifecycle/outcome.ts';
import * as store from '../store/subscriptions.ts';
import { type Saved, saveUnits } from '../store/write.ts';
import type { Subscription } from '../subscription.ts';
import { bringUpToDate } from './catch-up.ts';

/** Locks, compares If-Match, does what was due, lets `apply` change the unit, and writes everything (rules S13, X6). */
export async function changeSubscription(
  context: Context,
  id: string,
  apply: (billing: Billing, unit: SubscriptionUnit) => Promise<void>,
): Promise<Saved> {
  const [sub] = await store.lockSubscriptions(context.db, [id]);
  if (!sub || (context.scope !== null && sub.customerId !== context.scope)) throw notFound('subscription');
  checkVersion(context, sub.version);
  const billing = await openBilling(context);
  const unit = await bringUpToDate(billing, sub);
  await apply(billing, unit);
  const changes = changesOf<Subscription>(unit.before, unit.sub);
  const discounts = changedDiscounts(unit);
  if (discounts) changes.discounts = discounts;
  let saved: Saved = { unit, issued: [] };
  if (Object.keys(changes).length > 0) {
    [saved] = (await saveUnits(billing, [unit])) as [Saved];
    context.audit({ entityType: 'subscription', entityId: id, changes });
  }
  return saved;
}
