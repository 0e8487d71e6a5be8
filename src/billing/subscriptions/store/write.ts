import { followSubscriptions } from '../../../licenses/follow.ts';
import type { Followed } from '../../../licenses/follow-rules.ts';
import { changesOf } from '../../../platform/changes.ts';
import { formatMoney } from '../../../platform/money.ts';
import type { NewEvent } from '../../../platform/work.ts';
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
import { type Ratings, rateUsage } from '../usage/rating.ts';
import { issueBills } from './issue-bills.ts';
import * as periodStore from './periods.ts';
import * as store from './subscriptions.ts';
import { creditUnused } from './unused-credit.ts';
import { revisePeriods } from './voided.ts';

/** A subscription that is new has used nothing. */
const NO_USAGE: Ratings = new Map();

export interface Saved {
  unit: SubscriptionUnit;
  issued: IssuedInvoice[];
}

/**
 * Writes what the transitions of many units decided, in the lock order of rules X3: MRR, invoices withdrawn, credit
 * balances, numbers; a constant number of statements whatever the number of units. Posts nothing: that happens before the commit.
 */
export async function saveUnits(billing: Billing, units: SubscriptionUnit[]): Promise<Saved[]> {
  const { work } = billing;
  await recordMrr(work, units.flatMap(mrrChange));
  const ratings = await rateUsage(work.db, units);
  const corrections = await openCorrections(billing, units, ratings);
  await withdraw(billing, units);
  for (const unit of units) replan(unit, work);
  await periodStore.insertPeriods(
    work.db,
    units.flatMap(({ inserted }) => inserted),
  );
  await saveDiscounts(work.db, units);
  await correctUsage(billing, corrections);
  for (const { period, base } of corrections.rows) period.billedNet = (period.billedNet ?? 0n) - base;
  await followSubscriptions(
    work,
    billing.settings,
    units.map((unit) => followedOf(unit, unit.before)),
  );
  await creditUnused(billing, units);
  const issued = await issueBills(billing, units, ratings);
  await periodStore.updatePendingPeriods(
    work.db,
    units.flatMap((unit) => [...unit.updated]),
  );
  await periodStore.updateRatedPeriods(
    work.db,
    units.flatMap(({ rated }) => rated),
  );
  await revisePeriods(
    work.db,
    units.flatMap((unit) => [...unit.revised]),
  );
  await periodStore.deletePendingPeriods(
    work.db,
    units.flatMap((unit) => unit.removed.map(({ id }) => id)),
  );
  for (const unit of units) finish(unit, work.now);
  await store.updateSubscriptions(
    work.db,
    units.map(({ sub }) => sub),
  );
  for (const event of units.flatMap(({ events }) => events)) work.emit(event);
  return units.map((unit) => ({ unit, issued: issued.get(unit) ?? [] }));
}

/** What the licence of the subscription follows (rules L8); `before` is null for a new one. */
const followedOf = (unit: SubscriptionUnit, before: Subscription | null): Followed => ({
  subscriptionId: unit.sub.id,
  customerId: unit.customer.id,
  customerName: unit.customer.name,
  before,
  after: unit.sub,
  sold: { before: unit.versions.get((before ?? unit.sub).planVersionId)!, after: versionOf(unit) },
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
  await periodStore.reopenPeriods(
    billing.work.db,
    [...rows, ...units.flatMap(({ reopened }) => reopened)].map(({ id }) => id),
  );
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

/** For a subscription that is created in this work: its row is inserted, not updated. */
export async function saveNewUnit(billing: Billing, unit: SubscriptionUnit): Promise<Saved> {
  const { work } = billing;
  unit.sub.nextActionAt = nextAction(unit)?.at ?? null;
  await store.insertSubscription(work.db, unit.sub);
  await periodStore.insertPeriods(work.db, unit.inserted);
  await saveDiscounts(work.db, [unit]);
  await recordMrr(work, mrrChange(unit));
  await followSubscriptions(work, billing.settings, [followedOf(unit, null)]);
  const issued = (await issueBills(billing, [unit], NO_USAGE)).get(unit) ?? [];
  await periodStore.updatePendingPeriods(work.db, [...unit.updated]);
  for (const event of unit.events as NewEvent[]) work.emit(event);
  return { unit, issued };
}
