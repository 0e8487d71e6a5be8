import type { Features } from '../../billing/plans/plan.ts';
import { bool, int, json, optionalInt } from '../../platform/db/columns.ts';
import type { Db } from '../../platform/db/connect.ts';
import { query } from '../../platform/db/sql.ts';
import type { Scope } from '../../platform/http/principal.ts';
import type { CheckedLicense } from '../license.ts';

// biome-ignore lint/suspicious/noExplicitAny: a joined row as either driver answers it; the mapper gives it its type
type Row = any;

const CHECK = `select l.id, l.license_key, l.customer_id, l.product_id, l.status, l.features, l.max_activations,
  l.current_activations, l.expires_at, s.status as subscription_status, s.cancel_at_period_end
  from licenses l left join subscriptions s on s.id = l.subscription_id where l.license_key = ?`;

/** What a check needs, in one lean statement: it is what the public asks most. */
export async function findChecked(db: Db, scope: Scope, licenseKey: string): Promise<CheckedLicense | undefined> {
  const [row] = await query<Row>(db, CHECK, [licenseKey]);
  return row && (scope === null || row.customer_id === scope) ? checkedFrom(row) : undefined;
}

/** The licence for the registration of a device: locked, then judged as it is by then (rules L6). */
export async function lockChecked(db: Db, scope: Scope, licenseKey: string): Promise<CheckedLicense | undefined> {
  await db('licenses').where({ license_key: licenseKey }).select('id').forNoKeyUpdate();
  return findChecked(db, scope, licenseKey);
}

/** What a check needs, of any row that has it. */
export const checkedFrom = (row: Row): CheckedLicense => ({
  id: row.id,
  licenseKey: row.license_key,
  customerId: row.customer_id,
  productId: row.product_id,
  status: row.status,
  features: json<Features>(row.features),
  maxActivations: optionalInt(row.max_activations),
  currentActivations: int(row.current_activations),
  expiresAt: row.expires_at,
  subscription: row.subscription_status
    ? { status: row.subscription_status, cancelAtPeriodEnd: bool(row.cancel_at_period_end) }
    : null,
});
