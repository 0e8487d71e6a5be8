import type { Instant } from '../../platform/calendar.ts';
import type { Db } from '../../platform/db/connect.ts';
import { breathe } from '../../platform/jobs/breathe.ts';
import { type CoveragePeriod, type CoverageState, judgeSubject } from './judge.ts';
import { loadSubjects } from './store.ts';
import { VersionCache } from './versions.ts';

export interface Scan {
  from: Instant;
  to: Instant;
  now: Instant;
  customerId: string | undefined;
  /** Only periods of this state are listed; all are counted. */
  state: CoverageState | undefined;
  /** Key of the last period of the page before. */
  after: string | undefined;
  limit: number;
  /** Throws to end the scan: called between two batches. */
  checkTime?: () => void;
}

export type Counts = Record<CoverageState, number>;

export interface Scanned {
  counts: Counts;
  /** The first `limit + 1` periods after `after`, oldest first. */
  periods: CoveragePeriod[];
}

/** On SQLite one batch blocks the process for a few milliseconds; memory holds one batch and one page. */
const BATCH = 100;

/** Where a period stands in the list: by start, then subscription, then kind. */
export const keyOf = ({ periodStart, subscriptionId, kind }: CoveragePeriod): string =>
  `${periodStart} ${subscriptionId} ${kind}`;
export const isKey = (key: string): boolean => /^\S{24} [0-9A-Z]{26} (advance|usage)$/.test(key);

/** Judges every subscription, batch by batch, and keeps what is counted and the page that is asked for. */
export async function scanCoverage(db: Db, scan: Scan): Promise<Scanned> {
  const counts: Counts = { invoiced: 0, waiting: 0, skipped: 0, parked: 0, gap: 0 };
  const versions = new VersionCache(db);
  const page = new FirstPeriods(scan.limit + 1);
  for (let after = ''; ; ) {
    const subjects = await loadSubjects(db, { ...scan, after, limit: BATCH });
    await versions.learn(subjects);
    for (const subject of subjects)
      for (const period of judgeSubject(subject, { ...scan, versions })) {
        counts[period.state] += 1;
        if (scan.state === undefined || scan.state === period.state)
          if (scan.after === undefined || keyOf(period) > scan.after) page.add(period);
      }
    if (subjects.length < BATCH) return { counts, periods: page.sorted() };
    after = subjects.at(-1)!.id;
    scan.checkTime?.();
    await breathe();
  }
}

/** Keeps the first `size` of any number of periods in the memory of twice as many. */
class FirstPeriods {
  readonly #size: number;
  #kept: [key: string, period: CoveragePeriod][] = [];
  /** Nothing from here on belongs to the first ones. */
  #bound: string | undefined;

  constructor(size: number) {
    this.#size = size;
  }

  add(period: CoveragePeriod): void {
    const key = keyOf(period);
    if (this.#bound !== undefined && key >= this.#bound) return;
    this.#kept.push([key, period]);
    if (this.#kept.length < 2 * this.#size) return;
    this.#trim();
    this.#bound = this.#kept.at(-1)![0];
  }

  sorted(): CoveragePeriod[] {
    this.#trim();
    return this.#kept.map(([, period]) => period);
  }

  #trim(): void {
    this.#kept.sort(([a], [b]) => (a < b ? -1 : 1));
    this.#kept.length = Math.min(this.#kept.length, this.#size);
  }
}
