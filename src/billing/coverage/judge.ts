import { addDays, addMilliseconds, type Instant } from '../../platform/calendar.ts';
import type { PlanVersion } from '../plans/plan.ts';
import { advanceLines, type Charge } from '../pricing/lines.ts';
import { soldRatio } from '../pricing/prices.ts';
import { isBilled, type PeriodKind } from '../subscriptions/subscription.ts';
import { type Life, lifeOf, type Period, partsOf, periodsOf, type Terms } from './history.ts';
import type { StoredPeriod, Subject } from './store.ts';

export type CoverageState = 'invoiced' | 'waiting' | 'skipped' | 'parked' | 'gap';

/** What became of one charge of one period. */
export interface CoveragePeriod {
  subscriptionId: string;
  customerId: string;
  kind: PeriodKind;
  periodStart: Instant;
  periodEnd: Instant;
  state: CoverageState;
  invoiceId: string | null;
  reason: string | null;
}

/** A charge that the history asks for. */
interface Expected {
  kind: PeriodKind;
  start: Instant;
  end: Instant;
  /** When it is due; a row, where there is one, knows better. */
  dueAt: () => Instant;
  /** The terms of an advance charge that nothing changed within its period. */
  charge: Charge | undefined;
}

/** A price version by its id, or by its plan and number. */
export interface Versions {
  byId(id: string): PlanVersion | undefined;
  byNumber(planId: string, number: number): PlanVersion | undefined;
}

export interface Judge {
  from: Instant;
  to: Instant;
  now: Instant;
  versions: Versions;
}

/** A run comes at least every hour; what is not billed a day after it was due has been forgotten. */
const LATE_DAYS = 1;
/** The longest pause between two tries (rules S12). */
const LONGEST_PAUSE_MS = 6 * 3_600_000;

/** Every charge the subscription must have for the periods that start in [from, to), and what became of it (rules R12). */
export function judgeSubject(subject: Subject, judge: Judge): CoveragePeriod[] {
  const life = lifeOf(subject, subject.events);
  const stored = new Map(subject.rows.map((row) => [`${row.kind} ${row.start}`, row]));
  const periods = periodsOf(life, judge.from, judge.to);
  return periods
    .flatMap((period) => expectedOf(subject, life, period, judge))
    .map((expected) => {
      const row = stored.get(`${expected.kind} ${expected.start}`);
      return {
        subscriptionId: subject.id,
        customerId: subject.customerId,
        kind: expected.kind,
        periodStart: expected.start,
        periodEnd: expected.end,
        invoiceId: row?.invoiceId ?? null,
        ...judged(subject, life, expected, row, judge.now),
      };
    });
}

function expectedOf(subject: Subject, life: Life, period: Period, { versions }: Judge): Expected[] {
  const { start, end } = period;
  const parts = partsOf(life, period);
  const versionOf = (terms: Terms) => versionIn(terms, subject, versions);
  const version = versionOf(parts[0]!.terms);
  const settled = parts.length === 1 && parts[0]!.terms.from < start;
  const advance: Expected = {
    kind: 'advance',
    start,
    end,
    dueAt: () => advanceDue(period, subject.preRenewalInvoiceDays),
    charge: settled && version ? chargeOf(subject, version, parts[0]!.terms, period) : undefined,
  };
  const usage = parts
    .filter(({ start: at, terms }) => isUsage(versionOf(terms)) && (life.canceledAt === null || at <= life.canceledAt))
    .map((part): Expected => {
      const until = life.canceledAt !== null && life.canceledAt < part.end ? life.canceledAt : part.end;
      return { kind: 'usage', start: part.start, end: until, dueAt: () => until, charge: undefined };
    });
  return [advance, ...usage];
}

/** Rules S6: the first period of a count at its start, the others ahead, never more than one period. */
function advanceDue({ start, previous }: Period, days: number): Instant {
  if (previous === null) return start;
  const ahead = addDays(start, -days);
  return ahead > previous ? ahead : previous;
}

const isUsage = (version: PlanVersion | undefined): boolean => version?.price.pricingModel === 'usage_based';

function versionIn({ planId, planVersion }: Terms, subject: Subject, versions: Versions): PlanVersion | undefined {
  if (planId !== null && planVersion !== null) return versions.byNumber(planId, planVersion);
  return versions.byId(subject.planVersionId);
}

const chargeOf = (subject: Subject, version: PlanVersion, { quantity }: Terms, period: Period): Charge => ({
  plan: { id: version.planId, name: version.planName, productId: version.productId },
  planVersionId: version.id,
  price: version.price,
  currency: subject.currency,
  quantity,
  billingCycle: period.cycle,
  periodStart: period.start,
  periodEnd: period.end,
});

type Verdict = Pick<CoveragePeriod, 'state' | 'reason'>;
const gap = (reason: string): Verdict => ({ state: 'gap', reason });

function judged(
  subject: Subject,
  life: Life,
  expected: Expected,
  row: StoredPeriod | undefined,
  now: Instant,
): Verdict {
  if (!row || row.state === 'pending') return undone(subject, life, expected, row, now);
  if (row.state === 'invoiced') {
    const problem = problemOf(expected, row);
    return problem ? gap(problem) : { state: 'invoiced', reason: null };
  }
  if (row.state === 'waived')
    return row.hasVoidLine ? { state: 'skipped', reason: 'waived' } : gap('waived, but no voided invoice billed it');
  if (row.reason === 'nothing_to_bill' && expected.charge && hasPrice(expected.charge))
    return gap('skipped as nothing to bill, but its price is not zero');
  return { state: 'skipped', reason: row.reason };
}

const hasPrice = (charge: Charge): boolean =>
  soldRatio(charge.price, charge.billingCycle) === undefined || advanceLines(charge).length > 0;

/** Why the invoice that a row names does not bill the period. */
function problemOf({ kind, end }: Expected, row: StoredPeriod): string | null {
  if (row.invoiceStatus === null) return 'its invoice does not exist or is of another subscription';
  if (row.invoiceStatus === 'void' || row.invoiceStatus === 'draft') return `its invoice is ${row.invoiceStatus}`;
  if (!row.hasLine) return 'its invoice has no line for it';
  if (kind === 'advance' && row.end !== end) return `it was billed until ${row.end} only`;
  return null;
}

/** Not billed yet: for a reason, not yet due, or forgotten. */
function undone(
  subject: Subject,
  life: Life,
  expected: Expected,
  row: StoredPeriod | undefined,
  now: Instant,
): Verdict {
  const { start, kind } = expected;
  const dueAt = row?.dueAt ?? expected.dueAt();
  const passed = subject.status !== 'trialing' && start < subject.currentPeriodEnd && start <= now;
  if (!row && passed) return gap('the run has passed it and left no row');
  if (subject.parked !== null) return { state: 'parked', reason: subject.parked };
  if (isTriedAgain(subject, now)) return { state: 'waiting', reason: subject.lastError ?? 'the last try failed' };
  if (life.paused && kind === 'usage') return { state: 'waiting', reason: 'paused' };
  if (dueAt > now) return { state: 'waiting', reason: `due ${dueAt}` };
  // a change may plan ahead what is due long since: it is late a day after the change
  const since = start > now && subject.updatedAt > dueAt ? subject.updatedAt : dueAt;
  if (since > addDays(now, -LATE_DAYS)) return { state: 'waiting', reason: `due ${dueAt}` };
  return gap(`due ${dueAt} and not billed`);
}

/** A failed try that another one follows within the longest pause; a try that never comes is no reason to wait. */
function isTriedAgain({ errorCount, nextActionAt, status }: Subject, now: Instant): boolean {
  if (errorCount === 0 || nextActionAt === null || !(isBilled(status) || status === 'trialing')) return false;
  return nextActionAt > addDays(now, -LATE_DAYS) && nextActionAt <= addMilliseconds(now, LONGEST_PAUSE_MS);
}
