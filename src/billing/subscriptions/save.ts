import { followSubscriptions } from '../../licenses/follow.ts';
import type { Followed } from '../../licenses/follow-rules.ts';
import { changesOf } from '../../platform/changes.ts';
import { ZERO } from '../../platform/decimal.ts';
import { formatMoney } from '../../platform/money.ts';
import type { NewEvent } from '../../platform/work.ts';
import type { Billing } from '../billing.ts';
import { type InvoiceDraft, type IssuedInvoice, issueInvoices } from '../invoices/issue.ts';
import { withdrawInvoices } from '../invoices/withdraw.ts';
import { type MrrChange, recordMrr } from '../mrr/movements.ts';
import { netOfPeriod } from '../pricing/compose.ts';
import { advanceAmount, advanceLines, type LineInput, usageLines } from '../pricing/lines.ts';
import { mrrBeforeAndAfter } from './mrr.ts';
import * as store from './store.ts';
import type { BillingPeriod, Subscription } from './subscription.ts';
import { nextAction } from './transitions.ts';
import { type Bill, chargeOf, currentCharge, emit, replan, type SubscriptionUnit, versionOf } from './unit.ts';
import { changedDiscounts, discountsFor, saveDiscounts } from './unit-discounts.ts';

export interface Saved {
  unit: SubscriptionUnit;
  issued: IssuedInvoice[];
}

/**
 * Writes what the transitions of many units decided, in the lock order of rules X3: MRR, invoices withdrawn, credit
 * balances, numbers; a constant number of statements whatever the number of units. Posts nothing: `closeBilling` does.
 */
export async function saveUnits(billing: Billing, units: SubscriptionUnit[]): Promise<Saved[]> {
  const { work } = billing;
  await recordMrr(work, units.flatMap(mrrChange));
  await withdraw(billing, units);
  for (const unit of units) replan(unit, work);
  await store.insertPeriods(
    work.db,
    units.flatMap(({ inserted }) => inserted),
  );
  await saveDiscounts(work.db, units);
  await followSubscriptions(
    work,
    billing.settings,
    units.map((unit) => followedOf(unit, unit.before)),
  );
  const issued = await issueBills(billing, units);
  await store.updatePendingPeriods(
    work.db,
    units.flatMap((unit) => [...unit.updated]),
  );
  await store.deletePendingPeriods(
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
  if (rows.length === 0) return;
  await withdrawInvoices(
    billing,
    rows.map(({ invoiceId }) => invoiceId!),
  );
  for (const row of rows)
    Object.assign(row, { state: 'pending', invoiceId: null, inForceFrom: null, inForceNet: null });
  await store.reopenPeriods(
    billing.work.db,
    rows.map(({ id }) => id),
  );
}

async function issueBills(
  billing: Billing,
  units: SubscriptionUnit[],
): Promise<Map<SubscriptionUnit, IssuedInvoice[]>> {
  const jobs: { unit: SubscriptionUnit; bill: Bill; draft: InvoiceDraft }[] = [];
  for (const unit of units)
    for (const bill of unit.bills) {
      const lines = bill.periods.flatMap((period) => linesOf(unit, period));
      if (lines.length > 0) jobs.push({ unit, bill, draft: draftOf(billing, unit, bill, lines) });
      else for (const period of bill.periods) close(unit, period, { state: 'skipped', reason: 'nothing_to_bill' });
    }
  const issued = await issueInvoices(
    billing,
    jobs.map(({ draft }) => draft),
  );
  const byUnit = new Map<SubscriptionUnit, IssuedInvoice[]>();
  for (const [i, { unit, bill }] of jobs.entries()) {
    const one = issued[i]!;
    for (const period of bill.periods) {
      const { net } = netOfPeriod(one.output, period.id);
      const billed = one.output.lines.some(({ billingPeriodId }) => billingPeriodId === period.id);
      if (billed) close(unit, period, { state: 'invoiced', invoiceId: one.invoice.id }, net);
      else close(unit, period, { state: 'skipped', reason: 'nothing_to_bill' });
    }
    byUnit.set(unit, [...(byUnit.get(unit) ?? []), one]);
  }
  return byUnit;
}

/** A pending row becomes a fact; an advance row remembers what is in force for its period (rules S5, S9). */
function close(unit: SubscriptionUnit, period: BillingPeriod, fact: Partial<BillingPeriod>, net = 0n): void {
  Object.assign(period, fact);
  if (period.kind === 'advance') Object.assign(period, { inForceFrom: period.periodStart, inForceNet: net });
  unit.updated.add(period);
}

/** No usage is recorded yet, so a usage row bills an aggregate of 0 (rules U4). */
function linesOf(unit: SubscriptionUnit, period: BillingPeriod): LineInput[] {
  const charge = chargeOf(unit, period);
  return period.kind === 'advance' ? advanceLines(charge) : usageLines(charge, ZERO);
}

function draftOf(billing: Billing, unit: SubscriptionUnit, bill: Bill, lines: LineInput[]): InvoiceDraft {
  const { now, newId } = billing.work;
  const start = bill.periods[0]!.periodStart;
  return {
    id: newId(),
    customer: unit.customer,
    subscriptionId: unit.sub.id,
    origin: bill.origin,
    currency: unit.sub.currency,
    lines,
    discounts: discountsFor(
      unit,
      bill.periods.map(({ periodStart }) => periodStart),
    ),
    category: versionOf(unit).productType,
    dueDate: null,
    collectAt: bill.preGenerated && start > now ? start : now,
    notes: null,
    draft: null,
    preGenerated: bill.preGenerated,
  };
}

function mrrChange(unit: SubscriptionUnit): MrrChange[] {
  const { before, after } = mrrBeforeAndAfter(unit);
  if (before === after) return [];
  const { id, customerId, currency } = unit.sub;
  const { productId } = versionOf(unit);
  return [{ subscriptionId: id, customerId, productId, currency, before, after, cause: unit.cause || 'change' }];
}

/** Members whose change `subscription.updated` tells (contract 4.1.3). */
const TOLD = ['status', 'quantity', 'billingCycle', 'cancelAtPeriodEnd', 'metadata', 'preRenewalInvoiceDays'] as const;
const SHOWN = [...TOLD, 'currentPeriodStart', 'currentPeriodEnd', 'trialEnd', 'planVersionId'] as const;

/** Next due instant, version and the events that follow from what has changed. */
function finish(unit: SubscriptionUnit, now: string): void {
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
  if (unit.renewed) emit(unit, 'subscription.renewed', renewedData(unit));
  const changes: string[] = TOLD.filter((member) => member in members);
  if (discounts) changes.push('discounts');
  if (changes.length === 0) return;
  const { status, quantity, cancelAtPeriodEnd } = sub;
  emit(unit, 'subscription.updated', { status, quantity, cancelAtPeriodEnd, changes });
}

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
  await store.insertPeriods(work.db, unit.inserted);
  await saveDiscounts(work.db, [unit]);
  await recordMrr(work, mrrChange(unit));
  await followSubscriptions(work, billing.settings, [followedOf(unit, null)]);
  const issued = (await issueBills(billing, [unit])).get(unit) ?? [];
  await store.updatePendingPeriods(work.db, [...unit.updated]);
  for (const event of unit.events as NewEvent[]) work.emit(event);
  return { unit, issued };
}
