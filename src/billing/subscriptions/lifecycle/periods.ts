import { addDays, addMonths, type Instant } from '../../../platform/calendar.ts';
import { CYCLE_MONTHS } from '../../pricing/prices.ts';
import { type BillingPeriod, isBilled, type PeriodKind, type Subscription, type Terms } from '../subscription.ts';

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

/** What a period that starts then is sold at: a scheduled change counts from the end of the present one (rules S8). */
export const termsAt = (sub: Subscription, start: Instant): Terms =>
  sub.pendingChange !== null && start >= sub.currentPeriodEnd ? sub.pendingChange : sub;

export interface PlannedPeriod {
  kind: PeriodKind;
  periodStart: Instant;
  periodEnd: Instant;
  dueAt: Instant;
  planVersionId: string;
  quantity: number;
  tiersFrom: Instant | null;
}

/** Where the usage that is still counted begins, after a change within the period (rules Q7), and where its tiers do. */
export interface UsageStart {
  from: Instant;
  tiersFrom: Instant | null;
}

/**
 * The rows the current period needs (rules S6). Whatever else is pending has been superseded. `usage`: null when none is
 * counted.
 */
export function plannedPeriods(sub: Subscription, usage: UsageStart | null): PlannedPeriod[] {
  if (sub.status === 'trialing' || sub.status === 'canceled') return [];
  const { currentPeriodStart: start, currentPeriodEnd: end } = sub;
  const { planVersionId, quantity } = sub;
  const terms = { planVersionId, quantity, tiersFrom: null };
  const row = { kind: 'advance', periodStart: start, periodEnd: end, dueAt: start, ...terms } as const;
  const rows: PlannedPeriod[] = [row];
  if (usage !== null)
    rows.push({ ...row, kind: 'usage', periodStart: usage.from, dueAt: end, tiersFrom: usage.tiersFrom });
  if (isBilled(sub.status) && !sub.cancelAtPeriodEnd) {
    const ahead = addDays(end, -sub.preRenewalInvoiceDays);
    const next = termsAt(sub, end);
    rows.push({
      kind: 'advance',
      periodStart: end,
      periodEnd: endOfNext(sub, next),
      dueAt: ahead > start ? ahead : start,
      planVersionId: next.planVersionId,
      quantity: next.quantity,
      tiersFrom: null,
    });
  }
  return rows;
}

/** A change of cycle makes the end of the present period the new anchor (rules Q3). */
const endOfNext = (sub: Subscription, { billingCycle }: Terms): Instant =>
  billingCycle === sub.billingCycle
    ? periodStart(sub, sub.periodIndex + 2)
    : addMonths(sub.currentPeriodEnd, CYCLE_MONTHS[billingCycle]);

/**
 * The rows as they shall be: those there are, brought in line with what the current period needs, and new ones. Facts
 * (invoiced, skipped, waived) stay as they are; a pending row that is no longer planned goes, except usage that still
 * waits to be billed (`dueAt` <= the period's end).
 */
export function planPeriods(
  sub: Subscription,
  existing: BillingPeriod[],
  usage: UsageStart | null,
  make: (row: PlannedPeriod) => BillingPeriod,
): BillingPeriod[] {
  const wanted = new Map(plannedPeriods(sub, usage).map((row) => [identity(row), row]));
  const rows = existing.filter((row) => row.state !== 'pending' || row.kind === 'usage' || wanted.has(identity(row)));
  for (const row of rows) {
    const planned = wanted.get(identity(row));
    wanted.delete(identity(row));
    if (planned && row.state === 'pending') Object.assign(row, planned);
  }
  return [...rows, ...[...wanted.values()].map(make)];
}

/** One row for a subscription, a kind and a start (rules S4). */
const identity = ({ kind, periodStart: start }: Pick<BillingPeriod, 'kind' | 'periodStart'>): string =>
  `${kind}|${start}`;
