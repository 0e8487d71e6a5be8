import { licensedProducts } from '../licenses/figures.ts';
import type { Db } from '../platform/db/connect.ts';
import { inList } from '../platform/db/in-list.ts';
import type { ProductType } from '../products/product.ts';

/** A product that a customer has through a subscription that is not canceled or a licence that is not revoked. */
export interface Holding {
  customerId: string;
  productId: string;
  name: string;
  productType: ProductType;
}

/** What these customers hold, each product once per customer. */
export async function holdingsOf(db: Db, customerIds: Iterable<string>): Promise<Holding[]> {
  const ids = [...customerIds];
  const rows = await db('subscriptions as s')
    .join('plans as p', 'p.id', 's.plan_id')
    .join('products as r', 'r.id', 'p.product_id')
    .whereIn('s.customer_id', inList(ids))
    .whereNot('s.status', 'canceled')
    .distinct('s.customer_id', 'r.id', 'r.name', 'r.product_type');
  const held: Holding[] = rows.map(
    (row: { customer_id: string; id: string; name: string; product_type: ProductType }) => ({
      customerId: row.customer_id,
      productId: row.id,
      name: row.name,
      productType: row.product_type,
    }),
  );
  held.push(...(await licensedProducts(db, ids)));
  return [...new Map(held.map((one) => [`${one.customerId} ${one.productId}`, one])).values()];
}
