import type { Db } from '../../../platform/db/connect.ts';

/**
 * A person voided the invoice of a change: what it charged for a period is no longer in force for it (INV12). The rows
 * that the invoice itself made facts are waived instead.
 */
export async function takeOffForce(db: Db, invoiceId: string): Promise<void> {
  const charged = db('invoice_lines')
    .where({ invoice_id: invoiceId, kind: 'proration' })
    .whereRaw('invoice_lines.billing_period_id = billing_periods.id');
  const left = db.raw('in_force_net - (?)', [charged.clone().sum('amount')]);
  await db('billing_periods')
    .whereExists(charged.clone().select(db.raw('1')))
    .whereNotNull('in_force_net')
    .update({ in_force_net: db.raw('case when ? > 0 then ? else 0 end', [left, left]) });
}
