import { changesOf } from '../../../platform/changes.ts';
import { formatMoney } from '../../../platform/money.ts';
import { advanceAmount } from '../../pricing/lines.ts';
import type { Subscription } from '../subscription.ts';
import { changedDiscounts } from './discounts.ts';
import { currentCharge, emit, type Outcome, type TermsChange, versionOf } from './outcome.ts';
import { nextAction } from './transitions.ts';

/** Members whose change `subscription.updated` tells (contract 4.1.3). */
const ANNOUNCED = [
  ...(['status', 'planId', 'quantity', 'billingCycle', 'cancelAtPeriodEnd', 'metadata'] as const),
  'preRenewalInvoiceDays' as const,
];
const SHOWN = [
  ...ANNOUNCED,
  ...(['currentPeriodStart', 'currentPeriodEnd', 'trialEnd', 'planVersionId', 'pendingChange'] as const),
];

/** Next due instant, version and the events that follow from what has changed. */
export function finish(outcome: Outcome, now: string): void {
  const { sub, before } = outcome;
  sub.nextActionAt = nextAction(outcome)?.at ?? null;
  if (outcome.isNew) return;
  sub.errorCount = 0;
  sub.lastError = null;
  const members = changesOf<Subscription>(before, sub);
  const discounts = changedDiscounts(outcome);
  if (discounts || SHOWN.some((member) => member in members)) {
    sub.version += 1;
    sub.updatedAt = now;
  }
  if (outcome.change) outcome.change.event.data = changedData(outcome, outcome.change);
  if (outcome.renewed) emit(outcome, 'subscription.renewed', renewedData(outcome));
  const changes: string[] = ANNOUNCED.filter((member) => member in members);
  if ('planVersionId' in members) changes.push('planVersion');
  if (discounts) changes.push('discounts');
  if (changes.length === 0) return;
  const { status, quantity, cancelAtPeriodEnd } = sub;
  emit(outcome, 'subscription.updated', { status, quantity, cancelAtPeriodEnd, changes });
}

function changedData(outcome: Outcome, change: TermsChange): Record<string, unknown> {
  const { sub } = outcome;
  const money = (minor: bigint) => formatMoney(minor, sub.currency);
  return {
    subscriptionId: sub.id,
    customerId: sub.customerId,
    oldPlanId: change.before.planId,
    newPlanId: sub.planId,
    planVersion: versionOf(outcome).number,
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

function renewedData(outcome: Outcome): Record<string, unknown> {
  const { sub, periods } = outcome;
  const row = periods.find((period) => period.kind === 'advance' && period.periodStart === sub.currentPeriodStart);
  return {
    invoiceId: row?.invoiceId ?? null,
    amount: formatMoney(advanceAmount(currentCharge(outcome, sub)), sub.currency),
    currency: sub.currency,
    currentPeriodStart: sub.currentPeriodStart,
    currentPeriodEnd: sub.currentPeriodEnd,
  };
}
