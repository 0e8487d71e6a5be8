import { addDays, type Instant } from '../../../platform/calendar.ts';
import { changesOf } from '../../../platform/changes.ts';
import { conflict, refuse } from '../../../platform/errors.ts';
import type { Work } from '../../../platform/work.ts';
import { type Authority, type CancelReason, isBilled, type PauseReason, type Subscription } from '../subscription.ts';
import { bill, closeAt, dirtyUsage, pendingAdvance, pendingUsage, withdrawNext } from './bills.ts';
import { moveWindows } from './discounts.ts';
import { emit, type Outcome, replan } from './outcome.ts';
import { enterPeriod, restartPeriods } from './periods.ts';
import { applyPending, dropPending } from './terms-change.ts';

/**
 * The state machine of rules §8.1. Each function changes the outcome in memory and says what is to be billed or withdrawn;
 * none talks to the database.
 */

/** The first paid period begins at `start`, however late the run is (rules S table, S.7). */
export function begin(outcome: Outcome, work: Work, start: Instant): void {
  outcome.sub.status = 'active';
  restartPeriods(outcome.sub, start);
  moveWindows(outcome);
  replan(outcome, work);
  bill(outcome, pendingAdvance(outcome, start), 'first');
}

export function sendTrialNotice(outcome: Outcome): void {
  outcome.sub.trialNoticeAt = null;
  emit(outcome, 'subscription.trial_ending', { trialEnd: outcome.sub.trialEnd });
}

/** A person ends the trial now (contract 2.9: PUT status active). */
export function endTrial(outcome: Outcome, work: Work): void {
  outcome.sub.trialEnd = work.now;
  outcome.sub.trialNoticeAt = null;
  outcome.cause = 'trial_end';
  applyPending(outcome, work.now);
  begin(outcome, work, work.now);
}

/** The end of the current period (rules S11, action b). */
export function crossBoundary(outcome: Outcome, work: Work): void {
  const { sub } = outcome;
  const end = sub.currentPeriodEnd;
  if (sub.cancelAtPeriodEnd) {
    cancel(outcome, end, 'period_end');
    return;
  }
  outcome.cause = 'renewal';
  if (sub.status === 'trialing') {
    outcome.cause = 'trial_end';
    sub.trialNoticeAt = null;
    applyPending(outcome, end);
    begin(outcome, work, end);
    return;
  }
  const cycle = sub.billingCycle;
  applyPending(outcome, end);
  if (sub.billingCycle === cycle) enterPeriod(sub, sub.periodIndex + 1);
  else restartPeriods(sub, end);
  replan(outcome, work);
  bill(outcome, [...pendingUsage(outcome, end), ...pendingAdvance(outcome, end)], 'renewal', {
    rerated: dirtyUsage(outcome),
  });
  outcome.renewed = true;
}

/** The next period is invoiced before it begins, alone (rules S8, action c). */
export function billAhead(outcome: Outcome): void {
  bill(outcome, pendingAdvance(outcome, outcome.sub.currentPeriodEnd), 'renewal', { preGenerated: true });
}

/** Usage that was closed before its period's end, and what changed of a subscription that has ended (rules S11, action d). */
export function billClosedUsage(outcome: Outcome, until: Instant): void {
  bill(outcome, pendingUsage(outcome, until), 'usage', {
    rerated: outcome.sub.status === 'canceled' ? dirtyUsage(outcome) : [],
  });
}

/** Ends the subscription at `at`: now, or the end of its period (rules Q12). Paid time is not refunded. */
export function cancel(outcome: Outcome, at: Instant, reason: CancelReason): void {
  const { sub } = outcome;
  withdrawNext(outcome);
  sub.status = 'canceled';
  sub.canceledAt = at;
  sub.cancelReason = reason;
  sub.pauseReason = null;
  sub.pausedBy = null;
  sub.pausedAt = null;
  sub.trialNoticeAt = null;
  sub.pendingChange = null;
  outcome.cause = 'cancel';
  const usage = outcome.periods.filter((row) => row.kind === 'usage' && row.state === 'pending');
  for (const row of usage) closeAt(row, at);
  bill(outcome, usage, 'final', { rerated: dirtyUsage(outcome) });
  emit(outcome, 'subscription.canceled', { canceledAt: at, reason });
}

/** No money moves; the next period is withdrawn, and nothing is due while it lasts (rules Q10). */
export function pause(outcome: Outcome, work: Work, reason: PauseReason, by: Authority | null = null): void {
  const { sub } = outcome;
  const allowed = sub.status === 'active' || (sub.status === 'past_due' && reason === 'dunning');
  if (!allowed) throw refuse('subscription_not_active', `A ${sub.status} subscription cannot be paused.`);
  withdrawNext(outcome);
  sub.status = 'paused';
  sub.pauseReason = reason;
  sub.pausedBy = by;
  sub.pausedAt = work.now;
  outcome.cause = 'pause';
  emit(outcome, 'subscription.paused', { pausedAt: work.now, reason });
}

/** Within the period it goes on; after its end a new one begins now and bills the usage of the old one (rules Q11). */
export function resume(outcome: Outcome, work: Work, reason: 'requested' | 'payment', blocked: boolean): void {
  const { sub } = outcome;
  const over = work.now >= sub.currentPeriodEnd;
  sub.status = blocked ? 'past_due' : 'active';
  sub.pauseReason = null;
  sub.pausedBy = null;
  sub.pausedAt = null;
  outcome.cause = 'resume';
  emit(outcome, 'subscription.resumed', { reason });
  if (over) {
    applyPending(outcome, work.now); // the period it waited for is over
    restartPeriods(sub, work.now);
    moveWindows(outcome);
    reuseFact(outcome);
    replan(outcome, work);
  }
  const periods = over ? [...pendingUsage(outcome, work.now), ...pendingAdvance(outcome, work.now)] : [];
  bill(outcome, periods, 'resume', { rerated: dirtyUsage(outcome) });
}

/** A waived or skipped row that starts with the new period ends with it, too. */
function reuseFact(outcome: Outcome): void {
  const { currentPeriodStart: start, currentPeriodEnd: end } = outcome.sub;
  for (const row of outcome.periods) {
    if (row.kind !== 'advance' || row.state === 'pending' || row.periodStart !== start || row.periodEnd === end)
      continue;
    row.periodEnd = end;
  }
}

/** Sets or takes back the end at period end (rules Q12). */
export function setCancelAtPeriodEnd(outcome: Outcome, work: Work, value: boolean, by: Authority): void {
  const { sub } = outcome;
  if (sub.cancelAtPeriodEnd === value) return;
  sub.cancelAtPeriodEnd = value;
  sub.endingBy = value ? by : null;
  if (!value) return;
  dropPending(outcome);
  if (sub.status === 'paused' && sub.currentPeriodEnd <= work.now) cancel(outcome, sub.currentPeriodEnd, 'period_end');
}

export type DueKind = 'trial_notice' | 'boundary' | 'pre_renewal' | 'closed_usage';
export interface DueAction {
  kind: DueKind;
  at: Instant;
}

/** The earliest action to come; of equal instants the first in the order of rules S11. */
export function nextAction(outcome: Pick<Outcome, 'sub' | 'periods'>): DueAction | null {
  const { sub, periods } = outcome;
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

export function isDue(outcome: Outcome, now: Instant): boolean {
  const action = nextAction(outcome);
  return action !== null && action.at <= now;
}

/** Performs the earliest action that is due; null when none is. */
export function performDue(outcome: Outcome, work: Work): DueKind | null {
  const action = nextAction(outcome);
  if (!action || action.at > work.now) return null;
  if (action.kind === 'trial_notice') sendTrialNotice(outcome);
  else if (action.kind === 'boundary') crossBoundary(outcome, work);
  else if (action.kind === 'pre_renewal') billAhead(outcome);
  else billClosedUsage(outcome, action.at);
  return action.kind;
}

/** When the trial notice is due: `days` before the end, or at once; null for no notice (rules S11, action a). */
export function trialNoticeAt(trialEnd: Instant, days: number, now: Instant): Instant | null {
  if (days === 0) return null;
  const at = addDays(trialEnd, -days);
  return at > now ? at : now;
}

/** Refuses another status, or another value of a member besides metadata, of a canceled subscription (rules S1). */
export function refuseCanceled({ sub }: Outcome, asked: Partial<Subscription>): void {
  if (sub.status !== 'canceled') return;
  const changed = Object.keys(changesOf<Partial<Subscription>>(sub, asked)).filter((member) => member !== 'metadata');
  if (changed.length === 0) return;
  if (changed.every((member) => member === 'status') && asked.status === 'active')
    throw conflict('A canceled subscription cannot become active again.');
  throw refuse('subscription_not_active', 'The subscription is canceled.');
}
