import type { DateOnly } from '../../platform/calendar.ts';
import { bool, decimal, toDecimal } from '../../platform/db/columns.ts';
import type { Db } from '../../platform/db/connect.ts';
import { lockNames } from '../../platform/db/locks.ts';
import type { PageRequest } from '../../platform/http/pagination.ts';
import type { ProductType } from '../../products/product.ts';
import type { TaxRule } from './tax-rule.ts';

export interface TaxRuleFilter {
  country?: string | undefined;
  /** Effective on `today`, or not. */
  active?: boolean | undefined;
  today: DateOnly;
}

/** Newest first; up to `limit + 1` rows. */
export async function listTaxRules(db: Db, filter: TaxRuleFilter, page: PageRequest): Promise<TaxRule[]> {
  const query = db('tax_rules')
    .orderBy('id', 'desc')
    .limit(page.limit + 1);
  if (page.after) query.where('id', '<', page.after);
  if (filter.country) query.where({ country: filter.country });
  if (filter.active === true) query.whereRaw(EFFECTIVE, [filter.today, filter.today]);
  if (filter.active === false) query.whereRaw(`not ${EFFECTIVE}`, [filter.today, filter.today]);
  return (await query).map(fromRow);
}

/** The rules effective on a UTC date or later, for resolveTaxRule. */
export async function loadTaxRules(db: Db, date: DateOnly): Promise<TaxRule[]> {
  return (await db('tax_rules').whereRaw('(effective_to is null or effective_to > ?)', [date])).map(fromRow);
}

/** Locks the row against every other writer of it. */
export async function lockTaxRule(db: Db, id: string): Promise<TaxRule | undefined> {
  return (await db('tax_rules').where({ id }).forNoKeyUpdate()).map(fromRow)[0];
}

/**
 * Whether another rule of the same country, region and category is effective on a day of this one. The three are held
 * until the commit, so that no other rule of theirs can come meanwhile.
 */
export async function overlaps(db: Db, rule: TaxRule): Promise<boolean> {
  const { country, region, productCategory } = rule;
  await lockNames(db, [`tax_rules:${JSON.stringify([country, region, productCategory])}`]);
  const query = db('tax_rules')
    .where({ country })
    .whereRaw("coalesce(region, '') = ?", [region ?? ''])
    .whereRaw("coalesce(product_category, '') = ?", [productCategory ?? ''])
    .whereNot({ id: rule.id })
    .whereRaw('(effective_to is null or (effective_to > effective_from and effective_to > ?))', [rule.effectiveFrom]);
  if (rule.effectiveTo !== null) query.where('effective_from', '<', rule.effectiveTo);
  return (await query.select('id').limit(1)).length > 0;
}

/** False when the unique index refuses the row: another open rule of the same country, region and category. */
export async function insertTaxRule(db: Db, rule: TaxRule): Promise<boolean> {
  const row = {
    id: rule.id,
    country: rule.country,
    region: rule.region,
    tax_name: rule.taxName,
    rate: toDecimal(rule.rate),
    inclusive: rule.inclusive,
    product_category: rule.productCategory,
    effective_from: rule.effectiveFrom,
    effective_to: rule.effectiveTo,
    created_at: rule.createdAt,
  };
  return (await db('tax_rules').insert(row).onConflict().ignore().returning('id')).length > 0;
}

export async function closeTaxRule(db: Db, id: string, effectiveTo: DateOnly): Promise<void> {
  await db('tax_rules').where({ id }).update({ effective_to: effectiveTo });
}

const EFFECTIVE = '(effective_from <= ? and (effective_to is null or effective_to > ?))';

interface Row {
  id: string;
  country: string;
  region: string | null;
  tax_name: string;
  rate: unknown;
  inclusive: unknown;
  product_category: ProductType | null;
  effective_from: string;
  effective_to: string | null;
  created_at: string;
}

function fromRow(row: Row): TaxRule {
  return {
    id: row.id,
    country: row.country,
    region: row.region,
    productCategory: row.product_category,
    taxName: row.tax_name,
    rate: decimal(row.rate),
    inclusive: bool(row.inclusive),
    effectiveFrom: row.effective_from,
    effectiveTo: row.effective_to,
    createdAt: row.created_at,
  };
}
