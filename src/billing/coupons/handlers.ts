import type { Coupon as Shown } from '../../../generated/types.gen.ts';
import { changesOf } from '../../platform/changes.ts';
import { notFound, refuse } from '../../platform/errors.ts';
import type { Context, Handlers } from '../../platform/http/operations.ts';
import { type PageRequest, paged, readPage } from '../../platform/http/pagination.ts';
import { loadBillingSettings } from '../../settings/store.ts';
import { requirePlans } from '../plans/store.ts';
import { type Coupon, changedCoupon, newCoupon } from './coupon.ts';
import { formatValue } from './discount-terms.ts';
import * as store from './store.ts';

export const coupons: Handlers<'coupons'> = {
  async listCoupons({ query }, { db }) {
    const read = (step: PageRequest) => store.listCoupons(db, query, step);
    return paged(await readPage('coupons', query, { keyOf: ({ id }) => id, read }), present);
  },

  async getCoupon({ path }, { db }) {
    const coupon = await store.findCoupon(db, path.id);
    if (!coupon) throw notFound('coupon');
    return present(coupon);
  },

  async createCoupon({ body }, context) {
    const coupon = newCoupon(context.newId(), body, await defaultCurrency(context), context.now);
    await requirePlans(context.db, coupon.appliesTo);
    if (!(await store.insertCoupon(context.db, coupon)))
      throw refuse('already_exists', 'A coupon with this code exists.', { code: 'is taken' });
    const shown = present(coupon);
    context.audit({ entityType: 'coupon', entityId: coupon.id, changes: changesOf<object>({}, shown) });
    return shown;
  },

  async updateCoupon({ path, body }, context) {
    const before = await store.lockCoupon(context.db, path.id);
    if (!before) throw notFound('coupon');
    const after = { ...changedCoupon(before, body, await defaultCurrency(context)), updatedAt: context.now };
    const changes = changesOf(present(before), present(after));
    if (Object.keys(changes).length === 0) return present(before);
    if (changes.appliesTo) await requirePlans(context.db, after.appliesTo);
    await store.updateCoupon(context.db, after);
    context.audit({ entityType: 'coupon', entityId: path.id, changes });
    return present(after);
  },

  async deleteCoupon({ path }, context) {
    const coupon = await store.lockCouponForDelete(context.db, path.id);
    if (!coupon) throw notFound('coupon');
    if (coupon.timesRedeemed > 0)
      throw refuse('delete_conflict', 'The coupon has been redeemed. Set active to false instead.');
    await store.deleteCoupon(context.db, path.id);
    context.audit({ entityType: 'coupon', entityId: path.id });
  },
};

const defaultCurrency = async ({ db, runtime }: Context): Promise<string> =>
  (await loadBillingSettings(db, runtime.config)).defaultCurrency;

const present = (coupon: Coupon): Shown => ({
  id: coupon.id,
  code: coupon.code,
  name: coupon.name,
  discountType: coupon.terms.type,
  discountValue: formatValue(coupon.terms),
  currency: coupon.terms.currency,
  duration: coupon.duration,
  durationCycles: coupon.durationCycles,
  maxRedemptions: coupon.maxRedemptions,
  timesRedeemed: coupon.timesRedeemed,
  validFrom: coupon.validFrom,
  validUntil: coupon.validUntil,
  active: coupon.active,
  appliesTo: coupon.appliesTo,
  createdAt: coupon.createdAt,
  updatedAt: coupon.updatedAt,
});
