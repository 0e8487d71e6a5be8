import { addDays, type Instant } from '../../../platform/calendar.ts';
import { changesOf } from '../../../platform/changes.ts';
import { conflict, refuse } from '../../../platform/errors.ts';
import type { Work } from '../../../platform/work.ts';
import { type Authority, type CancelReason, isBilled, type PauseReason, type Subscription } from '../subscription.ts';
import { bill, closeAt, dirtyUsage, pendingAdvance, pendingUsage, withdrawNext } from './bills.ts';
import { moveWindows } from './discounts.ts';
import { emit, replan, type SubscriptionUnit } from './outcome.ts';
import { enterPeriod, restartPeriods } from './periods.ts';
import { applyPending, dropPending } from './terms-change.ts';

/**
 * The state machine of rules §8.1. Each function changes the unit in memory and says what is to be billed or withdrawn;
 * none talks to the database.
 */

/** The first paid period begins at `start`, however late the run is (rules S table, S.7). */
export function begin(unit: SubscriptionUnit, work: Work, start: Instant): void {
  unit.sub.status = 'active';
  restartPeriods(unit.sub, start);
  moveWindows(unit);
  replan(unit, work);
  bill(unit, pendingAdvance(unit, start), 'first');
}

export function sendTrialNotice(unit: SubscriptionUnit): void {
  unit.sub.trialNoticeAt = null;
  emit(unit, 'subscription.trial_ending', { trialEnd: unit.sub.trialEnd });
}

/** A person ends the trial now (contract 2.9: PUT status active). */
export function endTrial(unit: SubscriptionUnit, work: Work): void {
  unit.sub.trialEnd = work.now;
  unit.sub.trialNoticeAt = null;
  unit.cause = 'trial_end';
  applyPending(unit, work.now);
  begin(unit, work, work.now);
}

/** The end of the current period (rules S11, action b). */
export function crossBoundary(unit: SubscriptionUnit, work: Work): void {
  const { sub } = unit;
  const end = sub.currentPeriodEnd;
  if (sub.cancelAtPeriodEnd) {
    cancel(unit, end, 'period_end');
    return;
  }
  unit.cause = 'renewal';
  if (sub.status === 'trialing') {
    unit.cause = 'trial_end';
    sub.trialNoticeAt = null;
    applyPending(unit, end);
    begin(unit, work, end);
    return;
  }
  const cycle = sub.billingCycle;
  applyPending(unit, end);
  if (sub.billingCycle === cycle) enterPeriod(sub, sub.periodIndex + 1);
  else restartPeriods(sub, end);
  replan(unit, work);
  bill(unit, [...pendingUsage(unit, end), ...pendingAdvance(unit, end)], 'renewal', { late: dirtyUsage(unit) });
  unit.renewed = true;
}

/** The next period is invoiced before it begins, alone (rules S8, action c). */
export function billAhead(unit: SubscriptionUnit): void {
  bill(unit, pendingAdvance(unit, unit.sub.currentPeriodEnd), 'renewal', { preGenerated: true });
}

/** Usage that was closed before its period's end, and what changed of a subscription that has ended (rules S11, action d). */
export function billClosedUsage(unit: SubscriptionUnit, until: Instant): void {
  bill(unit, pendingUsage(unit, until), 'usage', { late: unit.sub.status === 'canceled' ? dirtyUsage(unit) : [] });
}

/** Ends the subscription at `at`: now, or the end of its period (rules Q12). Paid time is not refunded. */
export function cancel(unit: SubscriptionUnit, at: Instant, reason: CancelReason): void {
  const { sub } = unit;
  withdrawNext(unit);
  sub.status = 'canceled';
  sub.canceledAt = at;
  sub.cancelReason = reason;
  sub.pauseReason = null;
  sub.pausedBy = null;
  sub.pausedAt = null;
  sub.trialNoticeAt = null;
  sub.pendingChange = null;
  unit.cause = 'cancel';
  const usage = unit.periods.filter((row) => row.kind === 'usage' && row.state === 'pending');
  for (const row of usage) closeAt(unit, row, at);
  bill(unit, usage, 'final', { late: dirtyUsage(unit) });
  emit(unit, 'subscription.canceled', { canceledAt: at, reason });
}

/** No money moves; the next period is withdrawn, and nothing is due while it lasts (rules Q10). */
export function pause(unit: SubscriptionUnit, work: Work, reason: PauseReason, by: Authority | null = null): void {
  const { sub } = unit;
  const allowed = sub.status === 'active' || (sub.status === 'past_due' && reason === 'dunning');
  if (!allowed) throw refuse('subscription_not_active', `A ${sub.status} subscription cannot be paused.`);
  withdrawNext(unit);
  sub.status = 'paused';
  sub.pauseReason = reason;
  sub.pausedBy = by;
  sub.pausedAt = work.now;
  unit.cause = 'pause';
  emit(unit, 'subscription.paused', { pausedAt: work.now, reason });
}

/** Within the period it goes on; after its end a new one begins now and bills the usage of the old one (rules Q11). */
export function resume(unit: SubscriptionUnit, work: Work, reason: 'requested' | 'payment', blocked: boolean): void {
  const { sub } = unit;
  const over = work.now >= sub.currentPeriodEnd;
  sub.status = blocked ? 'past_due' : 'active';
  sub.pauseReason = null;
  sub.pausedBy = null;
  sub.pausedAt = null;
  unit.cause = 'resume';
  emit(unit, 'subscription.resumed', { reason });
  if (over) {
    applyPending(unit, work.now); // the period it waited for is over
    restartPeriods(sub, work.now);
    moveWindows(unit);
    reuseFact(unit);
    replan(unit, work);
  }
  const periods = over ? [...pendingUsage(unit, work.now), ...pendingAdvance(unit, work.now)] : [];
  bill(unit, periods, 'resume', { late: dirtyUsage(unit) });
}

/** A waived or skipped row that starts with the new period ends with it, too. */
function reuseFact(unit: SubscriptionUnit): void {
  const { currentPeriodStart: start, currentPeriodEnd: end } = unit.sub;
  for (const row of unit.periods) {
    if (row.kind !== 'advance' || row.state === 'pending' || row.periodStart !== start || row.periodEnd === end)
      continue;
    row.periodEnd = end;
    unit.revised.add(row);
  }
}

/** Sets or takes back the end at period end (rules Q12). */
export function setCancelAtPeriodEnd(unit: SubscriptionUnit, work: Work, value: boolean, by: Authority): void {
  const { sub } = unit;
  if (sub.cancelAtPeriodEnd === value) return;
  sub.cancelAtPeriodEnd = value;
  sub.endingBy = value ? by : null;
  if (!value) return;
  dropPending(unit);
  if (sub.status === 'paused' && sub.currentPeriodEnd <= work.now) cancel(unit, sub.currentPeriodEnd, 'period_end');
}

export type DueKind = 'trial_notice' | 'boundary' | 'pre_renewal' | 'closed_usage';
export interface DueAction {
  kind: DueKind;
  at: Instant;
}

/** The earliest action to come; of equal instants the first in the order of rules S11. */
export function nextAction(unit: Pick<SubscriptionUnit, 'sub' | 'periods'>): DueAction | null {
  const { sub, periods } = unit;
  const actions: DueAction[] = [];
  if (sub.status === 'trialing' && sub.trialNoticeAt) actions.push({ kind: 'trial_notice', at: sub.trialNoticeAt });
  const ends = isBilled(sub.status) || sub.status === 'trialing' || (sub.status === 'paused' && sub.cancelAtPeriodEnd);
  if (ends) actions.push({ kind: 'boundary', at: sub.currentPeriodEnd });
  const pending = sub.status === 'paused' ? [] : periods.filter(({ state }) => state === 'pending');
  for (const row of pending)
    if (row.kind === 'advance' && row.periodStart === sub.currentPeriodEnd && isBilled(sub.status))
      actions.push({ kind: 'pre_renewal', at: row.dueAt });
  for (const row of pending)
    if (row.kind === 'usage' && row.dueAt < sub.currentPeriodEnd) actions.push({ kind: 'closed_usage', at: row.dueAt });
  if (sub.canceledAt && periods.some(({ dirty }) => dirty)) actions.push({ kind: 'closed_usage', at: sub.canceledAt });
  return actions.reduce<DueAction | null>((first, action) => (first && first.at <= action.at ? first : action), null);
}

export function isDue(unit: SubscriptionUnit, now: Instant): boolean {
  const action = nextAction(unit);
  return action !== null && action.at <= now;
}

/** Performs the earliest action that is due; null when none is. */
export function performDue(unit: SubscriptionUnit, work: Work): DueKind | null {
  const action = nextAction(unit);
  if (!action || action.at > work.now) return null;
  if (action.kind === 'trial_notice') sendTrialNotice(unit);
  else if (action.kind === 'boundary') crossBoundary(unit, work);
  else if (action.kind === 'pre_renewal') billAhead(unit);
  else billClosedUsage(unit, action.at);
  return action.kind;
}

/** When the trial notice is due: `days` before the end, or at once; null for no notice (rules S11, action a). */
export function trialNoticeAt(trialEnd: Instant, days: number, now: Instant): Instant | null {
  if (days === 0) return null;
  const at = addDays(trialEnd, -days);
  return at > now ? at : now;
}

/** Refuses another status, or another value of a member besides metadata, of a canceled subscription (rules S1). */
export function refuseCanceled({ sub }: SubscriptionUnit, asked: Partial<Subscription>): void {
  if (sub.status !== 'canceled') return;
  const changed = Object.keys(changesOf<Partial<Subscription>>(sub, asked)).filter((member) => member !== 'metadata');
  if (changed.length === 0) return;
  if (changed.every((member) => member === 'status') && asked.status === 'active')
    throw conflict('A canceled subscription cannot become active again.');
  throw refuse('subscription_not_active', 'The subscription is canceled.');
}
