import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { add, compare, decimal, formatDecimal, multiply, parseDecimal, subtract } from '../../src/platform/decimal.ts';

const anyDecimal = fc
  .tuple(fc.bigInt({ min: -(10n ** 24n), max: 10n ** 24n }), fc.integer({ min: 0, max: 12 }))
  .map(([coefficient, scale]) => decimal(coefficient, scale));

describe('decimal', () => {
  test.each([
    ['1.100000000000', '1.1'],
    ['-0.00', '0'],
    ['007', '7'],
    ['0.000000000001', '0.000000000001'],
    ['-12.50', '-12.5'],
    ['100', '100'],
  ])('%s is %s', (text, expected) => {
    expect(formatDecimal(parseDecimal(text))).toBe(expected);
  });

  test.each(['', '1e3', '+1', '.5', '1.', ' 1', '1,5', 'NaN', '--1', '0x1'])('refuses "%s"', (text) => {
    expect(() => parseDecimal(text)).toThrow(RangeError);
  });

  test('refuses a JSON number', () => {
    expect(() => parseDecimal(1 as unknown as string)).toThrow(RangeError);
  });

  test('writes at least the decimals asked for', () => {
    expect(formatDecimal(parseDecimal('0.5'), 4)).toBe('0.5000');
    expect(formatDecimal(parseDecimal('-5'), 2)).toBe('-5.00');
    expect(formatDecimal(parseDecimal('0.07251'), 4)).toBe('0.07251');
  });

  test('is normalised and reads back what it writes', () => {
    fc.assert(
      fc.property(anyDecimal, fc.integer({ min: 0, max: 14 }), (d, scale) => {
        expect(parseDecimal(formatDecimal(d, scale))).toEqual(d);
        expect(d.scale === 0 || d.coefficient % 10n !== 0n).toBe(true);
      }),
    );
  });

  test('adds, multiplies and compares exactly', () => {
    const scaled = ({ coefficient, scale }: { coefficient: bigint; scale: number }) =>
      coefficient * 10n ** BigInt(12 - scale);
    fc.assert(
      fc.property(anyDecimal, anyDecimal, (a, b) => {
        const [x, y] = [scaled(a), scaled(b)];
        expect(add(a, b)).toEqual(decimal(x + y, 12));
        expect(subtract(a, b)).toEqual(decimal(x - y, 12));
        expect(multiply(a, b)).toEqual(decimal(x * y, 24));
        expect(compare(a, b)).toBe(x < y ? -1 : x > y ? 1 : 0);
      }),
    );
  });
});
