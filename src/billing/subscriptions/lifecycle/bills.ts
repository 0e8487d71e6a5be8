import type { Instant } from '../../../platform/calendar.ts';
import type { InvoiceOrigin } from '../../invoices/invoice.ts';
import type { PlanVersion } from '../../plans/plan.ts';
import type { BillingPeriod } from '../subscription.ts';
import { type Bill, isUsageBased, remove, type SubscriptionUnit } from './outcome.ts';

export const pendingUsage = (unit: SubscriptionUnit, until: Instant): BillingPeriod[] =>
  unit.periods.filter((row) => row.state === 'pending' && row.kind === 'usage' && row.dueAt <= until);

export const pendingAdvance = (unit: SubscriptionUnit, start: Instant): BillingPeriod[] =>
  unit.periods.filter((row) => row.state === 'pending' && row.kind === 'advance' && row.periodStart === start);

/** Usage rows billed before that came to something else since (rules U6). */
export const dirtyUsage = (unit: SubscriptionUnit): BillingPeriod[] => unit.periods.filter(({ dirty }) => dirty);

/** Asks for one invoice over the rows; null when there are none. */
export function bill(
  unit: SubscriptionUnit,
  periods: BillingPeriod[],
  origin: InvoiceOrigin,
  { late = [], preGenerated = false }: Partial<Pick<Bill, 'late' | 'preGenerated'>> = {},
): Bill | null {
  if (periods.length + late.length === 0) return null;
  const asked = { periods, late, origin, preGenerated };
  unit.bills.push(asked);
  return asked;
}

/**
 * The charge of the next period is taken back (rules Q9): its invoice is withdrawn, and that it had nothing to bill is
 * judged again. What a person waived stays so, unless the period itself will be another one.
 */
export function withdrawNext(unit: SubscriptionUnit, waivedToo = false): void {
  for (const row of unit.periods) {
    if (row.kind !== 'advance' || row.periodStart < unit.sub.currentPeriodEnd) continue;
    if (row.state === 'invoiced' && !unit.withdrawn.includes(row)) unit.withdrawn.push(row);
    if (row.state === 'skipped' || (row.state === 'waived' && waivedToo)) reopen(unit, row);
  }
}

/** The row is a plan again. */
export function reopen(unit: SubscriptionUnit, row: BillingPeriod): void {
  makePending(row);
  unit.reopened.push(row);
}

export function makePending(row: BillingPeriod): void {
  Object.assign(row, { state: 'pending', reason: null, invoiceId: null });
  Object.assign(row, { inForceFrom: null, inForceNet: null, givenBackBefore: 0n });
}

/** Usage of a period that ends early is billed apart (rules Q7, Q12). */
export function closeAt(unit: SubscriptionUnit, row: BillingPeriod, at: Instant): void {
  if (row.periodEnd <= at) return;
  row.periodEnd = at > row.periodStart ? at : row.periodStart;
  row.dueAt = row.periodEnd;
  unit.updated.add(row);
}

/** The usage so far is billed at the terms so far; a row that begins only now goes over to the new ones (rules Q7). */
export function closeUsage(unit: SubscriptionUnit, target: PlanVersion, at: Instant): void {
  for (const row of unit.periods.filter(({ kind, state }) => kind === 'usage' && state === 'pending')) {
    if (row.periodStart < at) closeAt(unit, row, at);
    else if (!isUsageBased(target)) remove(unit, row);
  }
}
