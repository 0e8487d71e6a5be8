import { money, toMoney } from '../platform/db/columns.ts';
import type { Db } from '../platform/db/connect.ts';
import { inList } from '../platform/db/in-list.ts';
import type { PageRequest } from '../platform/http/pagination.ts';
import type { Product, ProductStatus, ProductType } from './product.ts';

export interface ProductFilter {
  status?: ProductStatus | undefined;
  productType?: ProductType | undefined;
  /** Only these; undefined = all. */
  ids?: string[] | undefined;
}

/** Newest first; up to `limit + 1` rows. */
export async function listProducts(db: Db, filter: ProductFilter, page: PageRequest): Promise<Product[]> {
  const query = db('products')
    .orderBy('id', 'desc')
    .limit(page.limit + 1);
  if (page.after) query.where('id', '<', page.after);
  if (filter.status) query.where({ status: filter.status });
  if (filter.productType) query.where({ product_type: filter.productType });
  if (filter.ids) query.whereIn('id', inList(filter.ids));
  return (await query).map(fromRow);
}

export async function findProduct(db: Db, id: string): Promise<Product | undefined> {
  const rows = await db('products').where({ id });
  return rows.map(fromRow)[0];
}

/** Locks the row against every other writer of it. */
export async function lockProduct(db: Db, id: string): Promise<Product | undefined> {
  const rows = await db('products').where({ id }).forNoKeyUpdate();
  return rows.map(fromRow)[0];
}

/** Locks the row also against new rows that point to it. */
export async function lockProductForDelete(db: Db, id: string): Promise<boolean> {
  return (await db('products').where({ id }).select('id').forUpdate()).length > 0;
}

/** Keeps the product as it is while a row that depends on its state is written; many may do so at once. */
export async function holdProduct(db: Db, id: string): Promise<Product | undefined> {
  const rows = await db('products').where({ id }).forShare();
  return rows.map(fromRow)[0];
}

export async function insertProduct(db: Db, product: Product): Promise<void> {
  await db('products').insert({ ...toRow(product), id: product.id, created_at: product.createdAt });
}

export async function updateProduct(db: Db, product: Product): Promise<void> {
  await db('products').where({ id: product.id }).update(toRow(product));
}

export async function deleteProduct(db: Db, id: string): Promise<void> {
  await db('products').where({ id }).delete();
}

function toRow(product: Product) {
  return {
    name: product.name,
    product_type: product.productType,
    description: product.description,
    price: toMoney(product.price),
    currency: product.currency,
    status: product.status,
    updated_at: product.updatedAt,
  };
}

interface Row {
  id: string;
  name: string;
  product_type: ProductType;
  description: string | null;
  price: unknown;
  currency: string;
  status: ProductStatus;
  created_at: string;
  updated_at: string;
}

function fromRow(row: Row): Product {
  return {
    id: row.id,
    name: row.name,
    productType: row.product_type,
    description: row.description,
    price: money(row.price),
    currency: row.currency,
    status: row.status,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
