import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { CURRENCIES } from '../../src/platform/currencies.ts';
import { parseMoney } from '../../src/platform/money.ts';
import { lemonsqueezyUnits } from '../../src/providers/lemonsqueezy/units.ts';
import { UnitError } from '../../src/providers/provider.ts';
import { fromStripeUnits, stripeUnits } from '../../src/providers/stripe/units.ts';
import { xenditUnits } from '../../src/providers/xendit/units.ts';

describe('provider units (M9)', () => {
  test.each([
    ['USD', '10.00', 1000n],
    ['JPY', '500', 500n],
    ['ISK', '5', 500n],
    ['UGX', '5', 500n],
    ['MGA', '5.00', 5n],
    ['KWD', '5.120', 5120n],
    ['IQD', '5.123', 5123n],
  ])('Stripe %s %s', (currency, amount, units) => {
    expect(stripeUnits(parseMoney(amount, currency), currency)).toBe(units);
  });

  test.each([
    ['MGA', '5.20'],
    ['KWD', '5.124'],
    ['BHD', '0.001'],
    ['JOD', '1.005'],
    ['OMR', '1.005'],
    ['TND', '1.005'],
  ])('Stripe refuses %s %s', (currency, amount) => {
    expect(() => stripeUnits(parseMoney(amount, currency), currency)).toThrow(UnitError);
  });

  test.each([
    ['IDR', '15000.00', '15000'],
    ['PHP', '99.50', '99.5'],
    ['JPY', '1500', '1500'],
    ['VND', '1500', '1500'],
  ])('Xendit %s %s', (currency, amount, units) => {
    expect(xenditUnits(parseMoney(amount, currency), currency)).toBe(units);
  });

  test('Xendit refuses IDR 15000.50', () => {
    expect(() => xenditUnits(parseMoney('15000.50', 'IDR'), 'IDR')).toThrow(UnitError);
  });

  test('LemonSqueezy takes the currency of the account only', () => {
    expect(lemonsqueezyUnits(4999n, 'USD', 'USD')).toBe(4999n);
    expect(() => lemonsqueezyUnits(4999n, 'EUR', 'USD')).toThrow(UnitError);
  });

  test('what Stripe reports reads back to what it was sent', () => {
    const amount = fc.bigInt({ min: 0n, max: 10n ** 12n }).map((n) => n * 100n);
    fc.assert(
      fc.property(amount, fc.constantFrom(...CURRENCIES), (minor, currency) => {
        expect(fromStripeUnits(stripeUnits(minor, currency), currency)).toBe(minor);
      }),
    );
    expect(() => fromStripeUnits(501n, 'ISK')).toThrow(UnitError);
  });
});
