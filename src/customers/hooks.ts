import type { Subscription } from '../../generated/types.gen.ts';
import type { Instant } from '../platform/calendar.ts';
import type { Db } from '../platform/db/connect.ts';
import type { ProductType } from '../products/product.ts';
import type { Customer } from './customer.ts';

export interface ProductRef {
  id: string;
  name: string;
  productType: ProductType;
}

/** What is computed for a customer whenever it is answered. */
export interface CustomerFigures {
  healthScore: number;
  /** Minor units of the customer's currency, or of the default currency. */
  creditBalance: bigint;
  creditCurrency: string;
  /** Minor units, by currency. */
  creditBalances: { currency: string; balance: bigint }[];
  products: ProductRef[];
}

/** What customers ask of those above them. */
export interface CustomerHooks {
  /** The figures of a page of customers, in a number of statements that does not depend on the page. */
  figuresOf(
    db: Db,
    customers: Customer[],
    defaultCurrency: string,
    now: Instant,
  ): Promise<(customer: Customer) => CustomerFigures>;
  /** The figures of a customer that is new. */
  newFigures(customer: Customer, defaultCurrency: string): CustomerFigures;
  /** Whether any row of billing, licences or access refers to the customer (contract 2.6). */
  isReferenced(db: Db, id: string): Promise<boolean>;
  /** The newest subscriptions, as they are answered. */
  subscriptionsOf(db: Db, customerId: string, limit: number): Promise<Subscription[]>;
}

declare module '../platform/work.ts' {
  interface Hooks {
    customers: CustomerHooks;
  }
}
