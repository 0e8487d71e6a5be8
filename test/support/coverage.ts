import type { CoveragePeriod } from '../../src/billing/coverage/judge.ts';
import { type Scanned, scanCoverage } from '../../src/billing/coverage/scan.ts';
import { addDays } from '../../src/platform/calendar.ts';
import type { Db } from '../../src/platform/db/connect.ts';

const EVER = '2000-01-01T00:00:00.000Z';

/** Everything from the beginning until a day after `now`. */
export const coverageUntil = (db: Db, now: string, over: object = {}): Promise<Scanned> =>
  scanCoverage(db, {
    from: EVER,
    to: addDays(now, 1),
    now,
    customerId: undefined,
    state: undefined,
    after: undefined,
    limit: 100_000,
    ...over,
  });

/** `subscription kind start end` of the charges that history asks for until `now`. */
export const expectedCharges = ({ periods }: Scanned, now: string): string[] =>
  periods
    .filter(({ periodStart }) => periodStart <= now)
    .map(({ subscriptionId, kind, periodStart, periodEnd }) => `${subscriptionId} ${kind} ${periodStart} ${periodEnd}`)
    .sort();

/** The same of the rows there are; `billed`: only of those that are billed or will be. */
export async function storedCharges(db: Db, now: string, billed = false): Promise<string[]> {
  const query = db('billing_periods').where('period_start', '<=', now);
  if (billed) query.whereIn('state', ['pending', 'invoiced']);
  return (await query)
    .map((row: Record<string, string>) => `${row.subscription_id} ${row.kind} ${row.period_start} ${row.period_end}`)
    .sort();
}

export const gapsOf = ({ periods }: Scanned): CoveragePeriod[] => periods.filter(({ state }) => state === 'gap');
