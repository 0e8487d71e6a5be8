import type { Instant } from '../platform/calendar.ts';
import type { Db } from '../platform/db/connect.ts';
import type { Product } from './product.ts';

/** What a product earned and who used it (rules R8). */
export interface ProductFigures {
  /** Minor units of the product's currency. */
  monthlyRevenue: bigint;
  activeUsers: number;
  dailyActiveUsers: number;
  /** Percent with 2 decimals. */
  churnRate: string;
}

/** Of a product that is new. */
export const NO_FIGURES: ProductFigures = {
  monthlyRevenue: 0n,
  activeUsers: 0,
  dailyActiveUsers: 0,
  churnRate: '0.00',
};

/** What products ask of those above them. */
export interface ProductHooks {
  /** The figures of a page of products, in a number of statements that does not depend on the page (rules R8). */
  figuresOf(db: Db, products: Product[], now: Instant): Promise<(id: string) => ProductFigures>;
  /** The products that the customer has, by a subscription or a licence. */
  heldBy(db: Db, customerId: string): Promise<string[]>;
  /** Whether it has plans or licences. */
  isSold(db: Db, id: string): Promise<boolean>;
}

declare module '../platform/work.ts' {
  interface Hooks {
    products: ProductHooks;
  }
}
