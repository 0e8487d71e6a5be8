import { changesOf } from '../../platform/changes.ts';
import { formatMoney } from '../../platform/money.ts';
import type { NewEvent } from '../../platform/work.ts';
import type { Billing } from '../billing.ts';
import { type InvoiceDraft, type IssuedInvoice, issueInvoices } from '../invoices/issue.ts';
import { withdrawInvoices } from '../invoices/withdraw.ts';
import { type MrrChange, recordMrr } from '../mrr/movements.ts';
import { netOfPeriod } from '../pricing/compose.ts';
import { advanceAmount } from '../pricing/lines.ts';
import { draftOf, linesOf } from './bill-draft.ts';
import { mrrBeforeAndAfter } from './mrr.ts';
import { moveEnds } from './period-ends.ts';
import * as periodStore from './period-store.ts';
import * as store from './store.ts';
import type { BillingPeriod, Subscription } from './subscription.ts';
import { nextAction } from './transitions.ts';
import { type Bill, currentCharge, emit, replan, type SubscriptionUnit, versionOf } from './unit.ts';
import { changedDiscounts, saveDiscounts } from './unit-discounts.ts';
import { correctUsage, openCorrections } from './usage-corrections.ts';
import { type Rating, type Ratings, rateUsage } from './usage-rating.ts';

/** A subscription that is new has used nothing. */
const NO_USAGE: Ratings = new Map();

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
  const issued = await issueBills(billing, units, ratings);
  await periodStore.updatePendingPeriods(
    work.db,
    units.flatMap((unit) => [...unit.updated]),
  );
  await periodStore.updateRatedPeriods(
    work.db,
    units.flatMap(({ rated }) => rated),
  );
  await moveEnds(
    work.db,
    units.flatMap(({ resized }) => resized),
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
  await periodStore.reopenPeriods(
    billing.work.db,
    rows.map(({ id }) => id),
  );
}

async function issueBills(
  billing: Billing,
  units: SubscriptionUnit[],
  ratings: Ratings,
): Promise<Map<SubscriptionUnit, IssuedInvoice[]>> {
  const jobs: { unit: SubscriptionUnit; bill: Bill; draft: InvoiceDraft }[] = [];
  for (const unit of units)
    for (const bill of unit.bills) {
      const lines = linesOf(unit, bill, ratings);
      if (lines.length > 0) jobs.push({ unit, bill, draft: draftOf(billing.work, unit, bill, lines) });
      else closeBill(unit, bill, ratings);
    }
  const issued = await issueInvoices(
    billing,
    jobs.map(({ draft }) => draft),
  );
  const byUnit = new Map<SubscriptionUnit, IssuedInvoice[]>();
  for (const [i, { unit, bill }] of jobs.entries()) {
    const one = issued[i]!;
    closeBill(unit, bill, ratings, one);
    byUnit.set(unit, [...(byUnit.get(unit) ?? []), one]);
  }
  return byUnit;
}

/** Every row of a bill becomes a fact: invoiced where the invoice has lines for it, else skipped (rules S4, C4). */
function closeBill(unit: SubscriptionUnit, bill: Bill, ratings: Ratings, one?: IssuedInvoice): void {
  const lines = one?.output.lines ?? [];
  for (const period of [...bill.periods, ...bill.late]) {
    const { net } = netOfPeriod({ lines }, period.id);
    const billed = lines.some(({ billingPeriodId }) => billingPeriodId === period.id);
    if (period.dirty) rateAgain(unit, period, ratings.get(period)!, net);
    else close(unit, period, net, ratings.get(period));
    if (billed && period.state !== 'invoiced')
      Object.assign(period, { state: 'invoiced', reason: null, invoiceId: one!.invoice.id });
  }
}

/** A pending row is skipped unless it was billed; an advance row remembers what is in force for its period (rules S5, S9). */
function close(unit: SubscriptionUnit, period: BillingPeriod, net: bigint, rating: Rating | undefined): void {
  Object.assign(period, { state: 'skipped', reason: 'nothing_to_bill' });
  if (rating) Object.assign(period, { billedQuantity: rating.quantity, billedAmount: rating.amount, billedNet: net });
  else Object.assign(period, { inForceFrom: period.periodStart, inForceNet: net });
  unit.updated.add(period);
}

/** A row billed before takes the values of the new rating; `net` was billed now (rules U7). */
function rateAgain(unit: SubscriptionUnit, period: BillingPeriod, { quantity, amount }: Rating, net: bigint): void {
  const billedNet = (period.billedNet ?? 0n) + net;
  Object.assign(period, { dirty: false, billedQuantity: quantity, billedAmount: amount, billedNet });
  unit.rated.push(period);
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
  await periodStore.insertPeriods(work.db, unit.inserted);
  await saveDiscounts(work.db, [unit]);
  await recordMrr(work, mrrChange(unit));
  const issued = (await issueBills(billing, [unit], NO_USAGE)).get(unit) ?? [];
  await periodStore.updatePendingPeriods(work.db, [...unit.updated]);
  for (const event of unit.events as NewEvent[]) work.emit(event);
  return { unit, issued };
}
