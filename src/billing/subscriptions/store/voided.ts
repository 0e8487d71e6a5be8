import { updateRows } from '../../../platform/db/bulk.ts';
import type { Db } from '../../../platform/db/connect.ts';
import type { BillingPeriod } from '../subscription.ts';

/** Writes the end of billed periods and what is in force for them (rules S9, Q3, Q4). */
export const revisePeriods = (db: Db, periods: BillingPeriod[]): Promise<number> =>
  updateRows(
    db,
    'billing_periods',
    'id',
    periods.map(({ id, periodEnd, inForceFrom, inForceNet, givenBackBefore }) => ({
      id,
      period_end: periodEnd,
      in_force_from: inForceFrom,
      in_force_net: inForceNet === null ? null : Number(inForceNet),
      given_back_before: Number(givenBackBefore),
    })),
  );

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
