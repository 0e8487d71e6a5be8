import type { Db } from '../../platform/db/connect.ts';
import { netOfPeriod } from '../pricing/compose.ts';
import { replayTrace } from '../pricing/explain.ts';
import { lateUsageOn, updateBilledNet, waivePeriods } from '../subscriptions/period-store.ts';
import type { Invoice } from './invoice.ts';
import { findTrace } from './store.ts';

/**
 * A person voided the invoice: its period rows are waived (rules I4). Late usage on it, of rows that another invoice
 * billed first, is given up as well: it counts as billed, so that it is not billed again, but for nothing.
 */
export async function waiveBilled(db: Db, { id }: Invoice): Promise<void> {
  await waivePeriods(db, id);
  const late = await lateUsageOn(db, id);
  if (late.length === 0) return;
  const trace = await findTrace(db, id);
  if (!trace) throw new Error(`Invoice ${id} has no evidence of what it billed.`);
  const { output } = replayTrace(trace);
  const left = late.map((row) => ({ ...row, billedNet: row.billedNet - netOfPeriod(output, row.id).net }));
  await updateBilledNet(db, left);
}
