import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { CURRENCIES } from '../../src/platform/currencies.ts';
import { multiply, parseDecimal } from '../../src/platform/decimal.ts';
import {
  AmountError,
  allocate,
  checkAmount,
  currencyExponent,
  formatMoney,
  isCurrency,
  MAX_AMOUNT,
  parseMoney,
  roundRatio,
  roundToMinor,
  sameCurrency,
} from '../../src/platform/money.ts';

const currency = fc.constantFrom('USD', 'JPY', 'KWD');
const amount = fc.bigInt({ min: -MAX_AMOUNT, max: MAX_AMOUNT });
const weights = fc.array(fc.bigInt({ min: 0n, max: 10n ** 15n }), { minLength: 1, maxLength: 12 });

describe('reading and writing', () => {
  test.each([
    ['M.1', '49.99', 'USD', 4999n, '49.99'],
    ['M.2', '49.9', 'USD', 4990n, '49.90'],
    ['M.4', '1500', 'JPY', 1500n, '1500'],
    ['M.6', '1.25', 'KWD', 1250n, '1.250'],
    ['M.7', '-0.00', 'USD', 0n, '0.00'],
  ])('%s %s %s', (_id, text, code, minor, out) => {
    expect(parseMoney(text, code)).toBe(minor);
    expect(formatMoney(minor, code)).toBe(out);
  });

  test.each([
    ['M.3', '49.999', 'USD', 'must have at most 2 decimals for USD'],
    ['M.5', '1500.0', 'JPY', 'must have no decimals for JPY'],
    ['M.8', '1e3', 'USD', 'must be a decimal amount as text'],
    ['M.8', 49.99 as unknown as string, 'USD', 'must be a decimal amount as text'],
    ['M.8', '', 'USD', 'must be a decimal amount as text'],
    ['M7', '10000000000000.00', 'USD', 'is too large'],
  ])('%s refuses %s %s', (_id, text, code, sentence) => {
    expect(() => parseMoney(text, code)).toThrow(new AmountError(sentence));
    expect(() => parseMoney(text, code)).toThrow(expect.objectContaining({ code: 'validation_error' }));
  });

  test('reads back what it writes', () => {
    fc.assert(
      fc.property(amount, currency, (minor, code) => {
        const text = formatMoney(minor, code);
        expect(parseMoney(text, code)).toBe(minor);
        expect(text).toMatch({ USD: /^-?\d+\.\d\d$/, JPY: /^-?\d+$/, KWD: /^-?\d+\.\d{3}$/ }[code] ?? /never/);
      }),
    );
  });

  test('small negative amounts keep their sign', () => {
    expect(formatMoney(-5n, 'USD')).toBe('-0.05');
    expect(formatMoney(-5n, 'KWD')).toBe('-0.005');
  });

  test('M7 refuses what is too large', () => {
    expect(checkAmount(-MAX_AMOUNT)).toBe(-MAX_AMOUNT);
    expect(() => checkAmount(MAX_AMOUNT + 1n)).toThrow(AmountError);
    expect(() => checkAmount(-MAX_AMOUNT - 1n)).toThrow(AmountError);
  });
});

describe('currencies', () => {
  test('M2 exponents', () => {
    for (const code of 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF'.split(' ')) {
      expect([code, currencyExponent(code)]).toEqual([code, 0]);
    }
    for (const code of 'BHD IQD JOD KWD LYD OMR TND'.split(' ')) {
      expect([code, currencyExponent(code)]).toEqual([code, 3]);
    }
    for (const code of ['USD', 'EUR', 'GBP', 'MGA', 'MRU', 'IDR', 'PHP', 'HUF', 'TWD', 'XCG', 'ZWG', 'SLE', 'VED']) {
      expect([code, currencyExponent(code)]).toEqual([code, 2]);
    }
  });

  test.each(['CLF', 'UYW', 'XAU', 'XXX', 'XTS', 'XDR', 'HRK', 'ANG', 'SLL', 'ZWL', 'BTC', 'usd', ''])(
    'M2 refuses "%s"',
    (code) => {
      expect(isCurrency(code)).toBe(false);
      expect(() => parseMoney('1', code)).toThrow(expect.objectContaining({ code: 'validation_error' }));
    },
  );

  test('every code is unique and upper case', () => {
    expect(new Set(CURRENCIES).size).toBe(CURRENCIES.length);
    for (const code of CURRENCIES) expect(code).toMatch(/^[A-Z]{3}$/);
  });

  test('M8 two currencies never meet', () => {
    expect(() => sameCurrency('USD', 'EUR')).toThrow(expect.objectContaining({ code: 'currency_mismatch' }));
    expect(sameCurrency('USD', 'USD')).toBeUndefined();
  });
});

describe('rounding of quantity × unitPrice', () => {
  test.each([
    ['M.10', '3', '49.99', 'USD', '149.97'],
    ['M.11', '3', '0.333333', 'USD', '1.00'],
    ['M.12', '1', '2.675', 'USD', '2.68'],
    ['M.13', '1', '0.005', 'USD', '0.01'],
    ['M.14', '1', '-0.005', 'USD', '-0.01'],
    ['M.15', '2.5', '0.333', 'USD', '0.83'],
    ['M.16', '1234567', '0.000125', 'USD', '154.32'],
    ['M.17', '999999999999', '0.000000000001', 'USD', '1.00'],
    ['M.18', '1', '100.5', 'JPY', '101'],
    ['M.19', '1', '1.2505', 'KWD', '1.251'],
    ['M.20', '7', '0.0715', 'KWD', '0.501'],
    ['M.21', '1', '0.0049', 'USD', '0.00'],
    ['M.22', '1', '-2.345', 'USD', '-2.35'],
    ['M.23', '12345.678', '0.002', 'USD', '24.69'],
  ])('%s %s × %s %s = %s', (_id, quantity, unitPrice, code, expected) => {
    const minor = roundToMinor(multiply(parseDecimal(quantity), parseDecimal(unitPrice)), code);
    expect(formatMoney(minor, code)).toBe(expected);
  });

  test('roundRatio is the nearest integer, and away from zero in the middle', () => {
    const numerator = fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n });
    const denominator = fc.bigInt({ min: 1n, max: 10n ** 15n });
    fc.assert(
      fc.property(numerator, denominator, (n, d) => {
        const magnitude = (value: bigint) => (value < 0n ? -value : value);
        const rounded = roundRatio(n, d);
        const distance = 2n * magnitude(n - rounded * d);
        expect(distance <= d).toBe(true);
        if (distance === d) expect(magnitude(rounded * d) > magnitude(n)).toBe(true);
        expect(roundRatio(-n, d)).toBe(-rounded);
        expect(roundRatio(n, -d)).toBe(-rounded);
      }),
    );
  });

  test('roundRatio in the middle', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 20n }), (n) => {
        expect(roundRatio(2n * n + 1n, 2n)).toBe(n + 1n);
        expect(roundRatio(-2n * n - 1n, 2n)).toBe(-n - 1n);
      }),
    );
    expect(() => roundRatio(1n, 0n)).toThrow(RangeError);
  });
});

describe('allocate', () => {
  test.each([
    ['M.30', 100n, [1n, 1n, 1n], [34n, 33n, 33n]],
    ['M.31', 5n, [3n, 3n, 3n], [2n, 2n, 1n]],
    ['M.32', -100n, [1n, 1n, 1n], [-34n, -33n, -33n]],
    ['M.33', 725n, [5000n, 3000n, 2000n], [363n, 217n, 145n]],
    ['M.34', 1n, [1n, 1n], [1n, 0n]],
    ['M.35', 100n, [0n, 0n, 0n], [34n, 33n, 33n]],
    ['M.36', 1000n, [1n, 2n, 4n], [143n, 286n, 571n]],
    ['M.37', 10n, [0n, 5n, 0n], [0n, 10n, 0n]],
  ])('%s %s', (_id, total, given, shares) => {
    expect(allocate(total, given)).toEqual(shares);
  });

  test('the shares sum to the total and each is less than one unit from its exact share', () => {
    fc.assert(
      fc.property(amount, weights, (total, given) => {
        const shares = allocate(total, given);
        expect(shares.reduce((sum, share) => sum + share, 0n)).toBe(total);
        const sum = given.reduce((all, weight) => all + weight, 0n);
        shares.forEach((share, index) => {
          const error = sum === 0n ? share * BigInt(given.length) - total : share * sum - total * (given[index] ?? 0n);
          const bound = sum === 0n ? BigInt(given.length) : sum;
          expect(error < bound && error > -bound).toBe(true);
        });
      }),
    );
  });

  test('a larger weight never gets less, and an equal one at most one unit less than an earlier one', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: MAX_AMOUNT }), weights, (total, given) => {
        const shares = allocate(total, given);
        const pairs = given.flatMap((_, i) => given.slice(i + 1).map((_unused, k) => [i, i + 1 + k] as const));
        for (const [i, k] of pairs) {
          const [a, b] = [shares[i] ?? 0n, shares[k] ?? 0n];
          const [v, w] = [given[i] ?? 0n, given[k] ?? 0n];
          if (v > w) expect(a >= b).toBe(true);
          if (v < w) expect(a <= b).toBe(true);
          if (v === w) expect(a === b || a === b + 1n).toBe(true);
        }
      }),
    );
  });

  test('a negative weight gets a share of the other sign, and the sum stays', () => {
    expect(allocate(80n, [100n, -20n])).toEqual([100n, -20n]);
    expect(allocate(0n, [100n, -100n])).toEqual([0n, 0n]);
    expect(() => allocate(1n, [])).toThrow(RangeError);
    expect(() => allocate(1n, [-1n])).toThrow(RangeError);
  });
});
