import { addDays, addMonths, type Instant } from '../../platform/calendar.ts';
import { CYCLE_MONTHS } from '../pricing/prices.ts';
import { type BillingPeriod, isBilled, type PeriodKind, type Subscription } from './subscription.ts';

/** Start of period `index` (rules T5): always from the anchor, so a short month never shifts the later ones. */
export const periodStart = (sub: Pick<Subscription, 'anchorAt' | 'billingCycle'>, index: number): Instant =>
  addMonths(sub.anchorAt, index * CYCLE_MONTHS[sub.billingCycle]);

/** Makes period `index` the current one. */
export function enterPeriod(sub: Subscription, index: number): void {
  sub.periodIndex = index;
  sub.currentPeriodStart = periodStart(sub, index);
  sub.currentPeriodEnd = periodStart(sub, index + 1);
}

/** Makes a new first period that starts at `anchor` (rules T5, Q11). */
export function restartPeriods(sub: Subscription, anchor: Instant): void {
  sub.anchorAt = anchor;
  enterPeriod(sub, 0);
}

export interface PlannedPeriod {
  kind: PeriodKind;
  periodStart: Instant;
  periodEnd: Instant;
  dueAt: Instant;
}

/**
 * The rows the current period needs (rules S6). Whatever else is pending has been superseded. `usageFrom`: where the
 * usage that is still counted begins, after a change within the period (rules Q7); null when none is.
 */
export function plannedPeriods(sub: Subscription, usageFrom: Instant | null): PlannedPeriod[] {
  if (sub.status === 'trialing' || sub.status === 'canceled') return [];
  const { currentPeriodStart: start, currentPeriodEnd: end } = sub;
  const rows: PlannedPeriod[] = [{ kind: 'advance', periodStart: start, periodEnd: end, dueAt: start }];
  if (usageFrom !== null) rows.push({ kind: 'usage', periodStart: usageFrom, periodEnd: end, dueAt: end });
  if (isBilled(sub.status) && !sub.cancelAtPeriodEnd) {
    const ahead = addDays(end, -sub.preRenewalInvoiceDays);
    rows.push({
      kind: 'advance',
      periodStart: end,
      periodEnd: periodStart(sub, sub.periodIndex + 2),
      dueAt: ahead > start ? ahead : start,
    });
  }
  return rows;
}

export interface PeriodPlan {
  insert: BillingPeriod[];
  update: BillingPeriod[];
  remove: BillingPeriod[];
  /** Every row after the plan is carried out. */
  rows: BillingPeriod[];
}

/**
 * Compares the rows there are with those the current period needs. Facts (invoiced, skipped, waived) stay as they are;
 * a pending row that is no longer planned goes, except usage that still waits to be billed (`dueAt` <= the period's end).
 */
export function planPeriods(
  sub: Subscription,
  existing: BillingPeriod[],
  usageFrom: Instant | null,
  make: MakePeriod,
): PeriodPlan {
  const planned = plannedPeriods(sub, usageFrom);
  const wanted = new Map(planned.map((row) => [`${row.kind}|${row.periodStart}`, row]));
  const plan: PeriodPlan = { insert: [], update: [], remove: [], rows: [] };
  for (const row of existing) {
    const target = wanted.get(`${row.kind}|${row.periodStart}`);
    wanted.delete(`${row.kind}|${row.periodStart}`);
    const keep = row.state !== 'pending' || row.kind === 'usage';
    if (!target && !keep) {
      plan.remove.push(row);
      continue;
    }
    plan.rows.push(row);
    if (target && row.state === 'pending' && revise(row, target, sub)) plan.update.push(row);
  }
  for (const row of wanted.values()) {
    const made = make({ ...row, planVersionId: sub.planVersionId, quantity: sub.quantity });
    plan.insert.push(made);
    plan.rows.push(made);
  }
  return plan;
}

type MakePeriod = (row: PlannedPeriod & { planVersionId: string; quantity: number }) => BillingPeriod;

function revise(row: BillingPeriod, target: PlannedPeriod, sub: Subscription): boolean {
  const changed =
    row.dueAt !== target.dueAt ||
    row.periodEnd !== target.periodEnd ||
    row.planVersionId !== sub.planVersionId ||
    row.quantity !== sub.quantity;
  row.dueAt = target.dueAt;
  row.periodEnd = target.periodEnd;
  row.planVersionId = sub.planVersionId;
  row.quantity = sub.quantity;
  return changed;
}
