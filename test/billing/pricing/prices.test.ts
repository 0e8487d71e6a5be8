import { describe, expect, test } from '@jest/globals';
import {
  type BillingCycle,
  billsInAdvance,
  cycleRatio,
  formatTiers,
  type PlanPrice,
  parseTiers,
  priceProblems,
  samePrice,
  soldRatio,
} from '../../../src/billing/pricing/prices.ts';
import { price, TIERS_A, TIERS_B, tiers } from '../../support/charges.ts';

const metric = { name: 'calls', aggregation: 'sum', uniqueProperty: null } as const;
const model = (pricingModel: PlanPrice['pricingModel']) => pricingModel;

describe('members by model (P3)', () => {
  test.each([
    ['flat', price({ basePrice: '100' })],
    ['flat at zero', price({})],
    ['per_unit by unitPrice', price({ pricingModel: model('per_unit'), unitPrice: '5' })],
    ['per_unit by basePrice', price({ pricingModel: model('per_unit'), basePrice: '5' })],
    ['per_unit at zero', price({ pricingModel: model('per_unit') })],
    ['per_unit with unitPrice zero', price({ pricingModel: model('per_unit'), basePrice: '5', unitPrice: '0' })],
    ['tiered', price({ pricingModel: model('tiered'), tiers: TIERS_A })],
    ['usage_based by basePrice', price({ pricingModel: model('usage_based'), basePrice: '7' })],
    ['usage_based by unitPrice', price({ pricingModel: model('usage_based'), basePrice: '7', unitPrice: '1' })],
    ['usage_based by tiers', price({ pricingModel: model('usage_based'), basePrice: '7', tiers: TIERS_B })],
  ])('%s is valid', (_name, of) => {
    expect(priceProblems(of, 'USD')).toEqual({});
  });

  test.each<[string, PlanPrice, string[]]>([
    ['P.22', price({ pricingModel: 'per_unit', basePrice: '20', unitPrice: '5' }), ['basePrice']],
    ['flat', price({ unitPrice: '0', tiers: TIERS_A, usageMetric: metric }), ['tiers', 'unitPrice', 'usageMetric']],
    ['per_unit', price({ pricingModel: 'per_unit', tiers: TIERS_A, usageMetric: metric }), ['tiers', 'usageMetric']],
    ['tiered without tiers', price({ pricingModel: 'tiered' }), ['tiers']],
    [
      'tiered',
      price({ pricingModel: 'tiered', tiers: TIERS_A, basePrice: '1', unitPrice: '1', usageMetric: metric }),
      ['basePrice', 'unitPrice', 'usageMetric'],
    ],
    ['usage_based without metric', price({ pricingModel: 'usage_based', usageMetric: null }), ['usageMetric']],
    ['usage_based', price({ pricingModel: 'usage_based', unitPrice: '1', tiers: TIERS_A }), ['unitPrice']],
    [
      'negative prices',
      price({ pricingModel: 'per_unit', basePrice: '-1', unitPrice: '-1' }),
      ['basePrice', 'unitPrice'],
    ],
    ['three decimals', price({ basePrice: '1.005' }), ['basePrice']],
    [
      'unique without property',
      price({ pricingModel: 'usage_based', usageMetric: { ...metric, aggregation: 'unique' } }),
      ['usageMetric.uniqueProperty'],
    ],
    [
      'property without unique',
      price({ pricingModel: 'usage_based', usageMetric: { ...metric, uniqueProperty: 'user' } }),
      ['usageMetric.uniqueProperty'],
    ],
  ])('%s is refused', (_name, of, members) => {
    expect(Object.keys(priceProblems(of, 'USD')).sort()).toEqual(members);
  });
});

describe('tiers (P4)', () => {
  const problems = (list: PlanPrice['tiers']) =>
    Object.keys(priceProblems(price({ pricingModel: 'tiered', tiers: list }), 'USD'));

  test.each<[string, PlanPrice['tiers'], string[]]>([
    ['one tier without end', tiers([null, '1']), []],
    ['no tier', [], ['tiers']],
    [
      '101 tiers',
      tiers(...Array.from({ length: 101 }, (_, n): [number | null, string] => [n < 100 ? n + 1 : null, '1'])),
      ['tiers'],
    ],
    ['a last tier with an end', tiers([10, '1']), ['tiers.0.upTo']],
    ['an open tier before the last', tiers([null, '1'], [null, '1']), ['tiers.0.upTo']],
    ['equal ends', tiers([10, '1'], [10, '1'], [null, '1']), ['tiers.1.upTo']],
    ['falling ends', tiers([10, '1'], [9, '1'], [null, '1']), ['tiers.1.upTo']],
    ['an end of 0', tiers([0, '1'], [null, '1']), ['tiers.0.upTo']],
    ['a fraction', tiers([1.5, '1'], [null, '1']), ['tiers.0.upTo']],
    ['negative prices', tiers([null, '-1', '-1']), ['tiers.0.unitPrice', 'tiers.0.flatFee']],
    ['a fee with three decimals', tiers([null, '0.001', '0.001']), ['tiers.0.flatFee']],
    ['a fee with two decimals', tiers([null, '0.001', '0.01']), []],
  ])('%s', (_name, list, members) => {
    expect(problems(list)).toEqual(members);
  });

  test('every problem is said in words', () => {
    const list = tiers([null, '-1', '-1'], [10, '1', '0.001']);
    for (const sentence of Object.values(priceProblems(price({ pricingModel: 'tiered', tiers: list }), 'USD')))
      expect(sentence).toMatch(/^must .+/);
  });

  test('read and write as text', () => {
    const texts = formatTiers(TIERS_B, 'USD');
    expect(texts[2]).toEqual({ upTo: null, unitPrice: '1.50', flatFee: '50.00' });
    expect(parseTiers(texts)).toEqual(TIERS_B);
  });
});

describe('what is billed in advance (P3)', () => {
  const usage = { pricingModel: model('usage_based') };
  test.each<[string, PlanPrice, boolean]>([
    ['flat', price({ basePrice: '0' }), true],
    ['per_unit', price({ pricingModel: model('per_unit') }), true],
    ['tiered', price({ pricingModel: model('tiered'), tiers: TIERS_A }), true],
    ['usage whose basePrice is that of a unit', price({ ...usage, basePrice: '7' }), false],
    ['usage with a price of a unit', price({ ...usage, unitPrice: '1' }), false],
    ['usage with both', price({ ...usage, basePrice: '7', unitPrice: '1' }), true],
    ['usage with tiers', price({ ...usage, tiers: TIERS_B }), false],
    ['usage with tiers and basePrice', price({ ...usage, basePrice: '7', tiers: TIERS_B }), true],
  ])('%s: %s', (_name, of, bills) => expect(billsInAdvance(of)).toBe(bills));
});

describe('cycles (P5)', () => {
  test.each<[BillingCycle, BillingCycle, number | undefined]>([
    ['monthly', 'monthly', 1],
    ['monthly', 'quarterly', 3],
    ['monthly', 'yearly', 12],
    ['quarterly', 'yearly', 4],
    ['quarterly', 'quarterly', 1],
    ['yearly', 'yearly', 1],
    ['quarterly', 'monthly', undefined],
    ['yearly', 'quarterly', undefined],
  ])('%s sold %s', (plan, sold, ratio) => {
    expect(cycleRatio(plan, sold)).toBe(ratio);
  });

  test('P.21 a yearly plan is not sold monthly', () => {
    expect(cycleRatio('yearly', 'monthly')).toBeUndefined();
  });

  test('a usage plan with tiers is sold in its own cycle only', () => {
    const withTiers = price({ pricingModel: 'usage_based', tiers: TIERS_A });
    expect(soldRatio(withTiers, 'monthly')).toBe(1);
    expect(soldRatio(withTiers, 'yearly')).toBeUndefined();
    expect(soldRatio(price({ pricingModel: 'usage_based', unitPrice: '1' }), 'yearly')).toBe(12);
    expect(soldRatio(price({ pricingModel: 'tiered', tiers: TIERS_A }), 'yearly')).toBe(12);
  });
});

describe('versions (P2)', () => {
  const base = price({ pricingModel: 'usage_based', unitPrice: '0.10', basePrice: '20' });

  test('the same value written otherwise is the same price', () => {
    expect(samePrice(base, price({ pricingModel: 'usage_based', unitPrice: '0.1', basePrice: '20.00' }))).toBe(true);
  });

  test.each<[string, PlanPrice]>([
    ['pricingModel', { ...base, pricingModel: 'per_unit' }],
    ['tierMode', { ...base, tierMode: 'volume' }],
    ['billingCycle', { ...base, billingCycle: 'yearly' }],
    ['basePrice', { ...base, basePrice: { coefficient: 21n, scale: 0 } }],
    ['unitPrice', { ...base, unitPrice: null }],
    ['tiers', { ...base, tiers: TIERS_A }],
    ['usageMetric', { ...base, usageMetric: { ...metric, name: 'bytes' } }],
  ])('a change of %s is another price', (_member, other) => {
    expect(samePrice(base, other)).toBe(false);
  });
});
