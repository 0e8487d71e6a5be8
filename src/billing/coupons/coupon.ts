import { type Instant, parseInstant } from '../../platform/calendar.ts';
import { conflict, type Fields, invalid, refuse } from '../../platform/errors.ts';
import { readMember, refuseFields } from '../../platform/fields.ts';
import {
  changedTerms,
  type DiscountTerms,
  type DiscountType,
  readTerms,
  sameTerms,
  type TermsChange,
} from './discount-terms.ts';

export type CouponDuration = 'once' | 'repeating' | 'forever';

export interface Coupon {
  id: string;
  code: string;
  name: string;
  terms: DiscountTerms;
  duration: CouponDuration;
  /** Periods of a repeating coupon; null for the others. */
  durationCycles: number | null;
  maxRedemptions: number | null;
  timesRedeemed: number;
  validFrom: Instant;
  validUntil: Instant | null;
  active: boolean;
  /** Plans it may be redeemed for and applies to; empty = every plan. */
  appliesTo: string[];
  createdAt: Instant;
  updatedAt: Instant;
}

/** The members that an update may send. */
export interface CouponChange extends TermsChange {
  name?: string | undefined;
  duration?: CouponDuration | undefined;
  durationCycles?: number | null | undefined;
  maxRedemptions?: number | null | undefined;
  validFrom?: string | undefined;
  validUntil?: string | null | undefined;
  active?: boolean | undefined;
  appliesTo?: string[] | undefined;
}
export interface CouponMembers extends CouponChange {
  code: string;
  discountType: DiscountType;
  discountValue: string;
}

/** Codes are one whatever their case (rules D1). */
export const codeKey = (code: string): string => code.toLowerCase();

/** A new coupon (rules D1). Throws AppError `validation_error` naming every failing member. */
export function newCoupon(id: string, members: CouponMembers, defaultCurrency: string, now: Instant): Coupon {
  const { code, discountType, discountValue, currency = null } = members;
  const fields: Fields = {};
  const terms = readTerms(fields, discountType, discountValue, currency, defaultCurrency);
  return checked(fields, terms, {
    id,
    code,
    name: members.name ?? code,
    duration: members.duration ?? 'once',
    durationCycles: members.durationCycles ?? null,
    maxRedemptions: members.maxRedemptions ?? null,
    timesRedeemed: 0,
    validFrom: readInstant(fields, 'validFrom', members.validFrom) ?? now,
    validUntil: readInstant(fields, 'validUntil', members.validUntil) ?? null,
    active: members.active ?? true,
    appliesTo: members.appliesTo ?? [],
    createdAt: now,
    updatedAt: now,
  });
}

/**
 * The coupon as it would be: absent members stay, null clears, and the whole is consistent.
 * Throws AppError `validation_error`; `conflict` when the terms of a redeemed coupon would change (rules D1).
 */
export function changedCoupon(before: Coupon, change: CouponChange, defaultCurrency: string): Coupon {
  const fields: Fields = {};
  const validUntil = readInstant(fields, 'validUntil', change.validUntil);
  const after = checked(fields, changedTerms(fields, before.terms, change, defaultCurrency), {
    ...before,
    name: change.name ?? before.name,
    duration: change.duration ?? before.duration,
    durationCycles: change.durationCycles === undefined ? before.durationCycles : change.durationCycles,
    maxRedemptions: change.maxRedemptions === undefined ? before.maxRedemptions : change.maxRedemptions,
    validFrom: readInstant(fields, 'validFrom', change.validFrom) ?? before.validFrom,
    validUntil: validUntil === undefined ? before.validUntil : validUntil,
    active: change.active ?? before.active,
    appliesTo: samePlans(before.appliesTo, change.appliesTo) ? before.appliesTo : change.appliesTo!,
  });
  if (before.timesRedeemed > 0 && !saysTheSame(before, after))
    throw conflict('The terms of a coupon are fixed once it is redeemed. Set active to false and make another one.');
  return after;
}

/** What a coupon is redeemed for. */
export interface Redemption {
  planId: string;
  currency: string;
  /** Coupons that are attached already. */
  couponIds: readonly string[];
}

/**
 * The checks of a redemption but the last one, in the order of rules D2. Throws AppError `validation_error` on
 * `couponCode`, `coupon_expired`, `currency_mismatch`, `already_exists`.
 */
export function refuseRedemption(coupon: Coupon | undefined, redemption: Redemption, now: Instant): Coupon {
  if (!coupon) throw invalid({ couponCode: 'is not a known coupon code' });
  const { terms, appliesTo, active, validFrom, validUntil } = coupon;
  if (!active || validFrom > now || (validUntil !== null && validUntil <= now))
    throw refuse('coupon_expired', 'The coupon is not valid now.');
  if (terms.currency !== null && terms.currency !== redemption.currency)
    throw refuse('currency_mismatch', `The coupon takes off ${terms.currency}, the plan costs ${redemption.currency}.`);
  if (appliesTo.length > 0 && !appliesTo.includes(redemption.planId))
    throw invalid({ couponCode: 'does not apply to this plan' });
  if (redemption.couponIds.includes(coupon.id)) throw refuse('already_exists', 'The coupon has been taken already.');
  return coupon;
}

/** Absent is undefined, null is null; what cannot be read is reported and counts as absent. */
const readInstant = <T extends string | null | undefined>(fields: Fields, name: string, text: T) =>
  (typeof text === 'string' ? readMember(fields, name, () => parseInstant(text)) : text) as
    | Instant
    | Exclude<T, string>;

function checked(fields: Fields, terms: DiscountTerms | undefined, rest: Omit<Coupon, 'terms'>): Coupon {
  const { duration, durationCycles, maxRedemptions, timesRedeemed, validFrom, validUntil } = rest;
  if (duration === 'repeating' && durationCycles === null)
    fields.durationCycles ??= 'is required for a repeating coupon';
  if (duration !== 'repeating' && durationCycles !== null)
    fields.durationCycles ??= 'must be null unless duration is repeating';
  if (maxRedemptions !== null && maxRedemptions < timesRedeemed)
    fields.maxRedemptions ??= `must not be below timesRedeemed (${timesRedeemed})`;
  if (validUntil !== null && validUntil <= validFrom) fields.validUntil ??= 'must be after validFrom';
  refuseFields(fields);
  return { ...rest, terms: terms! };
}

const samePlans = (a: string[], b: string[] | undefined): boolean =>
  b === undefined || a.toSorted().join() === b.toSorted().join();

const saysTheSame = (a: Coupon, b: Coupon): boolean =>
  sameTerms(a.terms, b.terms) &&
  a.duration === b.duration &&
  a.durationCycles === b.durationCycles &&
  samePlans(a.appliesTo, b.appliesTo);
