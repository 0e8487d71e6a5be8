import type { Instant } from '../../../platform/calendar.ts';
import { formatMoney } from '../../../platform/money.ts';
import type { Work } from '../../../platform/work.ts';
import type { PlanVersion } from '../../plans/plan.ts';
import { fullPrice } from '../../pricing/full-price.ts';
import { advanceAmount } from '../../pricing/lines.ts';
import type { BillingCycle } from '../../pricing/prices.ts';
import { givenBackOf, type ProrationInput, prorate, prorationLines, unusedAmount } from '../../pricing/proration.ts';
import type { BillingPeriod, ScheduledTerms, Subscription, Terms } from '../subscription.ts';
import { bill, closeUsage, makePending, pendingAdvance, withdrawNext } from './bills.ts';
import { discountsOfTerms, endWithCycle, moveWindows } from './discounts.ts';
import { currentCharge, type Outcome, replan, type TermsChange, versionOf } from './outcome.ts';
import { restartPeriods, termsAt } from './periods.ts';

/*
 * Changes of plan, quantity and cycle (rules Q1-Q7) in memory; what they bill and credit is written by `writeOutcomes`.
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
export function schedule(outcome: Outcome, target: Target, followsQuantity: boolean): void {
  const { sub } = outcome;
  const terms = termsOf(target);
  const next = sameTerms(terms, sub) ? null : { ...terms, followsQuantity };
  outcome.versions.set(target.version.id, target.version);
  const [before, after] = [termsAt(sub, sub.currentPeriodEnd), next ?? sub];
  if (!sameTerms(before, after)) withdrawNext(outcome, before.billingCycle !== after.billingCycle);
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
export function dropPending(outcome: Outcome): void {
  const { sub } = outcome;
  withdrawNext(outcome, sub.pendingChange !== null && sub.pendingChange.billingCycle !== sub.billingCycle);
  sub.pendingChange = null;
}

/** At a boundary, `at`: the scheduled change takes effect; the periods are up to the caller (rules S11). */
export function applyPending(outcome: Outcome, at: Instant): void {
  const { pendingChange } = outcome.sub;
  if (pendingChange === null) return;
  outcome.change = begun(outcome, at);
  takeTerms(outcome, pendingChange, at);
}

/** Takes effect at `at`, within the current period or the trial (rules Q3). */
export function changeNow(outcome: Outcome, work: Work, target: Target, at: Instant, prorated: boolean): void {
  const { sub } = outcome;
  const terms = termsOf(target);
  outcome.versions.set(target.version.id, target.version);
  outcome.cause = 'plan_change';
  if (sub.status === 'trialing') {
    outcome.change = begun(outcome, at);
    takeTerms(outcome, terms, at);
    return;
  }
  const cycles = [sub.billingCycle, termsAt(sub, sub.currentPeriodEnd).billingCycle];
  withdrawNext(outcome, !cycles.every((cycle) => cycle === terms.billingCycle));
  closeUsage(outcome, target.version, at);
  if (terms.billingCycle !== sub.billingCycle) changeCycle(outcome, work, terms, at);
  else if (prorated) changeWithin(outcome, terms, at);
  else {
    outcome.change = begun(outcome, at);
    takeTerms(outcome, terms, at);
  }
}

/** Another quantity at the price that was sold, from `at` on; what is scheduled stays (rules Q1, Q3). */
export function takeQuantity(outcome: Outcome, target: Target, at: Instant): void {
  const { sub } = outcome;
  const terms = termsOf(target);
  const scheduled = scheduledWith(sub, terms);
  const [before, after] = [termsAt(sub, sub.currentPeriodEnd), scheduled ?? terms];
  outcome.cause = 'plan_change';
  if (!sameTerms(before, after)) withdrawNext(outcome, before.billingCycle !== after.billingCycle);
  if (sub.status !== 'trialing') {
    changeWithin(outcome, terms, at, scheduled);
    return;
  }
  outcome.change = begun(outcome, at);
  takeTerms(outcome, terms, at, scheduled);
}

/** The instant a change asked for at `asked` counts from: not before what is in force, whichever clock said when. */
export function effectiveInstant(outcome: Outcome, asked: Instant): Instant {
  if (outcome.sub.status === 'trialing') return asked;
  const row = currentAdvance(outcome);
  const least = row.inForceFrom ?? row.periodStart;
  return asked > least ? asked : least;
}

/** Credit for the unused time, charge for the remaining time; the period stays (rules Q4-Q6). */
function changeWithin(outcome: Outcome, terms: Terms, at: Instant, scheduled: ScheduledTerms | null = null): void {
  const { sub } = outcome;
  const row = currentAdvance(outcome);
  const from = sideOf(outcome, row);
  const change = begun(outcome, at);
  takeTerms(outcome, terms, at, scheduled);
  const input = { ...prorationInput(outcome, row, at, fullPriceNow(outcome)), targetFacts: factsOf(outcome) };
  const { unused, remaining, net } = prorate(input);
  const lines = prorationLines(input, { from, to: sideOf(outcome, row) }, sub.currency);
  const bill = net > 0n ? { periods: [], rerated: [], lines, origin: 'change' as const, preGenerated: false } : null;
  if (bill) outcome.bills.push(bill);
  const givenBackBefore = givenBackOf(outcome.givenBack, at, row.periodEnd);
  Object.assign(row, { inForceFrom: at, inForceNet: remaining, givenBackBefore });
  outcome.change = { ...change, unused, remaining, lines, reverse: net < 0n ? -net : 0n, row, bill };
}

/** The unused time is credited, and a new full period begins at `at` (rules Q3). */
function changeCycle(outcome: Outcome, work: Work, terms: Terms, at: Instant): void {
  const { sub } = outcome;
  const row = currentAdvance(outcome);
  const side = sideOf(outcome, row);
  const change = begun(outcome, at);
  const input = prorationInput(outcome, row, at, 0n);
  const unused = unusedAmount(input);
  const lines = prorationLines(input, { from: side, to: side }, sub.currency);
  if (row.periodStart === at) makePending(row);
  else Object.assign(row, { periodEnd: at, inForceFrom: at, inForceNet: 0n, givenBackBefore: 0n });
  takeTerms(outcome, terms, at);
  restartPeriods(sub, at);
  moveWindows(outcome);
  outcome.change = { ...change, unused, lines, reverse: unused, row };
  replan(outcome, work);
  outcome.change = {
    ...outcome.change,
    remaining: fullPriceNow(outcome),
    bill: bill(outcome, pendingAdvance(outcome, at), 'change'),
  };
}

/** Begins a change, and keeps its place among the events. */
function begun({ sub, events }: Outcome, at: Instant): TermsChange {
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
  outcome: Outcome,
  { planId, planVersionId, quantity, billingCycle }: Terms,
  at: Instant,
  pendingChange: ScheduledTerms | null = null,
): void {
  const { sub } = outcome;
  if (billingCycle !== sub.billingCycle) endWithCycle(outcome, at);
  Object.assign(sub, { planId, planVersionId, quantity, billingCycle, pendingChange });
}

/** F: what the terms cost for the whole current period, less its discounts (rules Q5). */
const fullPriceNow = (outcome: Outcome): bigint =>
  fullPrice(currentCharge(outcome, outcome.sub), discountsOfTerms(outcome));

/** How the full price of the terms comes about, for `explain`. */
function factsOf(outcome: Outcome): Record<string, string> {
  const { sub } = outcome;
  const [list, full] = [advanceAmount(currentCharge(outcome, sub)), fullPriceNow(outcome)];
  const codes = discountsOfTerms(outcome).map(({ code }) => code);
  return {
    quantity: String(sub.quantity),
    billingCycle: sub.billingCycle,
    listPrice: formatMoney(list, sub.currency),
    ...(list === full ? {} : { discount: formatMoney(list - full, sub.currency), coupons: codes.join(' ') }),
  };
}

function prorationInput(outcome: Outcome, row: BillingPeriod, at: Instant, full: bigint): ProrationInput {
  const { periodStart, periodEnd } = row;
  const inForceFrom = row.inForceFrom ?? periodStart;
  const givenBack = givenBackOf(outcome.givenBack, inForceFrom, periodEnd) - row.givenBackBefore;
  return { at, periodStart, periodEnd, inForceFrom, inForceNet: row.inForceNet ?? 0n, givenBack, fullPrice: full };
}

function sideOf(outcome: Outcome, row: BillingPeriod) {
  const { id, planId, planName, productId } = versionOf(outcome);
  return { planId, planName, productId, planVersionId: id, billingPeriodId: row.id };
}

/** What is due is done before a change, so the current period has been billed. */
export function currentAdvance({ sub, periods }: Outcome): BillingPeriod {
  const row = periods.find(({ kind, periodStart }) => kind === 'advance' && periodStart === sub.currentPeriodStart);
  if (!row || row.state === 'pending') throw new Error(`The current period of ${sub.id} is not billed.`);
  return row;
}
