import { describe, expect, test } from '@jest/globals';
import { nextTry, type Schedule, triesOf } from '../../src/outbox/schedule.ts';
import { millisecondsBetween } from '../../src/platform/calendar.ts';

const AT = '2026-03-15T10:30:00.000Z';
const [SECOND, MINUTE, HOUR] = [1000, 60_000, 3_600_000];
/** Of rules E6. */
const SCHEDULE: Schedule = {
  pausesMs: [5 * SECOND, 5 * MINUTE, 30 * MINUTE, ...[2, 5, 10, 14, 20, 24].map((hours) => hours * HOUR)],
  jitter: 0.1,
  longestWaitMs: 24 * HOUR,
};
const waits = (chance: number) =>
  Array.from({ length: 9 }, (_, i) => millisecondsBetween(AT, nextTry(SCHEDULE, i + 1, AT, chance)!));

describe('the schedule of tries (E6)', () => {
  test('ten tries, the last 75 h 35 min 5 s after the first at the earliest', () => {
    expect(triesOf(SCHEDULE)).toBe(10);
    expect(waits(0)).toEqual(SCHEDULE.pausesMs);
    expect(waits(0).reduce((sum, ms) => sum + ms)).toBe(75 * HOUR + 35 * MINUTE + 5 * SECOND);
    expect(nextTry(SCHEDULE, 10, AT, 0)).toBeNull();
  });

  test('chance adds 0 to 10 %', () => {
    expect(waits(1)).toEqual(SCHEDULE.pausesMs.map((ms) => (ms / 10) * 11));
    expect(nextTry(SCHEDULE, 1, AT, 0.5)).toBe('2026-03-15T10:30:05.250Z');
  });

  test('what the receiver asks for counts when it is longer, a day at most, and gives no further try', () => {
    expect(nextTry(SCHEDULE, 1, AT, 0, 4 * SECOND)).toBe('2026-03-15T10:30:05.000Z');
    expect(nextTry(SCHEDULE, 1, AT, 0, MINUTE)).toBe('2026-03-15T10:31:00.000Z');
    expect(nextTry(SCHEDULE, 1, AT, 0, 25 * HOUR)).toBe('2026-03-16T10:30:00.000Z');
    expect(nextTry(SCHEDULE, 10, AT, 0, MINUTE)).toBeNull();
  });
});
