import type { Instant } from '../../../platform/calendar.ts';
import type { Db } from '../../../platform/db/connect.ts';
import type { Scope } from '../../../platform/http/principal.ts';

interface Trial {
  customerId: string;
  productId: string;
}

/**
 * Notes that a customer has a trial of a product. False for a scoped caller whose customer had one: it gets none (rules
 * S15); the operator may give as many as it likes. Of two at the same time one waits for the other.
 */
export async function takeTrial(
  db: Db,
  scope: Scope,
  { customerId, productId }: Trial,
  now: Instant,
): Promise<boolean> {
  const taken = await db('trials')
    .insert({ customer_id: customerId, product_id: productId, started_at: now })
    .onConflict()
    .ignore()
    .returning('product_id');
  return taken.length > 0 || scope === null;
}

/** Whether `takeTrial` would answer false, for a preview. */
export async function hadTrial(db: Db, scope: Scope, { customerId, productId }: Trial): Promise<boolean> {
  if (scope === null) return false;
  const found = await db('trials').where({ customer_id: customerId, product_id: productId }).first('product_id');
  return found !== undefined;
}
