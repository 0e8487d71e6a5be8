import { describe, expect, test } from '@jest/globals';
import { resolveTaxRule, type TaxRule, taxOfRule } from '../../../src/billing/pricing/tax.ts';
import { utcDate } from '../../../src/platform/calendar.ts';
import { formatDecimal, parseDecimal } from '../../../src/platform/decimal.ts';

function rule(id: string, key: string, rate: string, rest: Partial<TaxRule> = {}): TaxRule {
  const [country = '', region = '–', category = '–'] = key.split('/');
  const given = (text: string) => (text === '–' ? null : text);
  return {
    id,
    country,
    region: given(region),
    productCategory: given(category),
    taxName: `Tax ${id}`,
    rate: parseDecimal(rate),
    inclusive: false,
    effectiveFrom: '2026-01-01',
    effectiveTo: null,
    ...rest,
  };
}

const RULES = [
  rule('a', 'US/–/–', '0.0000'),
  rule('b', 'US/CA/–', '0.0725'),
  rule('c', 'US/CA/saas', '0.0500'),
  rule('d', 'US/–/saas', '0.0300'),
];

describe('resolution', () => {
  test.each<[string, string | null, string | null, string, string | undefined]>([
    ['V.1', 'US', 'CA', 'saas', 'c'],
    ['V.2', 'US', 'CA', 'licensed', 'b'],
    ['V.3', 'US', 'NY', 'saas', 'd'],
    ['V.4', 'US', 'NY', 'licensed', 'a'],
    ['V.5', 'us', ' ca ', 'saas', 'c'],
    ['V.6', 'US', null, 'saas', 'd'],
    ['V.7', 'FR', null, 'saas', undefined],
    ['V.8', null, 'CA', 'saas', undefined],
    ['V.8 blank', ' ', 'CA', 'saas', undefined],
    ['blank state', 'US', ' ', 'saas', 'd'],
  ])('%s %s %s %s', (_id, country, state, category, expected) => {
    for (const rules of [RULES, RULES.toReversed()]) {
      expect(resolveTaxRule(rules, { country, state, category }, '2026-06-01')?.id).toBe(expected);
    }
  });

  test('without a product only rules for every category apply', () => {
    expect(resolveTaxRule(RULES, { country: 'US', state: 'CA', category: null }, '2026-06-01')?.id).toBe('b');
  });

  test.each([
    ['V.9', '2026-06-09T23:59:59.999Z', 'old', '0.1000'],
    ['V.10', '2026-06-10T00:00:00.000Z', 'new', '0.0800'],
  ])('%s issued %s', (_id, now, id, rate) => {
    const rules = [
      rule('old', 'JP', '0.1000', { inclusive: true, effectiveTo: '2026-06-10' }),
      rule('new', 'JP', '0.0800', { inclusive: true, effectiveFrom: '2026-06-10' }),
    ];
    const found = resolveTaxRule(rules, { country: 'JP', state: null, category: 'saas' }, utcDate(now));
    expect(found && taxOfRule(found)).toMatchObject({ id, name: `Tax ${id}`, inclusive: true });
    expect(found && formatDecimal(found.rate, 4)).toBe(rate);
  });

  test('a rule that has not begun does not apply', () => {
    const place = { country: 'JP', state: null, category: null };
    expect(resolveTaxRule([rule('x', 'JP', '0.1')], place, '2025-12-31')).toBeUndefined();
  });

  test('ties go to the latest effectiveFrom, then to the highest id', () => {
    const later = rule('a', 'JP', '0.1', { effectiveFrom: '2026-02-01' });
    const rules = [rule('b', 'JP', '0.1'), later, rule('c', 'JP', '0.1')];
    const place = { country: 'JP', state: null, category: null };
    expect(resolveTaxRule(rules, place, '2026-06-01')?.id).toBe('a');
    expect(resolveTaxRule(rules, place, '2026-01-15')?.id).toBe('c');
  });
});
