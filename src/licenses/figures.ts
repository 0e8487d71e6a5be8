import type { Instant } from '../platform/calendar.ts';
import type { Db } from '../platform/db/connect.ts';
import { inList } from '../platform/db/in-list.ts';
import { query } from '../platform/db/sql.ts';
import type { ProductType } from '../products/product.ts';

export const productHasLicenses = async (db: Db, productId: string): Promise<boolean> =>
  (await db('licenses').where({ product_id: productId }).select('id').limit(1)).length > 0;

/** A product that a customer has through a licence that is not revoked. */
export interface LicensedProduct {
  customerId: string;
  productId: string;
  name: string;
  productType: ProductType;
}

/** What these customers hold by licences, each product once per customer. */
export async function licensedProducts(db: Db, customerIds: Iterable<string>): Promise<LicensedProduct[]> {
  const rows = await db('licenses as l')
    .join('products as r', 'r.id', 'l.product_id')
    .whereIn('l.customer_id', inList(customerIds))
    .whereNot('l.status', 'revoked')
    .distinct('l.customer_id', 'r.id', 'r.name', 'r.product_type');
  return rows.map((row: { customer_id: string; id: string; name: string; product_type: ProductType }) => ({
    customerId: row.customer_id,
    productId: row.id,
    name: row.name,
    productType: row.product_type,
  }));
}

/**
 * The devices of each product seen in `[from, to)`, and since `lastDay` (rules R8). Counted licence by licence, so that
 * neither database can start from what everybody's devices did lately.
 */
export async function devicesByProduct(
  db: Db,
  productIds: string[],
  { from, lastDay, to }: { from: Instant; lastDay: Instant; to: Instant },
): Promise<Map<string, { monthly: number; daily: number }>> {
  const ids = inList(productIds);
  if (ids.length === 0) return new Map();
  const seen = `(select count(*) from license_activations a
    where a.license_id = l.id and a.last_seen_at >= ? and a.last_seen_at < ?)`;
  const rows = await query<{ product_id: string; monthly: unknown; daily: unknown }>(
    db,
    `select product_id, sum(monthly) as monthly, sum(daily) as daily
     from (select l.product_id, ${seen} as monthly, ${seen} as daily from licenses l
       where l.product_id in (${ids.map(() => '?').join(', ')}) and l.current_activations > 0) device
     group by product_id`,
    [from, to, lastDay, to, ...ids],
  );
  return new Map(rows.map((row) => [row.product_id, { monthly: Number(row.monthly), daily: Number(row.daily) }]));
}

/** Those of the customers with a device seen since then (rules R9): looked for licence by licence, up to the first. */
export async function customersWithDevices(db: Db, customerIds: string[], since: Instant): Promise<Set<string>> {
  const ids = inList(customerIds);
  if (ids.length === 0) return new Set();
  const rows = await query<{ id: string }>(
    db,
    `select c.id from customers c where c.id in (${ids.map(() => '?').join(', ')}) and exists (
       select 1 from licenses l where l.customer_id = c.id and l.current_activations > 0 and
         (select max(a.last_seen_at) from license_activations a where a.license_id = l.id) >= ?)`,
    [...ids, since],
  );
  return new Set(rows.map(({ id }) => id));
}
