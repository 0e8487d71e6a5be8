import type { Instant } from '../../../platform/calendar.ts';
import { formatMoney } from '../../../platform/money.ts';
import type { Work } from '../../../platform/work.ts';
import type { PlanVersion } from '../../plans/plan.ts';
import { fullPrice } from '../../pricing/full-price.ts';
import { advanceAmount } from '../../pricing/lines.ts';
import type { BillingCycle } from '../../pricing/prices.ts';
import { givenBackOf, type ProrationInput, prorate, prorationLines, unusedAmount } from '../../pricing/proration.ts';
import type { BillingPeriod, ScheduledTerms, Subscription, Terms } from '../subscription.ts';
import { bill, closeUsage, pendingAdvance, reopen, withdrawNext } from './bills.ts';
import { discountsOfTerms, endWithCycle, moveWindows } from './discounts.ts';
import { currentCharge, replan, type SubscriptionUnit, type TermsChange, versionOf } from './outcome.ts';
import { restartPeriods, termsAt } from './periods.ts';

/*
 * Changes of plan, quantity and cycle (rules Q1-Q7) in memory; what they bill and credit is written by `saveUnits`.
 */

/** What a subscription is changed to. */
export interface Target {
  version: PlanVersion;
  quantity: number;
  billingCycle: BillingCycle;
}

export const termsOf = ({ version, quantity, billingCycle }: Target): Terms => ({
  planId: version.planId,
  planVersionId: version.id,
  quantity,
  billingCycle,
});

export const sameTerms = (a: Terms, b: Terms): boolean =>
  a.planVersionId === b.planVersionId && a.quantity === b.quantity && a.billingCycle === b.billingCycle;

/** Keeps the change for the end of the period, in place of any other; the present terms mean none (rules Q3). */
export function schedule(unit: SubscriptionUnit, target: Target, followsQuantity: boolean): void {
  const { sub } = unit;
  const terms = termsOf(target);
  const next = sameTerms(terms, sub) ? null : { ...terms, followsQuantity };
  unit.versions.set(target.version.id, target.version);
  const [before, after] = [termsAt(sub, sub.currentPeriodEnd), next ?? sub];
  if (!sameTerms(before, after)) withdrawNext(unit, before.billingCycle !== after.billingCycle);
  sub.pendingChange = next;
}

/** What waits for the end of the period when the quantity becomes another one: it follows, unless one was named. */
function scheduledWith({ pendingChange, quantity }: Subscription, terms: Terms): ScheduledTerms | null {
  if (pendingChange === null) return null;
  const { followsQuantity = pendingChange.quantity === quantity } = pendingChange;
  const next = { ...pendingChange, followsQuantity, ...(followsQuantity ? { quantity: terms.quantity } : {}) };
  return sameTerms(next, terms) ? null : next;
}

/** Drops the scheduled change (rules Q3, Q12); the next period must be withdrawn with it. */
export function dropPending(unit: SubscriptionUnit): void {
  const { sub } = unit;
  withdrawNext(unit, sub.pendingChange !== null && sub.pendingChange.billingCycle !== sub.billingCycle);
  sub.pendingChange = null;
}

/** At a boundary, `at`: the scheduled change takes effect; the periods are up to the caller (rules S11). */
export function applyPending(unit: SubscriptionUnit, at: Instant): void {
  const { pendingChange } = unit.sub;
  if (pendingChange === null) return;
  unit.change = begun(unit, at);
  takeTerms(unit, pendingChange, at);
}

/** Takes effect at `at`, within the current period or the trial (rules Q3). */
export function changeNow(unit: SubscriptionUnit, work: Work, target: Target, at: Instant, prorated: boolean): void {
  const { sub } = unit;
  const terms = termsOf(target);
  unit.versions.set(target.version.id, target.version);
  unit.cause = 'plan_change';
  if (sub.status === 'trialing') {
    unit.change = begun(unit, at);
    takeTerms(unit, terms, at);
    return;
  }
  const cycles = [sub.billingCycle, termsAt(sub, sub.currentPeriodEnd).billingCycle];
  withdrawNext(unit, !cycles.every((cycle) => cycle === terms.billingCycle));
  closeUsage(unit, target.version, at);
  if (terms.billingCycle !== sub.billingCycle) changeCycle(unit, work, terms, at);
  else if (prorated) changeWithin(unit, terms, at);
  else {
    unit.change = begun(unit, at);
    takeTerms(unit, terms, at);
  }
}

/** Another quantity at the price that was sold, from `at` on; what is scheduled stays (rules Q1, Q3). */
export function takeQuantity(unit: SubscriptionUnit, target: Target, at: Instant): void {
  const { sub } = unit;
  const terms = termsOf(target);
  const scheduled = scheduledWith(sub, terms);
  const [before, after] = [termsAt(sub, sub.currentPeriodEnd), scheduled ?? terms];
  unit.cause = 'plan_change';
  if (!sameTerms(before, after)) withdrawNext(unit, before.billingCycle !== after.billingCycle);
  if (sub.status !== 'trialing') {
    changeWithin(unit, terms, at, scheduled);
    return;
  }
  unit.change = begun(unit, at);
  takeTerms(unit, terms, at, scheduled);
}

/** The instant a change asked for at `asked` counts from: not before what is in force, whichever clock said when. */
export function effectiveInstant(unit: SubscriptionUnit, asked: Instant): Instant {
  if (unit.sub.status === 'trialing') return asked;
  const row = currentAdvance(unit);
  const least = row.inForceFrom ?? row.periodStart;
  return asked > least ? asked : least;
}

/** Credit for the unused time, charge for the remaining time; the period stays (rules Q4-Q6). */
function changeWithin(
  unit: SubscriptionUnit,
  terms: Terms,
  at: Instant,
  scheduled: ScheduledTerms | null = null,
): void {
  const { sub } = unit;
  const row = currentAdvance(unit);
  const from = sideOf(unit, row);
  const change = begun(unit, at);
  takeTerms(unit, terms, at, scheduled);
  const input = { ...prorationInput(unit, row, at, fullPriceNow(unit)), targetFacts: factsOf(unit) };
  const { unused, remaining, net } = prorate(input);
  const lines = prorationLines(input, { from, to: sideOf(unit, row) }, sub.currency);
  const bill = net > 0n ? { periods: [], late: [], lines, origin: 'change' as const, preGenerated: false } : null;
  if (bill) unit.bills.push(bill);
  const givenBackBefore = givenBackOf(unit.givenBack, at, row.periodEnd);
  revise(unit, row, { inForceFrom: at, inForceNet: remaining, givenBackBefore });
  unit.change = { ...change, unused, remaining, lines, reverse: net < 0n ? -net : 0n, row, bill };
}

/** The unused time is credited, and a new full period begins at `at` (rules Q3). */
function changeCycle(unit: SubscriptionUnit, work: Work, terms: Terms, at: Instant): void {
  const { sub } = unit;
  const row = currentAdvance(unit);
  const side = sideOf(unit, row);
  const change = begun(unit, at);
  const input = prorationInput(unit, row, at, 0n);
  const unused = unusedAmount(input);
  const lines = prorationLines(input, { from: side, to: side }, sub.currency);
  if (row.periodStart === at) reopen(unit, row);
  else revise(unit, row, { periodEnd: at, inForceFrom: at, inForceNet: 0n, givenBackBefore: 0n });
  takeTerms(unit, terms, at);
  restartPeriods(sub, at);
  moveWindows(unit);
  unit.change = { ...change, unused, lines, reverse: unused, row };
  replan(unit, work);
  unit.change = { ...unit.change, remaining: fullPriceNow(unit), bill: bill(unit, pendingAdvance(unit, at), 'change') };
}

/** Begins a change, and keeps its place among the events. */
function begun({ sub, events }: SubscriptionUnit, at: Instant): TermsChange {
  const { id: resourceId, customerId, planId, planVersionId, quantity, billingCycle } = sub;
  const type = 'subscription.plan_changed';
  const event = { type, customerId, resourceType: 'subscription', resourceId, data: {} };
  events.push(event);
  return { ...NO_MONEY, at, before: { planId, planVersionId, quantity, billingCycle }, event, creditNotes: [] };
}

const NO_MONEY = {
  unused: 0n,
  remaining: 0n,
  lines: [],
  reverse: 0n,
  row: null,
  bill: null,
  invoice: null,
};

/** A change of plan replaces the scheduled one; another cycle ends what was promised for a number of cycles (rules D5). */
function takeTerms(
  unit: SubscriptionUnit,
  { planId, planVersionId, quantity, billingCycle }: Terms,
  at: Instant,
  pendingChange: ScheduledTerms | null = null,
): void {
  const { sub } = unit;
  if (billingCycle !== sub.billingCycle) endWithCycle(unit, at);
  Object.assign(sub, { planId, planVersionId, quantity, billingCycle, pendingChange });
}

/** F: what the terms cost for the whole current period, less its discounts (rules Q5). */
const fullPriceNow = (unit: SubscriptionUnit): bigint =>
  fullPrice(currentCharge(unit, unit.sub), discountsOfTerms(unit));

/** How the full price of the terms comes about, for `explain`. */
function factsOf(unit: SubscriptionUnit): Record<string, string> {
  const { sub } = unit;
  const [list, full] = [advanceAmount(currentCharge(unit, sub)), fullPriceNow(unit)];
  const codes = discountsOfTerms(unit).map(({ code }) => code);
  return {
    quantity: String(sub.quantity),
    billingCycle: sub.billingCycle,
    listPrice: formatMoney(list, sub.currency),
    ...(list === full ? {} : { discount: formatMoney(list - full, sub.currency), coupons: codes.join(' ') }),
  };
}

function prorationInput(unit: SubscriptionUnit, row: BillingPeriod, at: Instant, full: bigint): ProrationInput {
  const { periodStart, periodEnd } = row;
  const inForceFrom = row.inForceFrom ?? periodStart;
  const givenBack = givenBackOf(unit.givenBack, inForceFrom, periodEnd) - row.givenBackBefore;
  return { at, periodStart, periodEnd, inForceFrom, inForceNet: row.inForceNet ?? 0n, givenBack, fullPrice: full };
}

function sideOf(unit: SubscriptionUnit, row: BillingPeriod) {
  const { id, planId, planName, productId } = versionOf(unit);
  return { planId, planName, productId, planVersionId: id, billingPeriodId: row.id };
}

function revise(unit: SubscriptionUnit, row: BillingPeriod, facts: Partial<BillingPeriod>): void {
  Object.assign(row, facts);
  unit.revised.add(row);
}

/** What is due is done before a change, so the current period has been billed. */
export function currentAdvance({ sub, periods }: SubscriptionUnit): BillingPeriod {
  const row = periods.find(({ kind, periodStart }) => kind === 'advance' && periodStart === sub.currentPeriodStart);
  if (!row || row.state === 'pending') throw new Error(`The current period of ${sub.id} is not billed.`);
  return row;
}
