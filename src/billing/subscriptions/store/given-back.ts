import type { Db } from '../../../platform/db/connect.ts';
import { givenBackByNotes } from '../../credit-notes/store.ts';
import { loadTraces } from '../../invoices/store.ts';
import { netOfPeriod } from '../../pricing/compose.ts';
import { replayTrace } from '../../pricing/explain.ts';
import type { GivenBack } from '../../pricing/proration.ts';
import { givenBackByRefunds } from '../../refunds/store.ts';
import { invoicesInForce } from './in-force.ts';

/** What persons have given back of each invoice that billed what is in force of a period (rules Q13). */
export async function loadGivenBack(db: Db, periodId: string): Promise<GivenBack[]> {
  const invoices = await invoicesInForce(db, periodId);
  if (invoices.length === 0) return [];
  const ids = invoices.map(({ id }) => id);
  const notes = await givenBackByNotes(db, ids);
  const refunds = await givenBackByRefunds(db, ids);
  const traces = await loadTraces(db, ids);
  return invoices.map(({ id, start, taxInclusive }) => {
    const { output } = replayTrace(traces.get(id)!);
    const { net } = netOfPeriod(output, periodId);
    const parts = [notes.get(id), refunds.get(id)].filter((part) => part !== undefined);
    const base = parts.reduce((sum, { gross, tax }) => sum + gross - (taxInclusive ? 0n : tax), 0n);
    return { start, net, others: output.taxable - net, base };
  });
}
