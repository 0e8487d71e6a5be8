import { AppError } from '../../../platform/errors.ts';
import type { Scope } from '../../../platform/http/principal.ts';
import type { Authority, Subscription } from '../subscription.ts';

/*
 * What a caller narrowed to a customer may not do to its own subscriptions (rules S15, contract 1.11): decide what the
 * operator decides, or take back what the operator has said.
 */

export const authorityOf = (scope: Scope): Authority => (scope === null ? 'operator' : 'customer');

/** Members that only the operator sets: when it is billed, and what the operator keeps about it. */
const CHANGED_BY_OPERATOR = ['preRenewalInvoiceDays', 'metadata'] as const;
const CREATED_BY_OPERATOR = ['trialDays', 'preRenewalInvoiceDays'] as const;

export const checkOwnCreate = (scope: Scope, body: object): void => refuseMembers(scope, body, CREATED_BY_OPERATOR);
export const checkOwnUpdate = (scope: Scope, body: object): void => refuseMembers(scope, body, CHANGED_BY_OPERATOR);

function refuseMembers(scope: Scope, body: object, members: readonly string[]): void {
  const sent = scope === null ? [] : members.filter((member) => member in body);
  if (sent.length > 0) throw forbidden(`An API key of a customer cannot set ${sent.join(', ')}.`);
}

/** Throws AppError `forbidden` where another than the caller has said that the subscription ends. */
export function refuseStaying(scope: Scope, { cancelAtPeriodEnd, endingBy }: Subscription): void {
  if (scope !== null && cancelAtPeriodEnd && endingBy !== 'customer')
    throw forbidden('The end of the subscription was set by the operator.');
}

/** Throws AppError `forbidden` where another than the caller has paused the subscription. */
export function refuseResuming(scope: Scope, { pauseReason, pausedBy }: Subscription): void {
  if (scope === null || pausedBy === 'customer') return;
  const dunning = pauseReason === 'dunning';
  throw forbidden(dunning ? 'This pause ends when the overdue invoices are paid.' : 'The operator has set this pause.');
}

/** What the customer has set and the operator asks for as well is the operator's from now on. */
export function takeOver(
  scope: Scope,
  sub: Subscription,
  asked: { status?: string; cancelAtPeriodEnd?: boolean },
): void {
  if (authorityOf(scope) !== 'operator') return;
  if (asked.status === 'paused' && sub.pausedBy === 'customer') sub.pausedBy = 'operator';
  if (asked.cancelAtPeriodEnd && sub.endingBy === 'customer') sub.endingBy = 'operator';
}

const forbidden = (message: string) => new AppError('forbidden', message);
