import { insertRows, updateRows } from '../../../platform/db/bulk.ts';
import type { Db } from '../../../platform/db/connect.ts';
import { inList } from '../../../platform/db/in-list.ts';
import { loadCoupons } from '../../coupons/store.ts';
import type { SubscriptionDiscount } from '../lifecycle/discount.ts';
import type { Outcome } from '../lifecycle/outcome.ts';

interface Row {
  id: string;
  subscription_id: string;
  coupon_id: string;
  applied_at: string;
  starts_at: string;
  ends_at: string | null;
  removed_at: string | null;
}

/** Every discount these subscriptions ever had, in the order of attachment: two statements, one when there are none. */
export async function loadDiscounts(
  db: Db,
  subscriptionIds: Iterable<string>,
): Promise<Map<string, SubscriptionDiscount[]>> {
  const ids = inList(subscriptionIds);
  if (ids.length === 0) return new Map();
  const rows: Row[] = await db('subscription_discounts')
    .whereIn('subscription_id', ids)
    .orderBy(['subscription_id', 'applied_at', 'id']);
  const coupons = await loadCoupons(
    db,
    rows.map(({ coupon_id }) => coupon_id),
  );
  const discounts = rows.map(
    (row): SubscriptionDiscount => ({
      id: row.id,
      subscriptionId: row.subscription_id,
      coupon: coupons.get(row.coupon_id)!,
      appliedAt: row.applied_at,
      startsAt: row.starts_at,
      endsAt: row.ends_at,
      removedAt: row.removed_at,
    }),
  );
  return Map.groupBy(discounts, ({ subscriptionId }) => subscriptionId);
}

/** The coupons that a customer ever had on any of its subscriptions. */
export async function couponsOfCustomer(db: Db, customerId: string): Promise<string[]> {
  const rows: { coupon_id: string }[] = await db('subscription_discounts as d')
    .join('subscriptions as s', 's.id', 'd.subscription_id')
    .where('s.customer_id', customerId)
    .distinct('d.coupon_id');
  return rows.map(({ coupon_id }) => coupon_id);
}

export const insertDiscounts = (db: Db, discounts: SubscriptionDiscount[]): Promise<number> =>
  insertRows(
    db,
    'subscription_discounts',
    discounts.map((discount) => ({
      id: discount.id,
      subscription_id: discount.subscriptionId,
      coupon_id: discount.coupon.id,
      applied_at: discount.appliedAt,
      starts_at: discount.startsAt,
      ends_at: discount.endsAt,
      removed_at: discount.removedAt,
      created_at: discount.appliedAt,
    })),
  );

const updateDiscounts = (db: Db, discounts: SubscriptionDiscount[]): Promise<number> =>
  updateRows(
    db,
    'subscription_discounts',
    'id',
    discounts.map(({ id, startsAt, endsAt, removedAt }) => ({
      id,
      starts_at: startsAt,
      ends_at: endsAt,
      removed_at: removedAt,
    })),
  );

/** Writes attached, ended and moved discounts of many outcomes. */
export async function saveDiscounts(db: Db, outcomes: Outcome[]): Promise<void> {
  const inserted: SubscriptionDiscount[] = [];
  const updated: SubscriptionDiscount[] = [];
  for (const { discounts, discountsBefore } of outcomes)
    for (const [i, discount] of discounts.entries()) {
      const before = discountsBefore[i];
      if (!before) inserted.push(discount);
      else if (!sameWindow(before, discount)) updated.push(discount);
    }
  await insertDiscounts(db, inserted);
  await updateDiscounts(db, updated);
}

const sameWindow = (a: SubscriptionDiscount, b: SubscriptionDiscount): boolean =>
  a.startsAt === b.startsAt && a.endsAt === b.endsAt && a.removedAt === b.removedAt;
