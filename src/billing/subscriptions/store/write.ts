import { followSubscriptions } from '../../../licenses/follow.ts';
import type { Followed } from '../../../licenses/follow-rules.ts';
import { changesOf } from '../../../platform/changes.ts';
import { formatMoney } from '../../../platform/money.ts';
import type { Billing } from '../../billing.ts';
import { withdrawInvoices } from '../../credit-notes/withdraw.ts';
import type { IssuedInvoice } from '../../invoices/issue.ts';
import { type MrrChange, recordMrr } from '../../mrr/movements.ts';
import { advanceAmount } from '../../pricing/lines.ts';
import { makePending } from '../lifecycle/bills.ts';
import { changedDiscounts, saveDiscounts } from '../lifecycle/discounts.ts';
import { mrrBeforeAndAfter } from '../lifecycle/mrr.ts';
import {
  currentCharge,
  emit,
  replan,
  type SubscriptionUnit,
  type TermsChange,
  versionOf,
} from '../lifecycle/outcome.ts';
import { nextAction } from '../lifecycle/transitions.ts';
import type { Subscription } from '../subscription.ts';
import { correctUsage, openCorrections } from '../usage/corrections.ts';
import { rateUsage } from '../usage/rating.ts';
import { issueBills } from './issue-bills.ts';
import { insertNewPeriods, patchPeriods } from './periods.ts';
import * as store from './subscriptions.ts';
import { creditUnused } from './unused-credit.ts';

export interface Saved {
  unit: SubscriptionUnit;
  issued: IssuedInvoice[];
}

/**
 * Writes what was decided about many subscriptions, in the one order there is (the lock order of rules X3): new
 * subscriptions, MRR, invoices withdrawn, new periods, discounts, usage corrected, licences, unused time credited,
 * invoices issued, periods, subscriptions, events. A fixed number of statements, whatever the number of subscriptions; what
 * nobody decided takes none. Posts nothing: that happens before the commit.
 */
export async function saveUnits(billing: Billing, units: SubscriptionUnit[]): Promise<Saved[]> {
  const { work, settings } = billing;
  const made = units.filter(({ isNew }) => isNew);
  for (const unit of made) finish(unit, work.now);
  await store.insertSubscriptions(work.db, made.map(subOf));
  await recordMrr(work, units.flatMap(mrrChange));
  const ratings = await rateUsage(work.db, units);
  const corrections = await openCorrections(billing, units, ratings);
  await withdraw(billing, units);
  for (const unit of units) if (!unit.isNew) replan(unit, work);
  await insertNewPeriods(work.db, units);
  await saveDiscounts(work.db, units);
  await correctUsage(billing, corrections);
  await followSubscriptions(work, settings, units.map(followedOf));
  await creditUnused(billing, units);
  const issued = await issueBills(billing, units, ratings);
  await patchPeriods(work.db, units);
  const changed = units.filter(({ isNew }) => !isNew);
  for (const unit of changed) finish(unit, work.now);
  await store.updateSubscriptions(work.db, changed.map(subOf));
  for (const event of units.flatMap(({ events }) => events)) work.emit(event);
  return units.map((unit) => ({ unit, issued: issued.get(unit) ?? [] }));
}

const subOf = ({ sub }: SubscriptionUnit): Subscription => sub;

/** What the licence of the subscription follows (rules L8). */
const followedOf = (unit: SubscriptionUnit): Followed => ({
  subscriptionId: unit.sub.id,
  customerId: unit.customer.id,
  customerName: unit.customer.name,
  before: unit.isNew ? null : unit.before,
  after: unit.sub,
  sold: { before: unit.versions.get(unit.before.planVersionId)!, after: versionOf(unit) },
});

/** Takes back the charge of future periods (rules Q9); their rows are pending again. */
async function withdraw(billing: Billing, units: SubscriptionUnit[]): Promise<void> {
  const rows = units.flatMap(({ withdrawn }) => withdrawn);
  if (rows.length > 0)
    await withdrawInvoices(
      billing,
      rows.map(({ invoiceId }) => invoiceId!),
    );
  for (const row of rows) makePending(row);
}

function mrrChange(unit: SubscriptionUnit): MrrChange[] {
  const { before, after } = mrrBeforeAndAfter(unit);
  if (before === after) return [];
  const { id, customerId, currency } = unit.sub;
  const { productId } = versionOf(unit);
  return [{ subscriptionId: id, customerId, productId, currency, before, after, cause: unit.cause || 'change' }];
}

/** Members whose change `subscription.updated` tells (contract 4.1.3). */
const TOLD = [
  ...(['status', 'planId', 'quantity', 'billingCycle', 'cancelAtPeriodEnd', 'metadata'] as const),
  'preRenewalInvoiceDays' as const,
];
const SHOWN = [
  ...TOLD,
  ...(['currentPeriodStart', 'currentPeriodEnd', 'trialEnd', 'planVersionId', 'pendingChange'] as const),
];

/** Next due instant, version and the events that follow from what has changed. */
export function finish(unit: SubscriptionUnit, now: string): void {
  const { sub, before } = unit;
  sub.nextActionAt = nextAction(unit)?.at ?? null;
  if (unit.isNew) return;
  sub.errorCount = 0;
  sub.lastError = null;
  const members = changesOf<Subscription>(before, sub);
  const discounts = changedDiscounts(unit);
  if (discounts || SHOWN.some((member) => member in members)) {
    sub.version += 1;
    sub.updatedAt = now;
  }
  if (unit.change) unit.change.event.data = changedData(unit, unit.change);
  if (unit.renewed) emit(unit, 'subscription.renewed', renewedData(unit));
  const changes: string[] = TOLD.filter((member) => member in members);
  if ('planVersionId' in members) changes.push('planVersion');
  if (discounts) changes.push('discounts');
  if (changes.length === 0) return;
  const { status, quantity, cancelAtPeriodEnd } = sub;
  emit(unit, 'subscription.updated', { status, quantity, cancelAtPeriodEnd, changes });
}

function changedData(unit: SubscriptionUnit, change: TermsChange): Record<string, unknown> {
  const { sub } = unit;
  const money = (minor: bigint) => formatMoney(minor, sub.currency);
  return {
    subscriptionId: sub.id,
    customerId: sub.customerId,
    oldPlanId: change.before.planId,
    newPlanId: sub.planId,
    planVersion: versionOf(unit).number,
    billingCycle: sub.billingCycle,
    oldQuantity: change.before.quantity,
    newQuantity: sub.quantity,
    prorationNet: money(change.remaining - change.unused),
    currency: sub.currency,
    invoiceId: change.invoice?.invoice.id ?? null,
    creditIssued: change.creditNotes.length > 0 ? money(creditedBy(change)) : null,
    effectiveAt: change.at,
  };
}

/** Σ of the credit notes of a change, tax included, minor units. */
export const creditedBy = ({ creditNotes }: TermsChange): bigint =>
  creditNotes.reduce((sum, { amount }) => sum + amount, 0n);

function renewedData(unit: SubscriptionUnit): Record<string, unknown> {
  const { sub, periods } = unit;
  const row = periods.find((period) => period.kind === 'advance' && period.periodStart === sub.currentPeriodStart);
  return {
    invoiceId: row?.invoiceId ?? null,
    amount: formatMoney(advanceAmount(currentCharge(unit, sub)), sub.currency),
    currency: sub.currency,
    currentPeriodStart: sub.currentPeriodStart,
    currentPeriodEnd: sub.currentPeriodEnd,
  };
}
