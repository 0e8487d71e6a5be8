import { addMilliseconds, addMonths, type Instant } from '../../platform/calendar.ts';
import { type BillingCycle, CYCLE_MONTHS } from '../pricing/prices.ts';

/*
 * What a subscription must be billed for, computed from what happened to it and nothing that the billing run writes:
 * its creation, the end of its trial, pauses, changes and its end, as its immutable events tell them (rules T5, Q, R12).
 */

/** An event of a subscription; `at` is the instant of its commit. */
export interface HistoryEvent {
  type: string;
  at: Instant;
  data: Record<string, unknown>;
}

/** What the row of a subscription says; it speaks only where an event does not. */
export interface Origin {
  createdAt: Instant;
  trialEnd: Instant | null;
  billingCycle: BillingCycle;
  planVersionId: string;
  quantity: number;
}

/** Periods counted from one anchor. */
interface Stretch {
  anchor: Instant;
  cycle: BillingCycle;
  /** No period of the stretch starts at or after it. */
  end: Instant | null;
  /** The last period ends here: another cycle began (rules Q3). */
  cut: Instant | null;
}

/** What is sold from an instant on. */
export interface Terms {
  from: Instant;
  planId: string | null;
  planVersion: number | null;
  quantity: number;
}

export interface Life {
  stretches: Stretch[];
  /** In order; the first is what was sold at creation. */
  terms: Terms[];
  /** Usage stops here. */
  canceledAt: Instant | null;
  paused: boolean;
}

export interface Period {
  start: Instant;
  end: Instant;
  /** Start of the period before it; null for the first of a stretch, which is due at its start (rules S6). */
  previous: Instant | null;
  cycle: BillingCycle;
}

const startOf = ({ anchor, cycle }: Stretch, k: number): Instant => addMonths(anchor, k * CYCLE_MONTHS[cycle]);

/** Index of the period that holds `at`; 0 before the anchor. */
function indexAt(stretch: Stretch, at: Instant): number {
  const month = (instant: Instant) => Number(instant.slice(0, 4)) * 12 + Number(instant.slice(5, 7));
  let k = Math.max(0, Math.floor((month(at) - month(stretch.anchor)) / CYCLE_MONTHS[stretch.cycle]));
  while (k > 0 && startOf(stretch, k) > at) k -= 1;
  return k;
}

/** The end of the period that holds `at`. */
const boundaryAfter = (stretch: Stretch, at: Instant): Instant => startOf(stretch, indexAt(stretch, at) + 1);

interface Walk {
  readonly life: Life;
  /** The trial is over from here on. */
  begin: Instant;
  /** What has been paused resumes within the period when it does so before this instant (rules Q11). */
  pausedUntil: Instant | null;
  /** When the end at period end was asked for; null when it is not. */
  endAsked: Instant | null;
}

const STEPS: Record<string, (walk: Walk, event: HistoryEvent) => void> = {
  'subscription.updated': updated,
  'subscription.paused': paused,
  'subscription.resumed': resumed,
  'subscription.plan_changed': changed,
  'subscription.canceled': canceled,
};

/** The types that `lifeOf` reads; renewals are not among them: they are what is being checked. */
export const HISTORY_TYPES = ['subscription.created', ...Object.keys(STEPS)];

const open = ({ life }: Walk): Stretch => life.stretches.at(-1)!;

/** The life of a subscription; `events` in the order of their sequence. */
export function lifeOf(origin: Origin, events: readonly HistoryEvent[]): Life {
  const walk = beginOf(origin, events);
  for (const event of events) STEPS[event.type]?.(walk, event);
  const { life } = walk;
  if (life.canceledAt !== null) return life;
  const stretch = open(walk);
  if (walk.pausedUntil !== null) stretch.end = walk.pausedUntil;
  else if (walk.endAsked !== null) {
    // asked in a trial that ran its time: it ends with the trial
    const inTrial =
      walk.endAsked < stretch.anchor && life.stretches.length === 1 && stretch.anchor === trialEndOf(origin, events);
    stretch.end = inTrial ? stretch.anchor : boundaryAfter(stretch, latest(walk.endAsked, stretch.anchor));
  }
  return life;
}

const latest = (a: Instant, b: Instant): Instant => (a > b ? a : b);

const creationOf = (events: readonly HistoryEvent[]): HistoryEvent | undefined =>
  events.find(({ type }) => type === 'subscription.created');

/** The end of the trial as it was sold. */
function trialEndOf(origin: Origin, events: readonly HistoryEvent[]): Instant | null {
  const created = creationOf(events);
  return created ? (created.data.trialEnd as Instant | null) : origin.trialEnd;
}

function beginOf(origin: Origin, events: readonly HistoryEvent[]): Walk {
  const created = creationOf(events);
  const trialEnd = trialEndOf(origin, events);
  // a person ended the trial before its time (rules §8.1); a run that comes late does not move it
  const ended = events.find(
    ({ type, data }) => type === 'subscription.updated' && data.status === 'active' && told(data, 'status'),
  );
  const begin =
    trialEnd === null ? (created?.at ?? origin.createdAt) : ended && ended.at < trialEnd ? ended.at : trialEnd;
  const cycle = (created?.data.billingCycle ?? origin.billingCycle) as BillingCycle;
  const sold: Terms = {
    from: '',
    planId: (created?.data.planId ?? null) as string | null,
    planVersion: (created?.data.planVersion ?? null) as number | null,
    quantity: (created?.data.quantity ?? origin.quantity) as number,
  };
  const life: Life = {
    stretches: [{ anchor: begin, cycle, end: null, cut: null }],
    terms: [sold],
    canceledAt: null,
    paused: false,
  };
  return { life, begin, pausedUntil: null, endAsked: null };
}

const told = (data: Record<string, unknown>, member: string): boolean =>
  Array.isArray(data.changes) && data.changes.includes(member);

function updated(walk: Walk, { at, data }: HistoryEvent): void {
  if (data.cancelAtPeriodEnd !== true) walk.endAsked = null;
  else walk.endAsked ??= at;
}

function paused(walk: Walk, { at }: HistoryEvent): void {
  walk.pausedUntil = boundaryAfter(open(walk), at);
  walk.life.paused = true;
}

/** Within the period it goes on; later a new count begins (rules Q11). */
function resumed(walk: Walk, { at }: HistoryEvent): void {
  const stretch = open(walk);
  const until = walk.pausedUntil;
  walk.pausedUntil = null;
  walk.life.paused = false;
  if (until === null || at < until) return;
  stretch.end = until;
  walk.life.stretches.push({ anchor: at, cycle: stretch.cycle, end: null, cut: null });
}

/** Other terms from `effectiveAt` on; another cycle ends the period there and counts anew, a trial aside (rules Q3). */
function changed(walk: Walk, { at, data }: HistoryEvent): void {
  const from = (data.effectiveAt ?? at) as Instant;
  const { terms, stretches } = walk.life;
  terms.push({
    from,
    planId: data.newPlanId as string,
    planVersion: (data.planVersion ?? null) as number | null,
    quantity: data.newQuantity as number,
  });
  const stretch = open(walk);
  const cycle = (data.billingCycle ?? stretch.cycle) as BillingCycle;
  if (cycle === stretch.cycle) return;
  if (from < walk.begin) {
    stretch.cycle = cycle;
    return;
  }
  stretch.end = from;
  stretch.cut = from;
  stretches.push({ anchor: from, cycle, end: null, cut: null });
}

/** A period that starts at the very instant of a requested end has been billed (rules S13); one at a period end not. */
function canceled(walk: Walk, { data }: HistoryEvent): void {
  const at = data.canceledAt as Instant;
  const first = data.reason === 'period_end' ? at : addMilliseconds(at, 1);
  const stretch = open(walk);
  stretch.end = walk.pausedUntil !== null && walk.pausedUntil < first ? walk.pausedUntil : first;
  walk.life.canceledAt = at;
  walk.life.paused = false;
  walk.pausedUntil = null;
}

/** The periods that start in [from, to), oldest first. */
export function periodsOf({ stretches }: Life, from: Instant, to: Instant): Period[] {
  const periods: Period[] = [];
  for (const stretch of stretches) {
    const { end, cut, cycle } = stretch;
    const first = indexAt(stretch, from);
    let previous = first === 0 ? null : startOf(stretch, first - 1);
    let start = startOf(stretch, first);
    for (let k = first; start < to && (end === null || start < end); k++) {
      const next = startOf(stretch, k + 1);
      if (start >= from) periods.push({ start, end: cut !== null && cut < next ? cut : next, previous, cycle });
      [previous, start] = [start, next];
    }
  }
  return periods;
}

/** The parts of a period with the terms in force: usage is closed and opened at each change (rules Q7). */
export function partsOf({ terms }: Life, { start, end }: Period): { start: Instant; end: Instant; terms: Terms }[] {
  if (terms.length === 1) return [{ start, end, terms: terms[0]! }];
  const changes = terms.map(({ from }) => from).filter((from) => from > start && from < end);
  const starts = [...new Set([start, ...changes])];
  return starts.map((at, i) => ({
    start: at,
    end: starts[i + 1] ?? end,
    terms: terms.findLast(({ from }) => from <= at)!,
  }));
}
