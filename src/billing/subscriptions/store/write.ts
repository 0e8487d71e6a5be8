import type { Billing } from '../../billing.ts';
import { withdrawInvoices } from '../../credit-notes/withdraw.ts';
import type { IssuedInvoice } from '../../invoices/issue.ts';
import { type MrrChange, recordMrr } from '../../mrr/movements.ts';
import type { SavedSubscription } from '../hooks.ts';
import { makePending } from '../lifecycle/bills.ts';
import { finish } from '../lifecycle/finish.ts';
import { mrrBeforeAndAfter } from '../lifecycle/mrr.ts';
import { type Outcome, replan, versionOf } from '../lifecycle/outcome.ts';
import type { Subscription } from '../subscription.ts';
import { correctUsage, openCorrections } from '../usage/corrections.ts';
import { rateUsage } from '../usage/rating.ts';
import { saveDiscounts } from './discounts.ts';
import { issueBills } from './issue-bills.ts';
import { insertNewPeriods, patchPeriods } from './periods.ts';
import * as store from './subscriptions.ts';
import { creditUnused } from './unused-credit.ts';

export interface Saved {
  outcome: Outcome;
  issued: IssuedInvoice[];
}

/**
 * Writes what was decided about many subscriptions, in the one order there is (the lock order of rules X3): new
 * subscriptions, MRR, invoices withdrawn, new periods, discounts, usage corrected, licences, unused time credited,
 * invoices issued, periods, subscriptions, events. A fixed number of statements, whatever the number of subscriptions; what
 * nobody decided takes none. Posts nothing: that happens before the commit.
 */
export async function writeOutcomes(billing: Billing, outcomes: Outcome[]): Promise<Saved[]> {
  const { work, settings } = billing;
  const made = outcomes.filter(({ isNew }) => isNew);
  for (const outcome of made) finish(outcome, work.now);
  await store.insertSubscriptions(work.db, made.map(subOf));
  await recordMrr(work, outcomes.flatMap(mrrChange));
  const ratings = await rateUsage(work.db, outcomes);
  const corrections = ratings.size > 0 ? await openCorrections(billing, outcomes, ratings) : null;
  await withdraw(billing, outcomes);
  for (const outcome of outcomes) if (!outcome.isNew) replan(outcome, work);
  await insertNewPeriods(work.db, outcomes);
  await saveDiscounts(work.db, outcomes);
  if (corrections) await correctUsage(billing, corrections);
  await work.runtime.hooks.subscriptions.saved(work, settings, outcomes.map(savedOf));
  await creditUnused(billing, outcomes);
  const issued = await issueBills(billing, outcomes, ratings);
  await patchPeriods(work.db, outcomes);
  const changed = outcomes.filter(({ isNew }) => !isNew);
  for (const outcome of changed) finish(outcome, work.now);
  await store.updateSubscriptions(work.db, changed.map(subOf));
  for (const event of outcomes.flatMap(({ events }) => events)) work.emit(event);
  return outcomes.map((outcome) => ({ outcome, issued: issued.get(outcome) ?? [] }));
}

const subOf = ({ sub }: Outcome): Subscription => sub;

/** What the licence of the subscription follows (rules L8). */
const savedOf = (outcome: Outcome): SavedSubscription => ({
  subscriptionId: outcome.sub.id,
  customerId: outcome.customer.id,
  customerName: outcome.customer.name,
  before: outcome.isNew ? null : outcome.before,
  after: outcome.sub,
  sold: { before: outcome.versions.get(outcome.before.planVersionId)!, after: versionOf(outcome) },
});

/** Takes back the charge of future periods (rules Q9); their rows are pending again. */
async function withdraw(billing: Billing, outcomes: Outcome[]): Promise<void> {
  const rows = outcomes.flatMap(({ withdrawn }) => withdrawn);
  if (rows.length > 0)
    await withdrawInvoices(
      billing,
      rows.map(({ invoiceId }) => invoiceId!),
    );
  for (const row of rows) makePending(row);
}

function mrrChange(outcome: Outcome): MrrChange[] {
  const { before, after } = mrrBeforeAndAfter(outcome);
  if (before === after) return [];
  const { id, customerId, currency } = outcome.sub;
  const { productId } = versionOf(outcome);
  return [{ subscriptionId: id, customerId, productId, currency, before, after, cause: outcome.cause || 'change' }];
}
