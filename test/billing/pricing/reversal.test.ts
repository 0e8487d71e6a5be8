import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  afterReversal,
  type ReversalState,
  reverseAcross,
  reverseBase,
  reverseGross,
  reversibleBase,
  reversibleGross,
} from '../../../src/billing/pricing/reversal.ts';

const fresh = (total: bigint, tax: bigint, inclusive = false): ReversalState => ({
  total,
  tax,
  inclusive,
  reversedAmount: 0n,
  reversedTax: 0n,
});

function reverseAll(state: ReversalState, steps: bigint[], how: typeof reverseGross) {
  let now = state;
  return steps.map((amount) => {
    const reversal = how(now, amount);
    now = afterReversal(now, reversal);
    return reversal;
  });
}

describe('worked values', () => {
  test.each([
    ['K.4', fresh(10_725n, 725n), [3333n, 3333n, 4059n], [225n, 226n, 274n]],
    ['K.5', fresh(10_725n, 725n), [1n, 1n, 1n, 10_722n], [0n, 0n, 0n, 725n]],
    ['K.6', fresh(11_100n, 1100n, true), [5550n], [550n]],
    ['G.5, G.7', fresh(9653n, 653n), [3000n, 2000n], [203n, 135n]],
  ])('%s', (_id, state, gross, taxes) => {
    expect(reverseAll(state, gross, reverseGross).map(({ tax }) => tax)).toEqual(taxes);
  });

  test('K.7', () => {
    expect(reverseAll(fresh(21_450n, 1450n), [5000n, 15_000n], reverseBase)).toEqual([
      { gross: 5363n, tax: 363n },
      { gross: 16_087n, tax: 1087n },
    ]);
  });
});

describe('limits', () => {
  test('nothing, and more than is left, are refused', () => {
    const state = afterReversal(fresh(10_000n, 0n), { gross: 4000n, tax: 0n });
    for (const amount of [0n, -1n, 6001n]) {
      expect(() => reverseGross(state, amount)).toThrow(RangeError);
      expect(() => reverseBase(state, amount)).toThrow(RangeError);
    }
    expect(reverseGross(state, 6000n)).toEqual({ gross: 6000n, tax: 0n });
  });

  test('with prices including tax the base is the gross', () => {
    expect(reverseBase(fresh(11_100n, 1100n, true), 5550n)).toEqual({ gross: 5550n, tax: 550n });
    expect(reverseBase(fresh(11_100n, 1100n, true), 11_100n)).toEqual({ gross: 11_100n, tax: 1100n });
  });

  test('what no invoice has left stays unplaced, and settled ones are passed over', () => {
    const settled = { ...fresh(5000n, 0n), reversedAmount: 5000n };
    const { parts, unplaced } = reverseAcross([settled, fresh(2145n, 145n)], 3000n);
    expect(parts).toMatchObject([{ base: 2000n, gross: 2145n, tax: 145n }]);
    expect(unplaced).toBe(1000n);
  });
});

/** An invoice as composeInvoice makes them, and cuts in thousandths of what is left. */
const anyState = fc
  .tuple(fc.bigInt({ min: 1n, max: 10n ** 9n }), fc.bigInt({ min: 0n, max: 1000n }), fc.boolean())
  .map(([base, rate, inclusive]) => {
    const d = inclusive ? 1000n + rate : 1000n;
    const tax = (2n * base * rate + d) / (2n * d);
    return inclusive ? fresh(base, tax, true) : fresh(base + tax, tax);
  });
const cuts = fc.array(fc.tuple(fc.bigInt({ min: 1n, max: 1000n }), fc.boolean()), { maxLength: 8 });

describe('for every invoice', () => {
  test('reversing in any pieces returns exactly total and tax, and never a negative part', () => {
    fc.assert(
      fc.property(anyState, cuts, fc.boolean(), (state, pieces, lastByBase) => {
        let now = state;
        const step = (amount: bigint, byBase: boolean) => {
          const { gross, tax } = byBase ? reverseBase(now, amount) : reverseGross(now, amount);
          expect(tax >= 0n && tax <= gross).toBe(true);
          if (byBase && !now.inclusive) expect(gross - tax).toBe(amount);
          now = afterReversal(now, { gross, tax });
          expect(now.reversedTax <= state.tax).toBe(true);
          expect(now.reversedAmount - now.reversedTax <= state.total - state.tax).toBe(true);
        };
        for (const [part, byBase] of pieces) {
          const rest = byBase ? reversibleBase(now) : reversibleGross(now);
          if (rest > 0n) step((rest * part + 999n) / 1000n, byBase);
        }
        if (lastByBase && reversibleBase(now) > 0n) step(reversibleBase(now), true);
        if (reversibleGross(now) > 0n) step(reversibleGross(now), false);
        expect([now.reversedAmount, now.reversedTax]).toEqual([state.total, state.tax]);
      }),
      { numRuns: 500 },
    );
  });

  test('reversing the whole base takes the whole invoice', () => {
    fc.assert(
      fc.property(anyState, (state) => {
        expect(reverseBase(state, reversibleBase(state))).toEqual({ gross: state.total, tax: state.tax });
      }),
    );
  });
});
