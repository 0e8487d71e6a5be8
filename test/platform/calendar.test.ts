import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  addDays,
  addMonths,
  epochMilliseconds,
  epochSeconds,
  fromEpochMilliseconds,
  isInstant,
  parseDate,
  parseInstant,
  rfc5322,
  utcDate,
  utcYear,
  wholeDaysBetween,
} from '../../src/platform/calendar.ts';

const LAST = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
const anyInstant = fc.integer({ min: 0, max: LAST }).map(fromEpochMilliseconds);
/** Leaves room for the months that are added. */
const earlyInstant = fc.integer({ min: 0, max: Date.UTC(2500, 0, 1) }).map(fromEpochMilliseconds);
const months = fc.integer({ min: 0, max: 2400 });

describe('addMonths', () => {
  test.each([
    ['T.1', '2026-01-31T10:15:00.000Z', 1, '2026-02-28T10:15:00.000Z'],
    ['T.2', '2026-01-31T10:15:00.000Z', 2, '2026-03-31T10:15:00.000Z'],
    ['T.3', '2026-01-31T10:15:00.000Z', 3, '2026-04-30T10:15:00.000Z'],
    ['T.4', '2026-01-31T10:15:00.000Z', 13, '2027-02-28T10:15:00.000Z'],
    ['T.5', '2024-01-31T00:00:00.000Z', 1, '2024-02-29T00:00:00.000Z'],
    ['T.6', '2026-11-30T00:00:00.000Z', 3, '2027-02-28T00:00:00.000Z'],
    ['T.7', '2026-11-30T00:00:00.000Z', 6, '2027-05-30T00:00:00.000Z'],
    ['T.8', '2026-11-30T00:00:00.000Z', 15, '2028-02-29T00:00:00.000Z'],
    ['T.9', '2024-02-29T23:59:59.999Z', 12, '2025-02-28T23:59:59.999Z'],
    ['T.10', '2024-02-29T23:59:59.999Z', 48, '2028-02-29T23:59:59.999Z'],
    ['T.11', '2025-12-31T00:00:00.000Z', 1, '2026-01-31T00:00:00.000Z'],
    ['T.12', '2026-08-31T08:00:00.000Z', 3, '2026-11-30T08:00:00.000Z'],
    ['T.13', '2026-08-31T08:00:00.000Z', 6, '2027-02-28T08:00:00.000Z'],
    ['T.14', '2026-08-31T08:00:00.000Z', 9, '2027-05-31T08:00:00.000Z'],
  ])('%s %s + %i months = %s', (_id, anchor, count, expected) => {
    expect(addMonths(anchor, count)).toBe(expected);
  });

  test('agrees with Temporal on the ISO calendar', () => {
    fc.assert(
      fc.property(earlyInstant, months, (anchor, count) => {
        const zoned = Temporal.Instant.from(anchor).toZonedDateTimeISO('UTC').add({ months: count });
        expect(addMonths(anchor, count)).toBe(zoned.toInstant().toString({ smallestUnit: 'millisecond' }));
      }),
    );
  });

  test('brings the day of the anchor back after a short month', () => {
    fc.assert(
      fc.property(earlyInstant, months, (anchor, count) => {
        const result = addMonths(anchor, count);
        const lastDay = new Date(Date.UTC(utcYear(result), Number(result.slice(5, 7)), 0)).getUTCDate();
        expect(Number(result.slice(8, 10))).toBe(Math.min(Number(anchor.slice(8, 10)), lastDay));
        expect(result.slice(10)).toBe(anchor.slice(10));
      }),
    );
  });

  test('rises with the number of months', () => {
    fc.assert(
      fc.property(earlyInstant, months, (anchor, count) => {
        expect(addMonths(anchor, count) < addMonths(anchor, count + 1)).toBe(true);
      }),
    );
  });

  test('refuses to leave the years 1970..9999', () => {
    expect(() => addMonths('9999-12-01T00:00:00.000Z', 1)).toThrow(RangeError);
    expect(() => addMonths('1970-01-01T00:00:00.000Z', -1)).toThrow(RangeError);
    expect(() => addMonths('2026-01-01T00:00:00.000Z', 0.5)).toThrow(RangeError);
  });
});

describe('parseInstant', () => {
  test.each([
    ['2026-01-31T10:15:00Z', '2026-01-31T10:15:00.000Z'],
    ['2026-01-31t10:15:00z', '2026-01-31T10:15:00.000Z'],
    ['2026-01-31T10:15:00.1Z', '2026-01-31T10:15:00.100Z'],
    ['2026-01-31T10:15:00.123999999Z', '2026-01-31T10:15:00.123Z'],
    ['2026-01-31T10:15:00+02:00', '2026-01-31T08:15:00.000Z'],
    ['2026-01-31T22:15:00-05:30', '2026-02-01T03:45:00.000Z'],
    ['2024-02-29T00:00:00-00:00', '2024-02-29T00:00:00.000Z'],
    ['2016-12-31T23:59:60Z', '2017-01-01T00:00:00.000Z'],
    ['2017-01-01T00:59:60.500+01:00', '2017-01-01T00:00:00.500Z'],
  ])('%s = %s', (text, expected) => {
    expect(parseInstant(text)).toBe(expected);
  });

  test.each([
    '',
    '2026-01-31',
    '2026-01-31T10:15Z',
    '2026-01-31T10:15:00',
    '2026-01-31 10:15:00Z',
    '2026-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-01-00T00:00:00Z',
    '2026-01-31T24:00:00Z',
    '2026-01-31T10:60:00Z',
    '2026-01-31T10:15:60Z',
    '2026-01-31T10:15:00.Z',
    '2026-01-31T10:15:00+24:00',
    '2026-01-31T10:15:00+0200',
    '1969-12-31T23:59:59Z',
    '1970-01-01T00:00:00+00:01',
    '9999-12-31T23:59:59-00:01',
    '+02026-01-31T10:15:00Z',
  ])('refuses "%s"', (text) => {
    expect(() => parseInstant(text)).toThrow(RangeError);
    expect(isInstant(text)).toBe(false);
  });

  test('reads back every canonical instant, whatever the offset it is written in', () => {
    const instants = fc.integer({ min: 86_400_000, max: LAST - 86_400_000 });
    fc.assert(
      fc.property(instants, fc.integer({ min: -1439, max: 1439 }), (ms, offset) => {
        const local = new Date(ms + offset * 60_000).toISOString().slice(0, -1);
        const two = (n: number) => String(n).padStart(2, '0');
        const minutes = Math.abs(offset);
        const zone = `${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
        expect(parseInstant(local + zone)).toBe(fromEpochMilliseconds(ms));
      }),
    );
  });
});

describe('instants', () => {
  test('compare as text like their milliseconds, and read back', () => {
    fc.assert(
      fc.property(anyInstant, anyInstant, (a, b) => {
        expect(a < b).toBe(epochMilliseconds(a) < epochMilliseconds(b));
        expect(fromEpochMilliseconds(epochMilliseconds(a))).toBe(a);
        expect(isInstant(a)).toBe(true);
        expect(epochSeconds(a)).toBe(BigInt(Math.floor(epochMilliseconds(a) / 1000)));
      }),
    );
  });

  test('a day is 86 400 s, and whole days are counted by floor', () => {
    expect(addDays('2026-02-28T10:00:00.000Z', 1)).toBe('2026-03-01T10:00:00.000Z');
    expect(wholeDaysBetween('2026-06-01T00:00:00.000Z', '2026-06-02T00:00:00.000Z')).toBe(1);
    expect(wholeDaysBetween('2026-06-01T00:00:00.000Z', '2026-06-01T23:59:59.999Z')).toBe(0);
    expect(wholeDaysBetween('2026-06-01T00:00:00.001Z', '2026-06-01T00:00:00.000Z')).toBe(-1);
    expect(utcDate('2026-06-09T23:59:59.999Z')).toBe('2026-06-09');
  });

  test('dates must exist', () => {
    expect(parseDate('2024-02-29')).toBe('2024-02-29');
    for (const text of ['2026-02-29', '2026-1-1', '1969-12-31', '2026-01-01T00:00:00Z']) {
      expect(() => parseDate(text)).toThrow(RangeError);
    }
  });
});

describe('rfc5322', () => {
  test.each([
    ['2026-03-15T10:30:00.000Z', 'Sun, 15 Mar 2026 10:30:00 +0000'],
    ['1970-01-01T00:00:00.000Z', 'Thu, 01 Jan 1970 00:00:00 +0000'],
    ['2024-02-29T23:59:59.999Z', 'Thu, 29 Feb 2024 23:59:59 +0000'],
    ['9999-12-31T23:59:59.999Z', 'Fri, 31 Dec 9999 23:59:59 +0000'],
  ])('%s is %s', (instant, text) => expect(rfc5322(instant)).toBe(text));

  test('names the moment, to the second, with its weekday', () => {
    fc.assert(
      fc.property(anyInstant, (instant) => {
        expect(Date.parse(rfc5322(instant))).toBe(Date.parse(instant) - (Date.parse(instant) % 1000));
        expect(rfc5322(instant)).toBe(new Date(instant).toUTCString().replace('GMT', '+0000'));
      }),
    );
  });
});
