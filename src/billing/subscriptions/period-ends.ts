import { updateRows } from '../../platform/db/bulk.ts';
import type { Db } from '../../platform/db/connect.ts';
import type { BillingPeriod } from './subscription.ts';

/** Writes where periods end that are not billed, and never will be. */
export const moveEnds = (db: Db, periods: BillingPeriod[]): Promise<number> =>
  updateRows(
    db,
    'billing_periods',
    'id',
    periods.map(({ id, periodEnd }) => ({ id, period_end: periodEnd })),
    { onlyWhere: "state in ('waived', 'skipped')" },
  );
