import { type Instant, utcYear } from '../platform/calendar.ts';
import { raiseCounters } from '../platform/counters.ts';
import type { Db } from '../platform/db/connect.ts';

/**
 * The next `count` numbers of a yearly series, gapless and in issue order (rules I2).
 * The counter stays locked until the commit: take them as late as possible, once for a whole batch.
 */
export async function takeNumbers(
  db: Db,
  series: 'invoice' | 'credit_note',
  prefix: string,
  now: Instant,
  count: number,
): Promise<string[]> {
  const year = utcYear(now);
  const scope = `${series}:${prefix}:${year}`;
  const last = (await raiseCounters(db, new Map([[scope, count]]))).get(scope)!;
  return Array.from({ length: count }, (_, i) => formatNumber(prefix, year, last - count + 1 + i));
}

/** `{prefix}-{year}-{sequence of at least 4 digits}`. */
export const formatNumber = (prefix: string, year: number, sequence: number): string =>
  `${prefix}-${year}-${String(sequence).padStart(4, '0')}`;
