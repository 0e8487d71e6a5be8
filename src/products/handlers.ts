import { changesOf } from '../platform/changes.ts';
import { conflict, notFound, refuse } from '../platform/errors.ts';
import type { Context, Handlers } from '../platform/http/operations.ts';
import { type PageRequest, paged, readPage } from '../platform/http/pagination.ts';
import { formatMoney } from '../platform/money.ts';
import { loadBillingSettings } from '../settings/store.ts';
import { NO_FIGURES, type ProductFigures } from './hooks.ts';
import { changedProduct, type Product, readListPrice } from './product.ts';
import * as store from './store.ts';

const listProducts: Handlers<'products'>['listProducts'] = async ({ query }, context) => {
  const filter = { status: query.status, productType: query.productType, ids: await visibleIds(context) };
  const read = (step: PageRequest) => store.listProducts(context.db, filter, step);
  const page = await readPage('products', query, { keyOf, read });
  const figures = await context.runtime.hooks.products.figuresOf(context.db, page.rows, context.now);
  return paged(page, (product) => present(product, figures(product.id)));
};

const createProduct: Handlers<'products'>['createProduct'] = async ({ body }, context) => {
  const { db, now, newId } = context;
  const currency = body.currency ?? (await loadBillingSettings(db, context.runtime.config)).defaultCurrency;
  const product: Product = {
    id: newId(),
    name: body.name,
    productType: body.productType,
    description: body.description ?? null,
    price: readListPrice(body.price, currency),
    currency,
    status: body.status ?? 'active',
    createdAt: now,
    updatedAt: now,
  };
  await store.insertProduct(db, product);
  context.audit({ entityType: 'product', entityId: product.id, changes: changesOf<object>({}, audited(product)) });
  return present(product, NO_FIGURES);
};

const getProduct: Handlers<'products'>['getProduct'] = async ({ path }, context) => {
  const visible = await visibleIds(context);
  const product =
    visible === undefined || visible.includes(path.id) ? await store.findProduct(context.db, path.id) : undefined;
  if (!product) throw notFound('product');
  return presentOne(context, product);
};

const updateProduct: Handlers<'products'>['updateProduct'] = async ({ path, body }, context) => {
  const { db, now } = context;
  const before = await store.lockProduct(db, path.id);
  if (!before) throw notFound('product');
  const after = changedProduct(before, body);
  const changes = changesOf(audited(before), audited(after));
  if (Object.keys(changes).length === 0) return presentOne(context, before);
  if (after.productType !== before.productType && (await context.runtime.hooks.products.isSold(db, path.id)))
    throw conflict('The product type is fixed once plans or licences exist.', {
      productType: 'cannot change any more',
    });
  const stored = { ...after, updatedAt: now };
  await store.updateProduct(db, stored);
  context.audit({ entityType: 'product', entityId: path.id, changes });
  return presentOne(context, stored);
};

export const products: Handlers<'products'> = {
  listProducts,
  createProduct,
  getProduct,
  updateProduct,
  async deleteProduct({ path }, context) {
    if (!(await store.lockProductForDelete(context.db, path.id))) throw notFound('product');
    if (await context.runtime.hooks.products.isSold(context.db, path.id))
      throw refuse('delete_conflict', 'The product has plans or licences.');
    await store.deleteProduct(context.db, path.id);
    context.audit({ entityType: 'product', entityId: path.id });
  },
  v1ListProducts: listProducts,
  v1GetProduct: getProduct,
};

const keyOf = (product: Product) => product.id;

/** A key with a customer sees what the customer has (contract 1.11); undefined = everything. */
async function visibleIds({ db, scope, runtime }: Context): Promise<string[] | undefined> {
  return scope === null ? undefined : runtime.hooks.products.heldBy(db, scope);
}

/** The product as the audit log shows it: with a readable price. */
const audited = (product: Product): Record<string, unknown> => ({
  ...product,
  price: formatMoney(product.price, product.currency),
});

async function presentOne({ db, now, runtime }: Context, product: Product) {
  const figures = await runtime.hooks.products.figuresOf(db, [product], now);
  return present(product, figures(product.id));
}

const present = (product: Product, figures: ProductFigures) => ({
  id: product.id,
  name: product.name,
  productType: product.productType,
  description: product.description,
  price: formatMoney(product.price, product.currency),
  currency: product.currency,
  status: product.status,
  monthlyRevenue: formatMoney(figures.monthlyRevenue, product.currency),
  activeUsers: figures.activeUsers,
  dailyActiveUsers: figures.dailyActiveUsers,
  churnRate: figures.churnRate,
  createdAt: product.createdAt,
  updatedAt: product.updatedAt,
});
