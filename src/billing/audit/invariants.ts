import type { Instant } from '../../platform/calendar.ts';
import type { Db } from '../../platform/db/connect.ts';
import { catalogueChecks } from './catalogue.ts';
import { type Check, MAX_IDS } from './check.ts';
import { creditChecks } from './credits.ts';
import { discountChecks } from './discounts.ts';
import { documentChecks } from './documents.ts';
import { eventChecks } from './events.ts';
import { evidenceChecks } from './evidence.ts';
import { givenBackChecks } from './given-back.ts';
import { inForceChecks } from './in-force.ts';
import { instantChecks } from './instants.ts';
import { lastToldChecks } from './last-told.ts';
import { ledgerChecks } from './ledger.ts';
import { licenseChecks } from './licenses.ts';
import { mrrChecks } from './mrr.ts';
import { nameChecks } from './names.ts';
import { NET_BILLED, periodChecks } from './periods.ts';
import { planningChecks } from './planning.ts';
import { seriesChecks } from './series.ts';
import { stateChecks } from './states.ts';
import { toldChecks } from './told.ts';
import { toldAmountChecks } from './told-amounts.ts';
import { usageChecks } from './usage.ts';

/** A broken statement of rules §20 and the first ids that break it. */
export interface Violation {
  invariant: string;
  detail: string;
  /** At most 20. */
  ids: string[];
  /** There are others beyond `ids`. */
  more: boolean;
}

export const CHECKS: readonly Check[] = [
  ...ledgerChecks,
  ...documentChecks,
  ...evidenceChecks,
  ...discountChecks,
  ...creditChecks,
  ...periodChecks,
  ...planningChecks,
  ...inForceChecks,
  ...givenBackChecks(NET_BILLED),
  ...usageChecks,
  ...seriesChecks,
  ...nameChecks,
  ...eventChecks,
  ...toldChecks,
  ...toldAmountChecks,
  ...instantChecks,
  ...lastToldChecks,
  ...catalogueChecks,
  ...mrrChecks,
  ...stateChecks,
  ...licenseChecks,
];

/**
 * Proves the invariants of rules §20 over the whole database, set by set; none holds more rows in memory than a page.
 * `now` decides what is late. Give it a snapshot (snapshot.ts) where others write meanwhile.
 */
export async function checkInvariants(db: Db, now: Instant): Promise<Violation[]> {
  const violations: Violation[] = [];
  for (const { invariant, detail, find } of CHECKS) {
    const ids = await find(db, now);
    if (ids.length > 0) violations.push({ invariant, detail, ids: ids.slice(0, MAX_IDS), more: ids.length > MAX_IDS });
  }
  return violations;
}
