import { netRevenueByProduct } from '../billing/ledger/figures.ts';
import { churnByProduct } from '../billing/mrr/figures.ts';
import { usersByProduct } from '../billing/usage/figures.ts';
import { devicesByProduct } from '../licenses/figures.ts';
import { addDays, addMilliseconds, type Instant } from '../platform/calendar.ts';
import type { Db } from '../platform/db/connect.ts';
import { decimal, formatDecimal } from '../platform/decimal.ts';
import { roundRatio } from '../platform/money.ts';
import { NO_FIGURES, type ProductFigures } from '../products/hooks.ts';
import type { Product } from '../products/product.ts';

/** The figures of a page of products, in a number of statements that does not depend on the page (rules R8). */
export async function productFigures(
  db: Db,
  products: Product[],
  now: Instant,
): Promise<(id: string) => ProductFigures> {
  if (products.length === 0) return () => NO_FIGURES;
  const ids = products.map(({ id }) => id);
  const monthAgo = addDays(now, -30);
  const until = addMilliseconds(now, 1); // what happened at this very instant counts
  const revenue = await netRevenueByProduct(db, ids, monthAgo, until);
  const churn = await churnByProduct(db, ids, monthAgo);
  const window = { from: monthAgo, lastDay: addDays(now, -1), to: until };
  const users = await usersByProduct(db, ids, window);
  const devices = await devicesByProduct(db, ids, window);
  const figures = new Map<string, ProductFigures>();
  for (const { id, currency } of products) {
    const { base, lost } = churn.get(id) ?? { base: 0, lost: 0 };
    figures.set(id, {
      monthlyRevenue: revenue.get(id)?.get(currency) ?? 0n,
      activeUsers: (users.get(id)?.monthly ?? 0) + (devices.get(id)?.monthly ?? 0),
      dailyActiveUsers: (users.get(id)?.daily ?? 0) + (devices.get(id)?.daily ?? 0),
      churnRate: percent(lost, base),
    });
  }
  return (id) => figures.get(id) ?? NO_FIGURES;
}

/** `part / whole` as percent with 2 decimals; "0.00" of nothing. */
export function percent(part: number, whole: number): string {
  if (whole === 0) return '0.00';
  return formatDecimal(decimal(roundRatio(BigInt(part) * 10_000n, BigInt(whole)), 2), 2);
}
