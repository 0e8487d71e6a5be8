import type { Instant } from '../platform/calendar.ts';
import type { Db } from '../platform/db/connect.ts';
import { inList } from '../platform/db/in-list.ts';
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

/** The devices of each product seen in `[from, to)`, and since `lastDay` (rules R8). */
export async function devicesByProduct(
  db: Db,
  productIds: string[],
  { from, lastDay, to }: { from: Instant; lastDay: Instant; to: Instant },
): Promise<Map<string, { monthly: number; daily: number }>> {
  const rows: { product_id: string; monthly: unknown; daily: unknown }[] = await db('license_activations as a')
    .join('licenses as l', 'l.id', 'a.license_id')
    .whereIn('l.product_id', inList(productIds))
    .where('a.last_seen_at', '>=', from)
    .where('a.last_seen_at', '<', to)
    .groupBy('l.product_id')
    .select(
      'l.product_id',
      db.raw('count(*) as monthly'),
      db.raw('count(case when a.last_seen_at >= ? then 1 end) as daily', [lastDay]),
    );
  return new Map(rows.map((row) => [row.product_id, { monthly: Number(row.monthly), daily: Number(row.daily) }]));
}

/** Those of the customers with a device seen since then (rules R9). */
export async function customersWithDevices(db: Db, customerIds: string[], since: Instant): Promise<Set<string>> {
  const rows: { customer_id: string }[] = await db('license_activations as a')
    .join('licenses as l', 'l.id', 'a.license_id')
    .whereIn('l.customer_id', inList(customerIds))
    .where('a.last_seen_at', '>=', since)
    .distinct('l.customer_id');
  return new Set(rows.map((row) => row.customer_id));
}
