import { type DateOnly, type Instant, parseDate } from '../../platform/calendar.ts';
import type { Decimal } from '../../platform/decimal.ts';
import { compare, ONE, parseDecimal, signOf } from '../../platform/decimal.ts';
import { conflict, type Fields } from '../../platform/errors.ts';
import { readMember, refuseFields } from '../../platform/fields.ts';
import type { ProductType } from '../../products/product.ts';
import { type TaxRule as Rule, taxKey } from '../pricing/tax.ts';

/** A tax rule as it is kept: effective on the UTC dates `[effectiveFrom, effectiveTo)`. */
export interface TaxRule extends Rule {
  readonly productCategory: ProductType | null;
  readonly createdAt: Instant;
}

/** The members that an update may send; `null` opens the end again. */
export interface TaxRuleChange {
  taxName?: string | undefined;
  rate?: string | undefined;
  inclusive?: boolean | undefined;
  effectiveFrom?: string | undefined;
  effectiveTo?: string | null | undefined;
}
export interface TaxRuleMembers extends TaxRuleChange {
  country: string;
  region?: string | null | undefined;
  productCategory?: ProductType | null | undefined;
  taxName: string;
  rate: string;
}

/** A new rule, from today unless another day is sent. Throws AppError `validation_error`. */
export function newTaxRule(id: string, members: TaxRuleMembers, today: DateOnly, now: Instant): TaxRule {
  return checked({
    id,
    country: taxKey(members.country)!,
    region: taxKey(members.region ?? null),
    productCategory: members.productCategory ?? null,
    taxName: members.taxName,
    rate: members.rate,
    inclusive: members.inclusive ?? false,
    effectiveFrom: members.effectiveFrom ?? today,
    effectiveTo: members.effectiveTo ?? null,
    createdAt: now,
  });
}

/**
 * The row that follows a changed rule (rules V5): it begins on the day sent, else today, else with a rule that has not
 * begun yet. Throws AppError `validation_error`, and `conflict` when the old rule has ended by then.
 */
export function succeedingRule(
  id: string,
  old: TaxRule,
  change: TaxRuleChange,
  today: DateOnly,
  now: Instant,
): TaxRule {
  const effectiveFrom = change.effectiveFrom ?? later(today, old.effectiveFrom);
  const fields: Fields = {};
  readMember(fields, 'effectiveFrom', () => parseDate(effectiveFrom));
  if (effectiveFrom < old.effectiveFrom) fields.effectiveFrom ??= `must not be before ${old.effectiveFrom}`;
  refuseFields(fields);
  if (old.effectiveTo !== null && old.effectiveTo <= effectiveFrom)
    throw conflict(`The rule has ended on ${old.effectiveTo}.`);
  return checked({
    ...old,
    id,
    taxName: change.taxName ?? old.taxName,
    rate: change.rate ?? old.rate,
    inclusive: change.inclusive ?? old.inclusive,
    effectiveFrom,
    effectiveTo: change.effectiveTo === undefined ? old.effectiveTo : change.effectiveTo,
    createdAt: now,
  });
}

/** Whether an update asks for nothing else than what the rule already says. */
export function saysTheSame(old: TaxRule, next: TaxRule, change: TaxRuleChange): boolean {
  return (
    next.taxName === old.taxName &&
    compare(next.rate, old.rate) === 0 &&
    next.inclusive === old.inclusive &&
    next.effectiveTo === old.effectiveTo &&
    (change.effectiveFrom === undefined || change.effectiveFrom === old.effectiveFrom)
  );
}

/** The day on which a rule that is deleted today ends; undefined when it has ended already. */
export function endOfDeleted(rule: TaxRule, today: DateOnly): DateOnly | undefined {
  const end = later(today, rule.effectiveFrom);
  return rule.effectiveTo !== null && rule.effectiveTo <= end ? undefined : end;
}

/** Whether the rule applies on a day. */
export const isEffective = (rule: TaxRule, date: DateOnly): boolean =>
  rule.effectiveFrom <= date && (rule.effectiveTo === null || date < rule.effectiveTo);

const later = (a: DateOnly, b: DateOnly): DateOnly => (a > b ? a : b);

function checked(rule: Omit<TaxRule, 'rate'> & { rate: string | Decimal }): TaxRule {
  const fields: Fields = {};
  const { rate, effectiveFrom, effectiveTo } = rule;
  const parsed = readMember(fields, 'rate', () => (typeof rate === 'string' ? parseDecimal(rate) : rate));
  if (parsed && (signOf(parsed) < 0 || compare(parsed, ONE) > 0)) fields.rate = 'must be a fraction from 0 to 1';
  readMember(fields, 'effectiveFrom', () => parseDate(effectiveFrom));
  if (effectiveTo !== null) {
    readMember(fields, 'effectiveTo', () => parseDate(effectiveTo));
    if (effectiveTo <= effectiveFrom) fields.effectiveTo ??= 'must be after effectiveFrom';
  }
  refuseFields(fields);
  return { ...rule, rate: parsed! };
}
