/** Canonical UTC text `YYYY-MM-DDTHH:MM:SS.mmmZ`: compares with `<`, stored and answered as is. */
export type Instant = string;
/** UTC date `YYYY-MM-DD`. */
export type DateOnly = string;

export const DAY_MS = 86_400_000;

const FIRST_MS = 0; // 1970-01-01T00:00:00.000Z
const LAST_MS = 253_402_300_799_999; // 9999-12-31T23:59:59.999Z
const CANONICAL = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const RFC_3339 = /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])([01]\d|2[0-3]):([0-5]\d))$/;
const DATE_ONLY = /^(\d{4})-(\d\d)-(\d\d)$/;
const DAYS_IN_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Number of days of month 1..12 of a Gregorian year. */
export function daysInMonth(year: number, month: number): number {
  const leap = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return leap ? 29 : (DAYS_IN_MONTH[month - 1] ?? 0);
}

function isDate(year: number, month: number, day: number): boolean {
  return month >= 1 && month <= 12 && day >= 1 && day <= daysInMonth(year, month);
}

/** Milliseconds since 1970 -> canonical instant. Throws RangeError outside the years 1970..9999 or for a fraction. */
export function fromEpochMilliseconds(ms: number): Instant {
  if (!Number.isInteger(ms) || ms < FIRST_MS || ms > LAST_MS) throw new RangeError('must be between 1970 and 9999');
  return new Date(ms).toISOString();
}

/**
 * RFC 3339 text of any offset and precision -> canonical instant; digits beyond the millisecond are cut off.
 * Throws RangeError for anything else, also outside the years 1970..9999.
 */
export function parseInstant(text: string): Instant {
  const match = RFC_3339.exec(text);
  if (match === null) throw new RangeError('must be an RFC 3339 date-time');
  const [, year, month, day, hour, minute, second, fraction = '', sign, offsetHours = '0', offsetMinutes = '0'] = match;
  const [h, m, s] = [Number(hour), Number(minute), Number(second)];
  if (!isDate(Number(year), Number(month), Number(day)) || h > 23 || m > 59 || s > 60) {
    throw new RangeError('must be an existing date and time');
  }
  const millisecond = Number(fraction.slice(0, 3).padEnd(3, '0'));
  const offset = (Number(offsetHours) * 60 + Number(offsetMinutes)) * (sign === '-' ? -60_000 : 60_000);
  const wholeSeconds = Date.parse(`${year}-${month}-${day}T00:00:00Z`) + (h * 3600 + m * 60 + s) * 1000 - offset;
  // RFC 3339 knows second 60 only as a leap second, at the end of a UTC day; it is the first one of the next day.
  if (s === 60 && wholeSeconds % DAY_MS !== 0) throw new RangeError('must be an existing date and time');
  return fromEpochMilliseconds(wholeSeconds + millisecond);
}

/** Whether the text already is a canonical instant naming an existing moment. */
export function isInstant(text: string): boolean {
  return CANONICAL.test(text) && Date.parse(text) >= FIRST_MS && fromEpochMilliseconds(Date.parse(text)) === text;
}

/** `YYYY-MM-DD` of an existing day, years 1970..9999; throws RangeError. */
export function parseDate(text: string): DateOnly {
  const match = DATE_ONLY.exec(text);
  const year = Number(match?.[1]);
  if (match === null || year < 1970 || !isDate(year, Number(match[2]), Number(match[3]))) {
    throw new RangeError('must be an existing date, YYYY-MM-DD');
  }
  return text;
}

/**
 * Anchored months (rules T4): same time of day and day of month, or the last day of a shorter month.
 * The day is the anchor's, so it comes back after a short month. Throws RangeError outside 1970..9999.
 */
export function addMonths(anchor: Instant, months: number): Instant {
  const day = Number(anchor.slice(8, 10));
  const index = Number(anchor.slice(0, 4)) * 12 + Number(anchor.slice(5, 7)) - 1 + months;
  const year = Math.floor(index / 12);
  const month = index - year * 12 + 1;
  if (!Number.isInteger(index) || year < 1970 || year > 9999) throw new RangeError('must be between 1970 and 9999');
  const target = Math.min(day, daysInMonth(year, month));
  return `${year}-${month < 10 ? '0' : ''}${month}-${target < 10 ? '0' : ''}${target}${anchor.slice(10)}`;
}

const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** As the headers of e-mails want it (RFC 5322 3.3), to the second, in UTC: `Sun, 15 Mar 2026 10:30:00 +0000`. */
export function rfc5322(instant: Instant): string {
  const weekday = WEEKDAYS[(4 + Math.floor(Date.parse(instant) / DAY_MS)) % 7]; // 1 January 1970 was a Thursday
  const month = MONTHS[Number(instant.slice(5, 7)) - 1];
  return `${weekday}, ${instant.slice(8, 10)} ${month} ${instant.slice(0, 4)} ${instant.slice(11, 19)} +0000`;
}

/** Adds days of 86 400 s (rules T3). */
export function addDays(instant: Instant, days: number): Instant {
  return addMilliseconds(instant, days * DAY_MS);
}

/** Adds milliseconds; throws RangeError outside 1970..9999. */
export function addMilliseconds(instant: Instant, ms: number): Instant {
  return fromEpochMilliseconds(epochMilliseconds(instant) + ms);
}

/** `to − from` in milliseconds, negative when `to` is earlier. */
export function millisecondsBetween(from: Instant, to: Instant): number {
  return epochMilliseconds(to) - epochMilliseconds(from);
}

/** Milliseconds since 1970. */
export function epochMilliseconds(instant: Instant): number {
  const ms = Date.parse(instant);
  if (Number.isNaN(ms)) throw new RangeError(`not an instant: ${instant}`);
  return ms;
}

/** Whole Unix seconds, floor (rules Q2). */
export function epochSeconds(instant: Instant): bigint {
  return BigInt(Math.floor(epochMilliseconds(instant) / 1000));
}

/** UTC date of an instant. */
export function utcDate(instant: Instant): DateOnly {
  return instant.slice(0, 10);
}

/** UTC year of an instant. */
export function utcYear(instant: Instant): number {
  return Number(instant.slice(0, 4));
}

/** First instant of a UTC date. */
export function startOfDate(date: DateOnly): Instant {
  return `${date}T00:00:00.000Z`;
}

/** Whole days of 86 400 000 ms from `from` to `to`, floor, negative before (rules T6). */
export function wholeDaysBetween(from: Instant, to: Instant): number {
  return Math.floor(millisecondsBetween(from, to) / DAY_MS);
}
