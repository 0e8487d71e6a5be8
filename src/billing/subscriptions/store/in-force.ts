import type { Instant } from '../../../platform/calendar.ts';
import { bool } from '../../../platform/db/columns.ts';
import type { Db } from '../../../platform/db/connect.ts';

/** A live invoice of which something was taken back, and from when on it billed a period. */
export interface InvoiceInForce {
  id: string;
  start: Instant;
  taxInclusive: boolean;
}

/**
 * The invoices that billed what is in force of a period, its own and those of changes within it, and of which something
 * was taken back (rules Q13). Lines of a period that ended elsewhere belong to another billing of it.
 */
export async function invoicesInForce(db: Db, periodId: string): Promise<InvoiceInForce[]> {
  const rows = await db('invoice_lines as l')
    .join('invoices as i', 'i.id', 'l.invoice_id')
    .join('billing_periods as p', 'p.id', 'l.billing_period_id')
    .where('p.id', periodId)
    .whereRaw('l.period_end = p.period_end')
    .where('i.reversed_amount', '>', 0)
    .whereIn('i.status', ['issued', 'overdue', 'paid'])
    .whereNot('i.origin', 'manual')
    .whereRaw(`(l.kind = 'proration' or (l.kind = 'plan' and i.id = p.invoice_id))`)
    .groupBy('i.id', 'i.tax_inclusive')
    .orderBy('i.id')
    .min('l.period_start as start')
    .select('i.id', 'i.tax_inclusive');
  return rows.map((row) => ({ id: row.id, start: row.start, taxInclusive: bool(row.tax_inclusive) }));
}

/** Whether a period that a subscription invoice billed is not billed by it any more (rules Q9). */
export async function isWithdrawn(db: Db, id: string): Promise<boolean> {
  const rows = await db('invoice_lines as l')
    .join('invoices as i', 'i.id', 'l.invoice_id')
    .leftJoin('billing_periods as p', 'p.id', 'l.billing_period_id')
    .where({ 'i.id': id, 'l.kind': 'plan' })
    .whereNot('i.origin', 'manual')
    .whereRaw(`(p.state is distinct from 'invoiced' or p.invoice_id is distinct from i.id)`)
    .select('l.id')
    .limit(1);
  return rows.length > 0;
}
