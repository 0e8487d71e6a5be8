import type { Instant } from '../../platform/calendar.ts';
import { big, bool, int, json, money, optionalInt, toJson } from '../../platform/db/columns.ts';
import type { Db } from '../../platform/db/connect.ts';
import { inList } from '../../platform/db/in-list.ts';
import { decimal, powerOfTen } from '../../platform/decimal.ts';
import type { PageRequest } from '../../platform/http/pagination.ts';
import { type Coupon, codeKey } from './coupon.ts';

export interface CouponFilter {
  code?: string | undefined;
  active?: boolean | undefined;
}

/** Newest first; up to `limit + 1` rows. */
export async function listCoupons(db: Db, filter: CouponFilter, page: PageRequest): Promise<Coupon[]> {
  const query = db('coupons')
    .orderBy('id', 'desc')
    .limit(page.limit + 1);
  if (page.after) query.where('id', '<', page.after);
  if (filter.code !== undefined) query.where({ code_key: codeKey(filter.code) });
  if (filter.active !== undefined) query.where({ active: filter.active });
  return (await query).map(fromRow);
}

export async function findCoupon(db: Db, id: string): Promise<Coupon | undefined> {
  return (await db('coupons').where({ id })).map(fromRow)[0];
}

/** Coupons by their id, in one statement. */
export async function loadCoupons(db: Db, ids: Iterable<string>): Promise<Map<string, Coupon>> {
  const wanted = inList(ids);
  if (wanted.length === 0) return new Map();
  const rows = await db('coupons').whereIn('id', wanted);
  return new Map(rows.map((row) => [row.id, fromRow(row)]));
}

/** Locks the row against every other writer of it. */
export async function lockCoupon(db: Db, id: string): Promise<Coupon | undefined> {
  return (await db('coupons').where({ id }).forNoKeyUpdate()).map(fromRow)[0];
}

/** Locks the coupon with this code, whatever its case. */
export async function lockCouponByCode(db: Db, code: string): Promise<Coupon | undefined> {
  return (
    await db('coupons')
      .where({ code_key: codeKey(code) })
      .forNoKeyUpdate()
  ).map(fromRow)[0];
}

/** Locks the row also against new rows that point to it. */
export async function lockCouponForDelete(db: Db, id: string): Promise<Coupon | undefined> {
  return (await db('coupons').where({ id }).forUpdate()).map(fromRow)[0];
}

/** False when the code is taken. */
export async function insertCoupon(db: Db, coupon: Coupon): Promise<boolean> {
  const row = {
    id: coupon.id,
    code: coupon.code,
    code_key: codeKey(coupon.code),
    times_redeemed: coupon.timesRedeemed,
    created_at: coupon.createdAt,
    ...toRow(coupon),
  };
  return (await db('coupons').insert(row).onConflict().ignore().returning('id')).length > 0;
}

export async function updateCoupon(db: Db, coupon: Coupon): Promise<void> {
  await db('coupons').where({ id: coupon.id }).update(toRow(coupon));
}

/** Counts one redemption; false when none is left (rules D2). */
export async function countRedemption(db: Db, id: string, now: Instant): Promise<boolean> {
  const hit = await db('coupons')
    .where({ id })
    .whereRaw('(max_redemptions is null or times_redeemed < max_redemptions)')
    .update({ times_redeemed: db.raw('times_redeemed + 1'), updated_at: now });
  return hit === 1;
}

export async function deleteCoupon(db: Db, id: string): Promise<void> {
  await db('coupons').where({ id }).delete();
}

/** A percentage is kept in millionths of one (10 % = 100 000). */
const PPM_DECIMALS = 4;

function toRow(coupon: Coupon) {
  const { terms } = coupon;
  return {
    name: coupon.name,
    discount_type: terms.type,
    percent_ppm:
      terms.type === 'percentage'
        ? Number(terms.value.coefficient * powerOfTen(PPM_DECIMALS - terms.value.scale))
        : null,
    amount: terms.type === 'fixed_amount' ? Number(terms.value) : null,
    currency: terms.currency,
    duration: coupon.duration,
    duration_cycles: coupon.durationCycles,
    max_redemptions: coupon.maxRedemptions,
    valid_from: coupon.validFrom,
    valid_until: coupon.validUntil,
    active: coupon.active,
    applies_to: toJson(coupon.appliesTo),
    updated_at: coupon.updatedAt,
  };
}

// biome-ignore lint/suspicious/noExplicitAny: a row as either driver answers it
function fromRow(row: any): Coupon {
  return {
    id: row.id,
    code: row.code,
    name: row.name,
    terms:
      row.discount_type === 'percentage'
        ? { type: 'percentage', value: decimal(big(row.percent_ppm), PPM_DECIMALS), currency: null }
        : { type: 'fixed_amount', value: money(row.amount), currency: row.currency },
    duration: row.duration,
    durationCycles: optionalInt(row.duration_cycles),
    maxRedemptions: optionalInt(row.max_redemptions),
    timesRedeemed: int(row.times_redeemed),
    validFrom: row.valid_from,
    validUntil: row.valid_until,
    active: bool(row.active),
    appliesTo: json(row.applies_to),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
