import type { Instant } from '../platform/calendar.ts';
import type { Fields } from '../platform/errors.ts';
import { readMember, refuseFields } from '../platform/fields.ts';
import { exponentOf, formatMoney, parseMoney } from '../platform/money.ts';

export type ProductType = 'licensed' | 'saas' | 'api';
export type ProductStatus = 'active' | 'inactive' | 'archived';

export interface Product {
  id: string;
  name: string;
  productType: ProductType;
  description: string | null;
  /** List price in minor units of `currency`; nothing is billed by it (rules P1). */
  price: bigint;
  currency: string;
  status: ProductStatus;
  createdAt: Instant;
  updatedAt: Instant;
}

export interface ProductChange {
  name?: string | undefined;
  productType?: ProductType | undefined;
  description?: string | null | undefined;
  price?: string | undefined;
  currency?: string | undefined;
  status?: ProductStatus | undefined;
}

/** List price text -> minor units. Throws AppError `validation_error` on `price` and `currency`. */
export function readListPrice(text: string, currency: string): bigint {
  const fields: Fields = {};
  readMember(fields, 'currency', () => exponentOf(currency));
  refuseFields(fields);
  const price = readMember(fields, 'price', () => parseMoney(text, currency));
  if (price !== undefined && price < 0n) fields.price = 'must not be negative';
  refuseFields(fields);
  return price!;
}

/** The product as it would be after an update; a price that stays must be one of the new currency too. */
export function changedProduct(before: Product, change: ProductChange): Product {
  const currency = change.currency ?? before.currency;
  const price = change.price ?? formatMoney(before.price, before.currency);
  return {
    ...before,
    name: change.name ?? before.name,
    productType: change.productType ?? before.productType,
    description: change.description === undefined ? before.description : change.description,
    price: readListPrice(price, currency),
    currency,
    status: change.status ?? before.status,
  };
}
