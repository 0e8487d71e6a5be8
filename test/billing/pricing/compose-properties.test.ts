import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { composeInvoice, type InvoiceInput, netByProduct } from '../../../src/billing/pricing/compose.ts';
import type { LineInput } from '../../../src/billing/pricing/lines.ts';
import { decimal, formatDecimal } from '../../../src/platform/decimal.ts';
import { formatMoney } from '../../../src/platform/money.ts';
import { custom, discount, invoice, planLine } from '../../support/charges.ts';

const cents = fc.bigInt({ min: 0n, max: 10_000_000n });
const anyPlanLine = fc
  .tuple(cents, fc.constantFrom('plan-1', 'plan-2'), fc.constantFrom('plan', 'usage'))
  .map(
    ([amount, planId, kind]): LineInput => planLine(formatMoney(amount, 'USD'), { planId, kind, productId: planId }),
  );
const anyCustomLine = fc
  .tuple(fc.integer({ min: 1, max: 9_999_999 }), fc.integer({ min: 0, max: 9_999_999 }))
  .map(([quantity, unit]) =>
    custom(formatDecimal(decimal(BigInt(quantity), 4)), formatDecimal(decimal(BigInt(unit), 5))),
  );
const plans = fc.constantFrom([], ['plan-1'], ['plan-2'], ['plan-3']);
const anyDiscount = fc.oneof(
  fc.tuple(fc.integer({ min: 1, max: 1_000_000 }), plans).map(([ppm, planIds]) => {
    return discount(`${formatDecimal(decimal(BigInt(ppm), 4))} %`, { planIds });
  }),
  fc.tuple(cents, plans).map(([amount, planIds]) => discount(formatMoney(amount + 1n, 'USD'), { planIds })),
);
const anyTax = fc.option(
  fc.tuple(fc.integer({ min: 0, max: 1_000_000 }), fc.boolean()).map(([ppm, inclusive]) => {
    return { id: 'rule-1', name: 'Tax', rate: decimal(BigInt(ppm), 6), inclusive };
  }),
);
const anyInput: fc.Arbitrary<InvoiceInput> = fc.record({
  currency: fc.constant('USD'),
  lines: fc
    .tuple(fc.array(anyPlanLine, { maxLength: 5 }), fc.array(anyCustomLine, { maxLength: 4 }))
    .map((all) => all.flat()),
  discounts: fc.array(anyDiscount, { maxLength: 4 }),
  tax: anyTax,
  creditBalance: cents,
  applyCredits: fc.boolean(),
});

describe('for every input', () => {
  test('the totals follow from the lines', () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const { lines, ...of } = composeInvoice(input);
        const sum = (part: typeof lines) => part.reduce((all, line) => all + line.amount, 0n);
        expect(sum(lines.filter((line) => line.kind !== 'discount'))).toBe(of.subtotal);
        expect(sum(lines.filter((line) => line.kind === 'discount'))).toBe(-of.discountAmount);
        expect(of.taxable).toBe(of.subtotal - of.discountAmount);
        expect(of.total).toBe(input.tax?.inclusive === false ? of.taxable + of.taxAmount : of.taxable);
        expect(of.amountDue).toBe(of.total - of.creditsApplied);
      }),
    );
  });

  test('no discount takes more than its eligible lines hold, and no line falls below 0', () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const output = composeInvoice(input);
        const plain = output.lines.filter((line) => line.kind !== 'discount');
        for (const line of plain) expect(line.net >= 0n && line.net <= line.amount).toBe(true);
        expect(plain.reduce((sum, line) => sum + line.net, 0n)).toBe(output.taxable);
        expect([...netByProduct(output).values()].reduce((sum, net) => sum + net, 0n)).toBe(output.taxable);
        for (const line of plain.filter(({ kind }) => kind === 'custom')) expect(line.net).toBe(line.amount);
        for (const line of output.lines) if (line.kind === 'discount') expect(line.amount < 0n).toBe(true);
      }),
    );
  });

  test('the tax is within half a unit of the exact one', () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const { taxable, taxAmount } = composeInvoice(input);
        const unit = 1_000_000n;
        const rate = (input.tax?.rate.coefficient ?? 0n) * 10n ** BigInt(6 - (input.tax?.rate.scale ?? 0));
        const d = input.tax?.inclusive ? unit + rate : unit;
        const twice = 2n * (taxAmount * d - taxable * rate);
        expect(twice > -d && twice <= d).toBe(true);
      }),
    );
  });

  test('an inclusive tax is the exclusive tax of what is left without it, to half a unit', () => {
    fc.assert(
      fc.property(cents, fc.integer({ min: 0, max: 500_000 }), (base, ppm) => {
        const rate = decimal(BigInt(ppm), 6);
        const taxed = (amount: bigint, inclusive: boolean) =>
          composeInvoice(
            invoice([planLine(formatMoney(amount, 'USD'))], { tax: { id: null, name: 'Tax', rate, inclusive } }),
          );
        const gross = taxed(base, false).total;
        const difference = taxed(gross, true).taxAmount - taxed(base, false).taxAmount;
        expect(difference >= -1n && difference <= 1n).toBe(true);
        expect(taxed(gross, true).total).toBe(gross);
      }),
    );
  });

  test('credit covers no more than the total and the balance', () => {
    fc.assert(
      fc.property(anyInput, (input) => {
        const { total, creditsApplied, amountDue } = composeInvoice(input);
        expect(creditsApplied <= input.creditBalance && creditsApplied >= 0n && amountDue >= 0n).toBe(true);
        if (input.applyCredits) expect(creditsApplied === total || creditsApplied === input.creditBalance).toBe(true);
        else expect(creditsApplied).toBe(0n);
      }),
    );
  });

  test('the order of the lines does not change the totals', () => {
    const shuffled = anyInput.chain((input) =>
      fc.tuple(fc.constant(input), fc.shuffledSubarray([...input.lines], { minLength: input.lines.length })),
    );
    fc.assert(
      fc.property(shuffled, ([input, lines]) => {
        const { lines: _a, trace: _b, ...first } = composeInvoice(input);
        expect(composeInvoice({ ...input, lines })).toMatchObject(first);
      }),
    );
  });
});
