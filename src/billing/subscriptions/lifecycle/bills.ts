import type { Instant } from '../../../platform/calendar.ts';
import type { InvoiceOrigin } from '../../invoices/invoice.ts';
import type { PlanVersion } from '../../plans/plan.ts';
import type { BillingPeriod } from '../subscription.ts';
import { type Bill, isUsageBased, type Outcome, remove } from './outcome.ts';

export const pendingUsage = (outcome: Outcome, until: Instant): BillingPeriod[] =>
  outcome.periods.filter((row) => row.state === 'pending' && row.kind === 'usage' && row.dueAt <= until);

export const pendingAdvance = (outcome: Outcome, start: Instant): BillingPeriod[] =>
  outcome.periods.filter((row) => row.state === 'pending' && row.kind === 'advance' && row.periodStart === start);

/** Usage rows billed before that came to something else since (rules U6). */
export const dirtyUsage = (outcome: Outcome): BillingPeriod[] => outcome.periods.filter(({ dirty }) => dirty);

/** Asks for one invoice over the rows; null when there are none. */
export function bill(
  outcome: Outcome,
  periods: BillingPeriod[],
  origin: InvoiceOrigin,
  { rerated = [], preGenerated = false }: Partial<Pick<Bill, 'rerated' | 'preGenerated'>> = {},
): Bill | null {
  if (periods.length + rerated.length === 0) return null;
  const asked = { periods, rerated, origin, preGenerated };
  outcome.bills.push(asked);
  return asked;
}

/**
 * The charge of the next period is taken back (rules Q9): its invoice is withdrawn, and that it had nothing to bill is
 * judged again. What a person waived stays so, unless the period itself will be another one.
 */
export function withdrawNext(outcome: Outcome, waivedToo = false): void {
  for (const row of outcome.periods) {
    if (row.kind !== 'advance' || row.periodStart < outcome.sub.currentPeriodEnd) continue;
    if (row.state === 'invoiced' && !outcome.withdrawn.includes(row)) outcome.withdrawn.push(row);
    if (row.state === 'skipped' || (row.state === 'waived' && waivedToo)) makePending(row);
  }
}

/** The row is a plan again. */
export function makePending(row: BillingPeriod): void {
  Object.assign(row, { state: 'pending', reason: null, invoiceId: null });
  Object.assign(row, { inForceFrom: null, inForceNet: null, givenBackBefore: 0n });
}

/** Usage of a period that ends early is billed apart (rules Q7, Q12). */
export function closeAt(row: BillingPeriod, at: Instant): void {
  if (row.periodEnd <= at) return;
  row.periodEnd = at > row.periodStart ? at : row.periodStart;
  row.dueAt = row.periodEnd;
}

/** The usage so far is billed at the terms so far; a row that begins only now goes over to the new ones (rules Q7). */
export function closeUsage(outcome: Outcome, target: PlanVersion, at: Instant): void {
  for (const row of outcome.periods.filter(({ kind, state }) => kind === 'usage' && state === 'pending')) {
    if (row.periodStart < at) closeAt(row, at);
    else if (!isUsageBased(target)) remove(outcome, row);
  }
}
