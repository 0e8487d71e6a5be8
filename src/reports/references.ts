import type { Db } from '../platform/db/connect.ts';

const DEPENDENTS = ['subscriptions', 'invoices', 'payments', 'credit_entries', 'api_keys', 'users', 'licenses'];

/** Whether any row refers to the customer (contract 2.6). */
export async function customerIsReferenced(db: Db, id: string): Promise<boolean> {
  for (const table of DEPENDENTS) {
    const rows = await db(table).where({ customer_id: id }).select('customer_id').limit(1);
    if (rows.length > 0) return true;
  }
  return false;
}

/** Whether a subscription of any state, present or coming, is or was on the plan, or a coupon names it (rules P1). */
export async function planIsUsed(db: Db, id: string): Promise<boolean> {
  const versions = db('plan_versions').where({ plan_id: id }).select('id');
  const uses = [
    db('subscriptions').where({ plan_id: id }),
    db('subscriptions').whereIn('plan_version_id', versions.clone()),
    db('subscriptions')
      .whereNotNull('pending_change')
      .whereRaw('cast(pending_change as text) like ?', [`%${id}%`]),
    db('coupons').whereRaw('cast(applies_to as text) like ?', [`%${id}%`]),
    db('billing_periods').whereIn('plan_version_id', versions.clone()),
    db('invoice_lines').whereIn('plan_version_id', versions.clone()),
  ];
  for (const use of uses) if ((await use.select(db.raw('1')).limit(1)).length > 0) return true;
  return false;
}
