import { type DateOnly, utcDate } from '../../platform/calendar.ts';
import { changesOf } from '../../platform/changes.ts';
import type { Db } from '../../platform/db/connect.ts';
import { formatDecimal } from '../../platform/decimal.ts';
import { notFound, refuse } from '../../platform/errors.ts';
import type { Handlers } from '../../platform/http/operations.ts';
import { type PageRequest, paged, readPage } from '../../platform/http/pagination.ts';
import * as store from './store.ts';
import { endOfDeleted, isEffective, newTaxRule, saysTheSame, succeedingRule, type TaxRule } from './tax-rule.ts';

export const taxRules: Handlers<'taxRules'> = {
  async listTaxRules({ query }, { db, now }) {
    const today = utcDate(now);
    const filter = { country: query.country, active: query.active, today };
    const read = (step: PageRequest) => store.listTaxRules(db, filter, step);
    return paged(await readPage('taxRules', query, { keyOf: ({ id }) => id, read }), (rule) => present(rule, today));
  },

  async createTaxRule({ body }, context) {
    const today = utcDate(context.now);
    const rule = newTaxRule(context.newId(), body, today, context.now);
    await insert(context.db, rule);
    const shown = present(rule, today);
    context.audit({ entityType: 'tax_rule', entityId: rule.id, changes: changesOf<object>({}, shown) });
    return shown;
  },

  async updateTaxRule({ path, body }, context) {
    const { db, now, newId } = context;
    const today = utcDate(now);
    const old = await store.lockTaxRule(db, path.id);
    if (!old) throw notFound('tax rule');
    const rule = succeedingRule(newId(), old, body, today, now);
    if (saysTheSame(old, rule, body)) return present(old, today);
    await store.closeTaxRule(db, old.id, rule.effectiveFrom);
    await insert(db, rule);
    const shown = present(rule, today);
    context.audit({ entityType: 'tax_rule', entityId: old.id, changes: changesOf(present(old, today), shown) });
    return shown;
  },

  async deleteTaxRule({ path }, context) {
    const today = utcDate(context.now);
    const rule = await store.lockTaxRule(context.db, path.id);
    if (!rule) throw notFound('tax rule');
    const effectiveTo = endOfDeleted(rule, today);
    if (effectiveTo === undefined) return;
    await store.closeTaxRule(context.db, rule.id, effectiveTo);
    const changes = { effectiveTo: [rule.effectiveTo, effectiveTo] as [unknown, unknown] };
    context.audit({ entityType: 'tax_rule', entityId: rule.id, changes });
  },
};

/** Throws AppError `already_exists` when the rule meets another one of its country, region and category. */
async function insert(db: Db, rule: TaxRule): Promise<void> {
  if ((await store.overlaps(db, rule)) || !(await store.insertTaxRule(db, rule)))
    throw refuse('already_exists', 'Another rule for this country, region and category is effective then.');
}

const present = (rule: TaxRule, today: DateOnly) => ({
  id: rule.id,
  country: rule.country,
  region: rule.region,
  taxName: rule.taxName,
  rate: formatDecimal(rule.rate, 4),
  inclusive: rule.inclusive,
  productCategory: rule.productCategory,
  effectiveFrom: rule.effectiveFrom,
  effectiveTo: rule.effectiveTo,
  active: isEffective(rule, today),
  createdAt: rule.createdAt,
});
