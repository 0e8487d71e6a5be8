import { describe, expect, test } from '@jest/globals';
import { type MrrDiscount, subscriptionMrr } from '../../../src/billing/pricing/mrr.ts';
import { formatMoney, roundRatio } from '../../../src/platform/money.ts';
import { charge, discount, price, TIERS_A } from '../../support/charges.ts';

const coupon = (value: string, duration: MrrDiscount['duration'], rest = {}): MrrDiscount => ({
  ...discount(value, rest),
  duration,
});
const perUnit = charge(price({ pricingModel: 'per_unit', unitPrice: '10' }), { quantity: 5 });
const yearly = (basePrice: string) => charge(price({ basePrice, billingCycle: 'yearly' }));
const quarterly = charge(price({ basePrice: '100', billingCycle: 'quarterly' }));
const metered = charge(price({ pricingModel: 'usage_based', basePrice: '20', unitPrice: '1' }));
const monthly = (basePrice: string) => charge(price({ basePrice }));

const ROWS: [string, bigint, string][] = [
  ['R.1', subscriptionMrr('active', monthly('100'), []), '100.00'],
  ['R.2', subscriptionMrr('active', yearly('1200'), []), '100.00'],
  ['R.3', subscriptionMrr('active', perUnit, [coupon('20 %', 'forever')]), '40.00'],
  ['R.4', subscriptionMrr('active', quarterly, []), '33.33'],
  ['R.5', subscriptionMrr('past_due', monthly('50'), []), '50.00'],
  ['R.6', subscriptionMrr('active', metered, []), '20.00'],
  ['R.7', subscriptionMrr('active', monthly('100'), [coupon('10.00', 'once')]), '100.00'],
  ['R.8', subscriptionMrr('active', yearly('1200'), [coupon('10.00', 'forever')]), '99.17'],
  ['R.9', subscriptionMrr('active', yearly('599.88'), []), '49.99'],
];

describe('worked values', () => {
  test.each(ROWS)('%s', (_id, mrr, expected) => {
    expect(formatMoney(mrr, 'USD')).toBe(expected);
  });

  test.each(['trialing', 'paused', 'canceled'])('R.10 %s', (status) => {
    expect(subscriptionMrr(status, monthly('100'), [])).toBe(0n);
  });

  test('R.11, R.12 sum, ARR and ARPA', () => {
    const sum = ROWS.reduce((all, [, mrr]) => all + mrr, 0n);
    expect(formatMoney(sum, 'USD')).toBe('592.49');
    expect(formatMoney(12n * sum, 'USD')).toBe('7109.88');
    expect(formatMoney(roundRatio(sum, BigInt(ROWS.length)), 'USD')).toBe('65.83');
  });
});

describe('what counts', () => {
  test('a repeating discount counts while it covers the current period', () => {
    const ends = (endsAt: string) => [coupon('50 %', 'repeating', { endsAt })];
    expect(subscriptionMrr('active', monthly('100'), ends('2026-05-01T00:00:00.000Z'))).toBe(5000n);
    expect(subscriptionMrr('active', monthly('100'), ends('2026-04-01T00:00:00.000Z'))).toBe(10_000n);
  });

  test('a discount on another plan does not', () => {
    const other = [coupon('50 %', 'forever', { planIds: ['plan-2'] })];
    expect(subscriptionMrr('active', monthly('100'), other)).toBe(10_000n);
  });

  test('a monthly plan sold yearly, and tiers, count per month', () => {
    expect(subscriptionMrr('active', { ...monthly('49.99'), billingCycle: 'yearly' }, [])).toBe(4999n);
    const tiered = charge(price({ pricingModel: 'tiered', tiers: TIERS_A }), {
      quantity: 15,
      billingCycle: 'quarterly',
    });
    expect(subscriptionMrr('active', tiered, [])).toBe(6500n);
  });

  test('a plan without advance part has none', () => {
    expect(subscriptionMrr('active', charge(price({ pricingModel: 'usage_based', basePrice: '7' })), [])).toBe(0n);
  });
});
