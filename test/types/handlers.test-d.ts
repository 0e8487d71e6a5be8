/**
 * Checked by `npm run types`, never run. Handlers that do not fit the contract do not compile: each case below stands
 * beside one that does, and an expected error that no longer comes is an error itself.
 */
import type { Product } from '../../generated/types.gen.ts';
import type { handlers } from '../../src/app.ts';
import { type AllHandlers, type Handlers, reply } from '../../src/platform/http/operations.ts';
import { type Page, paged, readPage } from '../../src/platform/http/pagination.ts';

type Products = Handlers<'products'>;
declare const product: Product;
declare const real: Products;
declare const all: typeof handlers;
declare const pageOf: (name: unknown) => Page<Product>;
declare const numbers: Page<number>;
const { id: _id, ...withoutId } = product;
const { getProduct: _get, ...withoutGet } = real;
const { products: _products, ...withoutProducts } = all;

export const whole: Products = real;
export const everything: AllHandlers = all;

// @ts-expect-error TS2741: a handler is missing
export const missing: Products = withoutGet;

// @ts-expect-error TS2353: a handler that the contract does not know
export const extra: Products = { ...real, archiveProduct: async () => product };

// @ts-expect-error TS2741: a tag is missing
export const missingTag: AllHandlers = withoutProducts;

// @ts-expect-error TS2353: a tag that the contract does not know
export const extraTag: AllHandlers = { ...all, tips: {} };

// The answer.

export const answers: Products['getProduct'] = async () => product;

// @ts-expect-error TS2322: a member of the answer is missing
export const lacks: Products['getProduct'] = async () => withoutId;

// @ts-expect-error TS2322: a member of the answer has another type
export const wrongMember: Products['getProduct'] = async () => ({ ...product, price: 49.99 });

// @ts-expect-error TS2322: a member of the answer is null where null is no value
export const nullMember: Products['getProduct'] = async () => ({ ...product, name: null });

// @ts-expect-error TS2322: a value outside the enum
export const wrongWord: Products['getProduct'] = async () => ({ ...product, status: 'deleted' as const });

// @ts-expect-error TS2322: nothing, where the contract has an entity
export const nothing: Products['getProduct'] = async () => {};

// @ts-expect-error TS2739: an answer without its promise
export const synchronous: Products['getProduct'] = () => product;

// The status.

export const created: Products['createProduct'] = async () => reply(201, product);

// @ts-expect-error TS2322: a status that the operation does not have
export const wrongStatus: Products['createProduct'] = async () => reply(200, product);

export const empty: Products['deleteProduct'] = async () => {};

// @ts-expect-error TS2322: a body on a 204
export const bodyOn204: Products['deleteProduct'] = async () => product;

// @ts-expect-error TS2322: a body on a 204, with its status
export const replyOn204: Products['deleteProduct'] = async () => reply(204, product);

// Lists.

export const list: Products['listProducts'] = async ({ query }) =>
  paged(await readPage('products', query, { keyOf: ({ id }) => id, read: async () => [product] }), (row) => row);

// @ts-expect-error TS2322: a bare array, without what comes after it
export const bareArray: Products['listProducts'] = async () => [product];

// @ts-expect-error TS2322: a page of something else
export const wrongPage: Products['listProducts'] = async () => numbers;

// The input.

export const usesInput: Products['updateProduct'] = async ({ path, body }) => ({
  ...product,
  id: path.id,
  name: body.name ?? product.name,
});

// @ts-expect-error TS2339: a path parameter with another name
export const misspeltPath: Products['getProduct'] = async ({ path }) => ({ ...product, id: path.productId });

// @ts-expect-error TS2339: a query parameter that does not exist
export const misspeltQuery: Products['listProducts'] = async ({ query }) => pageOf(query.productName);

// @ts-expect-error TS2339: a body where there is none
export const bodyOfGet: Products['getProduct'] = async ({ body }) => body;

// @ts-expect-error TS2322: a member that may be absent is used as if it were always there
export const optionalMember: Products['updateProduct'] = async ({ body }) => ({ ...product, name: body.name });

// A v1 operation is an alias, and only of an operation of the same shape.

export const alias: Products['v1GetProduct'] = real.getProduct;

// @ts-expect-error TS2322: an alias of another operation
export const wrongAlias: Products['v1GetProduct'] = real.listProducts;
