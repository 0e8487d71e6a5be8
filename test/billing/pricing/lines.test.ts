import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  advanceAmount,
  advanceLines,
  lateUsageLine,
  lineAmount,
  lineFraction,
  usageAmount,
  usageLines,
} from '../../../src/billing/pricing/lines.ts';
import type { PlanPrice, TierMode } from '../../../src/billing/pricing/prices.ts';
import { parseLineQuantity, quantityNumber } from '../../../src/billing/pricing/quantity.ts';
import { decimal, formatDecimal, ONE, parseDecimal } from '../../../src/platform/decimal.ts';
import { formatMoney, roundRatio } from '../../../src/platform/money.ts';
import { amounts, charge, price, TIERS_A, TIERS_B, TIERS_U, tiers } from '../../support/charges.ts';

const usd = (minor: bigint) => formatMoney(minor, 'USD');
const usage = (text: string) => parseDecimal(text);
const flat = price({ basePrice: '49.99' });
const seats = (tierMode: TierMode, list: PlanPrice['tiers']) =>
  price({ pricingModel: 'tiered', tierMode, tiers: list });

describe('prices', () => {
  test.each([
    ['P.1', charge(price({ basePrice: '100' }), { quantity: 5 }), '100.00'],
    ['P.2', charge(price({ pricingModel: 'per_unit', unitPrice: '10' }), { quantity: 5 }), '50.00'],
    ['P.2 by basePrice', charge(price({ pricingModel: 'per_unit', basePrice: '10' }), { quantity: 5 }), '50.00'],
    ['P.3', charge(price({ pricingModel: 'usage_based', basePrice: '7' })), '0.00'],
    ['P.4', charge(price({ pricingModel: 'usage_based', basePrice: '20', unitPrice: '0.002' })), '20.00'],
    ['P.18 quarterly', charge(flat, { billingCycle: 'quarterly' }), '149.97'],
    ['P.18 yearly', charge(flat, { billingCycle: 'yearly' }), '599.88'],
    ['P.19 monthly', charge(price({ pricingModel: 'per_unit', unitPrice: '33.333' })), '33.33'],
    [
      'P.19 quarterly',
      charge(price({ pricingModel: 'per_unit', unitPrice: '33.333' }), { billingCycle: 'quarterly' }),
      '100.00',
    ],
    [
      'usage base sold yearly',
      charge(price({ pricingModel: 'usage_based', basePrice: '20', unitPrice: '1' }), { billingCycle: 'yearly' }),
      '240.00',
    ],
  ])('%s in advance', (_id, of, expected) => {
    expect(usd(advanceAmount(of))).toBe(expected);
  });

  test.each([
    ['P.3', price({ pricingModel: 'usage_based', basePrice: '7' }), '3', ['21.00']],
    ['P.4', price({ pricingModel: 'usage_based', basePrice: '20', unitPrice: '0.002' }), '12345.678', ['24.69']],
    ['P.11', price({ pricingModel: 'usage_based', tiers: TIERS_A }), '0', []],
    ['P.16', price({ pricingModel: 'usage_based', tiers: TIERS_U }), '999.5', ['12.49']],
    ['P.17', price({ pricingModel: 'usage_based', tiers: TIERS_U }), '1234.5678', ['12.50', '0.77']],
    ['U.7', price({ pricingModel: 'usage_based', unitPrice: '0.10' }), '10.000000000001', ['1.00']],
    ['negative usage', price({ pricingModel: 'usage_based', unitPrice: '0.10' }), '-5', []],
    ['no usage plan', flat, '5', []],
  ])('%s in arrears', (_id, of, quantity, expected) => {
    expect(amounts(usageLines(charge(of), usage(quantity)))).toEqual(expected);
  });

  test.each<[string, PlanPrice['tiers'], number, string, string]>([
    ['P.5', TIERS_A, 10, '50.00', '50.00'],
    ['P.6', TIERS_A, 11, '53.00', '33.00'],
    ['P.7', TIERS_A, 15, '65.00', '45.00'],
    ['P.8', TIERS_A, 20, '80.00', '60.00'],
    ['P.9', TIERS_A, 21, '81.00', '21.00'],
    ['P.10', TIERS_A, 25, '85.00', '25.00'],
    ['P.12', TIERS_B, 10, '20.00', '20.00'],
    ['P.13', TIERS_B, 12, '24.00', '24.00'],
    ['P.14', TIERS_B, 101, '251.50', '201.50'],
    ['P.15', TIERS_B, 150, '325.00', '275.00'],
  ])('%s graduated and volume, as seats and as usage', (_id, list, quantity, graduated, volume) => {
    expect(usd(advanceAmount(charge(seats('graduated', list), { quantity })))).toBe(graduated);
    expect(usd(advanceAmount(charge(seats('volume', list), { quantity })))).toBe(volume);
    const metered = (tierMode: TierMode) => charge(price({ pricingModel: 'usage_based', tierMode, tiers: list }));
    expect(usd(usageAmount(metered('graduated'), usage(String(quantity))))).toBe(graduated);
    expect(usd(usageAmount(metered('volume'), usage(String(quantity))))).toBe(volume);
  });

  test('P.20 the ratio multiplies the tiers', () => {
    const lines = advanceLines(charge(seats('graduated', TIERS_A), { quantity: 15, billingCycle: 'quarterly' }));
    expect(amounts(lines)).toEqual(['150.00', '45.00']);
  });

  test('P.21 a yearly plan cannot be sold monthly', () => {
    const yearly = price({ basePrice: '100', billingCycle: 'yearly' });
    expect(() => advanceLines(charge(yearly, { billingCycle: 'monthly' }))).toThrow(RangeError);
  });

  test('a fee is due when a part of a unit falls in the tier', () => {
    const of = charge(price({ pricingModel: 'usage_based', tiers: TIERS_B }));
    expect(amounts(usageLines(of, usage('100')))).toEqual(['20.00', '180.00']);
    expect(amounts(usageLines(of, usage('100.0001')))).toEqual(['20.00', '180.00', '50.00']);
  });
});

describe('lines (P6, P7)', () => {
  const shown = (lines: ReturnType<typeof advanceLines>) =>
    lines.map((line) => [line.description, formatDecimal(line.quantity), formatDecimal(line.unitPrice)]);

  test('flat and per_unit are one line', () => {
    expect(shown(advanceLines(charge(flat, { billingCycle: 'quarterly' })))).toEqual([
      ['Pro (Quarterly)', '1', '149.97'],
    ]);
    const perUnit = price({ pricingModel: 'per_unit', unitPrice: '10', billingCycle: 'yearly' });
    expect(shown(advanceLines(charge(perUnit, { quantity: 5 })))).toEqual([['Pro (Yearly)', '5', '10']]);
  });

  test('graduated tiers are one line each, and one per fee', () => {
    expect(shown(advanceLines(charge(seats('graduated', TIERS_A), { quantity: 21 })))).toEqual([
      ['Pro (Monthly), units 1-10', '10', '5'],
      ['Pro (Monthly), units 11-20', '10', '3'],
      ['Pro (Monthly), units 21+', '1', '1'],
    ]);
    expect(shown(advanceLines(charge(seats('graduated', TIERS_B), { quantity: 101 })))).toEqual([
      ['Pro (Monthly), fee for units 1-10', '1', '20'],
      ['Pro (Monthly), units 11-100', '90', '2'],
      ['Pro (Monthly), units 101+', '1', '1.5'],
      ['Pro (Monthly), fee for units 101+', '1', '50'],
    ]);
  });

  test('volume is one line and its fee', () => {
    expect(shown(advanceLines(charge(seats('volume', TIERS_B), { quantity: 150 })))).toEqual([
      ['Pro (Monthly), units 101+', '150', '1.5'],
      ['Pro (Monthly), fee for units 101+', '1', '50'],
    ]);
  });

  test('lines of amount 0 are dropped, also those that round to it', () => {
    expect(advanceLines(charge(price({})))).toEqual([]);
    expect(advanceLines(charge(price({ pricingModel: 'per_unit', unitPrice: '0.0049' })))).toEqual([]);
  });

  test('usage names metric and quantity', () => {
    const of = charge(price({ pricingModel: 'usage_based', unitPrice: '0.002' }));
    expect(shown(usageLines(of, usage('1234.5')))).toEqual([['Pro: calls, 1234.5', '1234.5', '0.002']]);
  });

  test.each([
    ['12345.67891', '24.69'],
    ['1000000000', '2000000'],
  ])('a usage of %s cannot be shown: quantity 1 at the amount', (quantity, unitPrice) => {
    const of = charge(price({ pricingModel: 'usage_based', unitPrice: '0.002' }));
    const lines = usageLines(of, usage(quantity));
    expect(shown(lines)).toEqual([[`Pro: calls, ${quantity}`, '1', unitPrice]]);
    expect(lines[0]?.facts).toMatchObject({ exactQuantity: quantity, exactUnitPrice: '0.002' });
  });

  test('usage behind other usage of its period says where in the tiers it began', () => {
    const of = charge(price({ pricingModel: 'usage_based', tiers: TIERS_A }), { usedBefore: usage('8') });
    const facts = usageLines(of, usage('5')).map((line) => [line.facts?.usedBefore, line.facts?.tier]);
    expect(facts).toEqual([
      ['8', '1-10'],
      ['8', '11-20'],
    ]);
    const first = charge(of.price, { usedBefore: usage('0') });
    expect(usageLines(first, usage('5'))[0]?.facts).not.toHaveProperty('usedBefore');
  });

  test('late usage names the original period', () => {
    const of = charge(price({ pricingModel: 'usage_based', unitPrice: '0.10' }), { billingPeriodId: 'row-1' });
    expect(lateUsageLine(of, 50n, usage('5'))).toMatchObject({
      kind: 'usage',
      description: 'Pro: calls, late usage for 2026-04-01 to 2026-05-01, 5',
      quantity: ONE,
      unitPrice: usage('0.5'),
      billingPeriodId: 'row-1',
      periodStart: of.periodStart,
      late: true,
    });
  });

  test('every line is quantity × unitPrice rounded, and shows a quantity the contract allows', () => {
    const quantity = fc
      .tuple(fc.bigInt({ min: 1n, max: 10n ** 18n }), fc.integer({ min: 4, max: 12 }))
      .map(([coefficient, scale]) => decimal(coefficient, scale));
    fc.assert(
      fc.property(quantity, fc.constantFrom(TIERS_A, TIERS_B, TIERS_U), (used, list) => {
        const of = charge(price({ pricingModel: 'usage_based', tiers: list }));
        for (const line of usageLines(of, used)) {
          const { n, d } = lineFraction(line, 'USD');
          expect(roundRatio(n, d)).toBe(lineAmount(line, 'USD'));
          expect(lineAmount(line, 'USD')).not.toBe(0n);
          expect(parseLineQuantity(quantityNumber(line.quantity))).toEqual(line.quantity);
        }
      }),
    );
  });

  test('graduated tiers cost what their units cost one by one', () => {
    const cents = fc.integer({ min: 0, max: 500 });
    const list = fc
      .tuple(
        fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 6 }),
        fc.array(fc.tuple(cents, cents), { minLength: 7, maxLength: 7 }),
      )
      .map(([ends, prices]) => {
        const sorted = [...ends.sort((a, b) => a - b), null];
        return sorted.map((upTo, index) => ({ upTo, unit: prices[index]?.[0] ?? 0, fee: prices[index]?.[1] ?? 0 }));
      });
    fc.assert(
      fc.property(list, fc.integer({ min: 1, max: 90 }), (steps, quantity) => {
        let expected = 0;
        let reached = -1;
        for (let unit = 1; unit <= quantity; unit += 1) {
          const index = steps.findIndex((step) => step.upTo === null || unit <= step.upTo);
          expected += steps[index]?.unit ?? 0;
          if (index !== reached) expected += steps[index]?.fee ?? 0;
          reached = index;
        }
        const money = (minor: number) => (minor / 100).toFixed(2);
        const of = seats(
          'graduated',
          tiers(
            ...steps.map(({ upTo, unit, fee }): [number | null, string, string] => [upTo, money(unit), money(fee)]),
          ),
        );
        expect(advanceAmount(charge(of, { quantity }))).toBe(BigInt(expected));
      }),
    );
  });
});

describe('line quantity', () => {
  test.each([
    [1, '1'],
    [0.7, '0.7'],
    [0.0001, '0.0001'],
    [2.5, '2.5'],
    [999999999.9999, '999999999.9999'],
  ])('%d is %s', (value, text) => {
    expect(formatDecimal(parseLineQuantity(value))).toBe(text);
    expect(quantityNumber(parseLineQuantity(value))).toBe(value);
  });

  test.each([0, -1, 0.00001, 1e-7, 1.00001, 1e9, 1e21, Number.NaN, Number.POSITIVE_INFINITY, -0])(
    'refuses %d',
    (value) => {
      expect(() => parseLineQuantity(value)).toThrow(RangeError);
    },
  );
});
