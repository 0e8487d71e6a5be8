import { addMilliseconds, type Instant } from '../platform/calendar.ts';

/** When the tries of a channel come (rules E6, E10). */
export interface Schedule {
  /** Milliseconds after the first, second, … failed try; the failure after the last pause is final. */
  readonly pausesMs: readonly number[];
  /** The greatest part of a pause that chance adds to it; 0: none. */
  readonly jitter: number;
  /** The longest wait that a receiver may ask for instead. */
  readonly longestWaitMs: number;
}

export const triesOf = ({ pausesMs }: Schedule): number => pausesMs.length + 1;

/**
 * When the next try comes after the failure at `at` of try number `tries` (1 is the first); null when that was the last.
 * `chance` is 0..1 and picks the jitter; `askedMs` is what the receiver asked for: the longer wait counts.
 */
export function nextTry(schedule: Schedule, tries: number, at: Instant, chance: number, askedMs = 0): Instant | null {
  const pause = schedule.pausesMs[tries - 1];
  if (pause === undefined) return null;
  const own = Math.round(pause * (1 + schedule.jitter * chance));
  return addMilliseconds(at, Math.max(own, Math.min(askedMs, schedule.longestWaitMs)));
}
