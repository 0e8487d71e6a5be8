import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { composeInvoice } from '../../../src/billing/pricing/compose.ts';
import { fullPrice } from '../../../src/billing/pricing/full-price.ts';
import type { Charge } from '../../../src/billing/pricing/lines.ts';
import {
  givenBackOf,
  prorate,
  prorationLines,
  remainingRatio,
  unusedAmount,
} from '../../../src/billing/pricing/proration.ts';
import { reverseAcross } from '../../../src/billing/pricing/reversal.ts';
import { fromEpochMilliseconds } from '../../../src/platform/calendar.ts';
import { formatMoney } from '../../../src/platform/money.ts';
import { charge, discount, invoice, planLine, price, tax } from '../../support/charges.ts';

const day = (text: string) => `${text}T00:00:00.000Z`;
const flat = (basePrice: string, currency = 'USD') => charge(price({ basePrice }), { currency });
const seats = (quantity: number) => charge(price({ pricingModel: 'per_unit', unitPrice: '10' }), { quantity });
const yearly = (basePrice: string) => charge(price({ basePrice, billingCycle: 'yearly' }));
const APRIL: [string, string] = [day('2026-04-01'), day('2026-05-01')];
const MARCH: [string, string] = [day('2026-03-01'), day('2026-04-01')];

function change(from: Charge, to: Charge, at: string, [start, end]: [string, string], discounts: string[] = []) {
  const attached = discounts.map((value) => discount(value));
  const of = (target: Charge) => fullPrice({ ...target, periodStart: start, periodEnd: end }, attached);
  const inForce = { inForceFrom: start, inForceNet: of(from) };
  const input = { at, periodStart: start, periodEnd: end, ...inForce, fullPrice: of(to) };
  const { unused, remaining, net } = prorate(input);
  return { input, texts: [unused, remaining, net].map((minor) => formatMoney(minor, from.currency)), net };
}

describe('worked values', () => {
  test.each<[string, Charge, Charge, string, [string, string], string[], string[]]>([
    ['Q.1', flat('100'), flat('200'), day('2026-04-16'), APRIL, [], ['50.00', '100.00', '50.00']],
    ['Q.2', flat('200'), flat('100'), day('2026-04-16'), APRIL, [], ['100.00', '50.00', '-50.00']],
    ['Q.3', seats(5), seats(10), day('2026-04-16'), APRIL, [], ['25.00', '50.00', '25.00']],
    ['Q.4', flat('100'), flat('200'), day('2026-03-16'), MARCH, [], ['51.61', '103.23', '51.62']],
    ['Q.5', flat('100'), flat('200'), '2026-04-30T23:59:59.000Z', APRIL, [], ['0.00', '0.00', '0.00']],
    ['Q.6', flat('100'), flat('200'), day('2026-04-01'), APRIL, [], ['100.00', '200.00', '100.00']],
    ['Q.7', flat('100'), flat('200'), day('2026-04-16'), APRIL, ['20 %'], ['40.00', '80.00', '40.00']],
    ['Q.8', flat('100'), flat('200'), day('2026-04-16'), APRIL, ['10.00'], ['45.00', '95.00', '50.00']],
    ['Q.10', flat('1000', 'JPY'), flat('3000', 'JPY'), day('2026-03-16'), MARCH, [], ['516', '1548', '1032']],
    ['Q.11', flat('29.99'), flat('79.99'), '2026-04-10T13:37:42.900Z', APRIL, [], ['20.43', '54.48', '34.05']],
    [
      'Q.12',
      flat('100'),
      flat('200'),
      day('2028-02-15'),
      [day('2028-02-01'), day('2028-03-01')],
      [],
      ['51.72', '103.45', '51.73'],
    ],
    [
      'Q.13',
      yearly('1200'),
      yearly('2400'),
      '2026-07-02T12:00:00.000Z',
      [day('2026-01-01'), day('2027-01-01')],
      [],
      ['600.00', '1200.00', '600.00'],
    ],
  ])('%s', (_id, from, to, at, period, discounts, expected) => {
    expect(change(from, to, at, period, discounts).texts).toEqual(expected);
  });

  test('Q.9 the second change credits what the first one charged', () => {
    const first = change(flat('100'), flat('200'), day('2026-04-11'), APRIL);
    expect(first.texts).toEqual(['66.67', '133.33', '66.66']);
    const second = prorate({
      ...first.input,
      at: day('2026-04-21'),
      inForceFrom: day('2026-04-11'),
      inForceNet: 13_333n,
      fullPrice: 5000n,
    });
    expect(second).toMatchObject({ unused: 6667n, remaining: 1667n, net: -5000n });
  });

  test('Q.11 counts whole seconds', () => {
    const ratio = remainingRatio('2026-04-10T13:37:42.900Z', ...APRIL);
    expect(ratio).toEqual({ n: 1_765_338n, d: 2_592_000n });
  });

  const side = { planId: 'plan-1', planName: 'Pro', productId: 'product-1', planVersionId: 'version-1' };
  const target = { planId: 'plan-2', planName: 'Team', productId: 'product-1', planVersionId: 'version-2' };

  test('Q.14 the invoice of a change is taxed on the net', () => {
    const { input } = change(flat('100'), flat('200'), day('2026-04-16'), APRIL);
    const lines = prorationLines(input, { from: side, to: target }, 'USD');
    const output = composeInvoice(invoice(lines, { tax: tax('0.0725 excl') }));
    expect(output).toMatchObject({ subtotal: 5000n, taxAmount: 363n, total: 5363n });
    expect(output.lines.map((line) => [line.description, line.amount, line.periodStart, line.periodEnd])).toEqual([
      ['Unused time: Pro', -5000n, day('2026-04-16'), APRIL[1]],
      ['Remaining time: Team', 10_000n, day('2026-04-16'), APRIL[1]],
    ]);
  });

  const billed = { total: 21_450n, tax: 1450n, inclusive: false, reversedAmount: 0n, reversedTax: 0n };

  test.each([
    ['Q.15', 0n, { applied: 0n, credit: 5363n, due: 0n }],
    ['Q.16', 21_450n, { applied: 5363n, credit: 0n, due: 16_087n }],
  ])('%s a negative net is reversed on the invoice of the period', (_id, due, expected) => {
    const { net } = change(flat('200'), flat('100'), day('2026-04-16'), APRIL);
    const { parts, unplaced } = reverseAcross([billed], -net);
    expect(parts).toMatchObject([{ base: 5000n, gross: 5363n, tax: 363n }]);
    expect(unplaced).toBe(0n);
    const gross = parts[0]?.gross ?? 0n;
    const applied = gross < due ? gross : due;
    expect({ applied, credit: gross - applied, due: due - applied }).toEqual(expected);
  });

  test('Q.17 a change of cycle credits the unused time and bills a full new period', () => {
    const period = { inForceFrom: APRIL[0], periodEnd: APRIL[1], at: day('2026-04-16') };
    const unused = unusedAmount({ ...period, inForceNet: 10_000n });
    const paid = { total: 10_000n, tax: 0n, inclusive: false, reversedAmount: 0n, reversedTax: 0n };
    expect(reverseAcross([paid], unused).parts).toMatchObject([{ gross: 5000n, tax: 0n }]);
    const output = composeInvoice(invoice([planLine('1000')], { creditBalance: unused }));
    expect(output).toMatchObject({ total: 100_000n, creditsApplied: 5000n, amountDue: 95_000n });
  });

  test('Q.18 the newest invoice is reversed first, each up to its rest', () => {
    const of = (total: bigint) => ({ total, tax: 0n, inclusive: false, reversedAmount: 0n, reversedTax: 0n });
    const { parts, unplaced } = reverseAcross([of(99_000n), of(1000n)], 100_000n);
    expect([parts.map((part) => part.gross), unplaced]).toEqual([[99_000n, 1000n], 0n]);
  });
});

describe('what persons have given back (Q13)', () => {
  const period = { inForceFrom: APRIL[0], periodEnd: APRIL[1], at: day('2026-04-16'), inForceNet: 10_000n };

  test('lowers the unused part in proportion to the time left, never below 0', () => {
    expect(unusedAmount({ ...period, givenBack: 0n })).toBe(5000n);
    expect(unusedAmount({ ...period, givenBack: 4000n })).toBe(3000n);
    expect(unusedAmount({ ...period, givenBack: 10_000n })).toBe(0n);
    expect(unusedAmount({ ...period, givenBack: 12_000n })).toBe(0n);
  });

  test('is shared by what the invoice billed, and counts for the time that is asked for', () => {
    const whole = { start: APRIL[0], net: 10_000n, others: 0n, base: 3000n };
    expect(givenBackOf([whole], ...APRIL)).toBe(3000n);
    expect(givenBackOf([whole], day('2026-04-16'), APRIL[1])).toBe(1500n);
    expect(givenBackOf([{ ...whole, others: 5000n }], ...APRIL)).toBe(2000n);
    const later = { start: day('2026-04-16'), net: 5000n, others: 0n, base: 1000n };
    expect(givenBackOf([whole, later], day('2026-04-21'), APRIL[1])).toBe(1000n + 667n);
    expect(givenBackOf([], ...APRIL)).toBe(0n);
  });

  test('a base of one minor unit is still placed', () => {
    const of = (total: bigint) => ({ total, tax: 0n, inclusive: false, reversedAmount: 0n, reversedTax: 0n });
    expect(reverseAcross([of(1n), of(5n)], 2n).parts.map(({ base }) => base)).toEqual([1n, 1n]);
  });
});

describe('ratio (Q2)', () => {
  test('of an empty period is 0', () => {
    expect(remainingRatio(APRIL[0], APRIL[0], APRIL[0])).toEqual({ n: 0n, d: 1n });
  });

  test('lines of 0 are dropped', () => {
    const side = { planId: 'p', planName: 'Free', productId: 'product-1', planVersionId: 'v' };
    const { input } = change(flat('0'), flat('100'), day('2026-04-16'), APRIL);
    const lines = prorationLines(input, { from: side, to: side }, 'USD');
    expect(lines.map((line) => line.description)).toEqual(['Remaining time: Free']);
  });

  test('unused time never exceeds what was billed, falls with time, and a change to the same price is free at the start', () => {
    const seconds = fc.integer({ min: 0, max: 2_591_999 });
    const money = fc.bigInt({ min: 0n, max: 10n ** 9n });
    fc.assert(
      fc.property(seconds, seconds, money, (a, b, inForceNet) => {
        const at = (second: number) => fromEpochMilliseconds(Date.parse(APRIL[0]) + second * 1000);
        const unused = (second: number) =>
          unusedAmount({ at: at(second), inForceFrom: APRIL[0], periodEnd: APRIL[1], inForceNet });
        expect(unused(a) >= 0n && unused(a) <= inForceNet).toBe(true);
        if (a <= b) expect(unused(a) >= unused(b)).toBe(true);
        const same = { periodStart: APRIL[0], periodEnd: APRIL[1], inForceFrom: APRIL[0], inForceNet };
        expect(prorate({ ...same, at: at(a), fullPrice: inForceNet }).net).toBe(0n);
      }),
    );
  });

  test('many changes do not drift: what is kept is what was used, each stretch rounded to at most a unit (INV12)', () => {
    const step = fc.record({
      wait: fc.integer({ min: 0, max: 400_000 }),
      full: fc.bigInt({ min: 0n, max: 10n ** 7n }),
    });
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 7n }), fc.array(step, { maxLength: 30 }), (first, steps) => {
        const [start, end] = APRIL.map((instant) => Date.parse(instant) / 1000) as [number, number];
        const instant = (second: number) => fromEpochMilliseconds(second * 1000);
        let [second, full, inForceFrom, inForceNet, billed, used] = [start, first, start, first, first, 0];
        for (const { wait, full: next } of steps) {
          const at = Math.min(second + wait, end);
          const known = { at: instant(at), periodStart: APRIL[0], periodEnd: APRIL[1] };
          const { net, remaining } = prorate({
            ...known,
            inForceFrom: instant(inForceFrom),
            inForceNet,
            fullPrice: next,
          });
          used += (Number(full) * (at - second)) / (end - start);
          billed += net;
          [second, full, inForceFrom, inForceNet] = [at, next, at, remaining];
          expect(billed >= inForceNet && inForceNet >= 0n).toBe(true);
          expect(Math.abs(Number(billed - inForceNet) - used)).toBeLessThanOrEqual(steps.length + 1);
        }
      }),
    );
  });
});
