import { describe, expect, test } from '@jest/globals';
import { composeInvoice, type InvoiceOutput, netByProduct, netOfPeriod } from '../../../src/billing/pricing/compose.ts';
import { isEligible } from '../../../src/billing/pricing/discounts.ts';
import type { LineInput } from '../../../src/billing/pricing/lines.ts';
import { decimal, formatDecimal } from '../../../src/platform/decimal.ts';
import { AmountError, formatMoney, MAX_AMOUNT, parseMoney } from '../../../src/platform/money.ts';
import { custom, discount, invoice, planLine, tax } from '../../support/charges.ts';

type Row = [
  id: string,
  currency: string,
  lines: LineInput[],
  discounts: string[],
  tax: string,
  credit: string,
  totals: [subtotal: string, discounts: string[], tax: string, total: string, credits: string, due: string],
];

const one = (amount: string) => [planLine(amount)];

describe('worked values', () => {
  test.each<Row>([
    ['C.1', 'USD', one('100.00'), [], '0.0725 excl', '0', ['100.00', [], '7.25', '107.25', '0.00', '107.25']],
    ['C.2', 'USD', one('100.00'), [], '0.0725 excl', '25.00', ['100.00', [], '7.25', '107.25', '25.00', '82.25']],
    [
      'C.3',
      'USD',
      [planLine('10', { quantity: decimal(5n, 0) })],
      ['10 %'],
      '0.05 excl',
      '0',
      ['50.00', ['-5.00'], '2.25', '47.25', '0.00', '47.25'],
    ],
    ['C.4', 'USD', one('111.00'), [], '0.11 incl', '0', ['111.00', [], '11.00', '111.00', '0.00', '111.00']],
    ['C.5', 'USD', one('100.00'), [], '0.19 incl', '0', ['100.00', [], '15.97', '100.00', '0.00', '100.00']],
    ['C.6', 'USD', one('49.99'), [], '0.20 incl', '0', ['49.99', [], '8.33', '49.99', '0.00', '49.99']],
    ['C.7', 'JPY', one('1505'), [], '0.10 excl', '0', ['1505', [], '151', '1656', '0', '1656']],
    ['C.8', 'JPY', one('1500'), [], '0.10 incl', '0', ['1500', [], '136', '1500', '0', '1500']],
    ['C.9', 'KWD', [custom('3', '1.250')], [], '0.05 excl', '0', ['3.750', [], '0.188', '3.938', '0.000', '3.938']],
    ['C.10', 'USD', one('0.50'), [], '0.05 excl', '0', ['0.50', [], '0.03', '0.53', '0.00', '0.53']],
    ['C.11', 'USD', one('49.99'), ['100 %'], '0.0725 excl', '0', ['49.99', ['-49.99'], '0.00', '0.00', '0.00', '0.00']],
    ['C.12', 'USD', one('50.00'), ['60.00'], '0.0725 excl', '0', ['50.00', ['-50.00'], '0.00', '0.00', '0.00', '0.00']],
    [
      'C.13',
      'USD',
      one('100.00'),
      ['10 %', '50.00', '20 %'],
      '0.0725 excl',
      '0',
      ['100.00', ['-10.00', '-18.00', '-50.00'], '1.60', '23.60', '0.00', '23.60'],
    ],
    [
      'C.14',
      'USD',
      [...one('33.33'), ...one('33.33'), ...one('33.33')],
      [],
      '0.0725 excl',
      '0',
      ['99.99', [], '7.25', '107.24', '0.00', '107.24'],
    ],
    ['C.16', 'USD', one('29.99'), [], '0.0625 excl', '100.00', ['29.99', [], '1.87', '31.86', '31.86', '0.00']],
    ['C.17', 'USD', one('19.99'), ['12.5 %'], 'none', '0', ['19.99', ['-2.50'], '0.00', '17.49', '0.00', '17.49']],
    [
      'C.18',
      'USD',
      one('119.00'),
      ['10 %'],
      '0.19 incl',
      '0',
      ['119.00', ['-11.90'], '17.10', '107.10', '0.00', '107.10'],
    ],
    ['C.19', 'USD', one('100.00'), [], '0.0825 excl', '0', ['100.00', [], '8.25', '108.25', '0.00', '108.25']],
  ])('%s', (_id, currency, lines, discounts, rate, credit, expected) => {
    const output = composeInvoice({
      currency,
      lines,
      discounts: discounts.map((value) => discount(value, {}, currency)),
      tax: tax(rate),
      creditBalance: parseMoney(credit, currency),
      applyCredits: true,
    });
    expect(totals(output)).toEqual(expected);
  });

  test('C.15 a discount takes from the lines of its plan only', () => {
    const usage = planLine('24.69', { kind: 'usage', planId: 'plan-2' });
    const discounts = [discount('15 %', { planIds: ['plan-1'] })];
    const output = composeInvoice(invoice([planLine('100.00'), usage], { discounts, tax: tax('0.0725 excl') }));
    expect(totals(output)).toEqual(['124.69', ['-15.00'], '7.95', '117.64', '0.00', '117.64']);
    expect(output.lines.map((line) => line.net)).toEqual([8500n, 2469n, 0n]);
  });
});

function totals(output: InvoiceOutput) {
  const money = (minor: bigint) => formatMoney(minor, output.currency);
  const discounts = output.lines.filter((line) => line.kind === 'discount');
  expect(discounts.reduce((sum, line) => sum - line.amount, 0n)).toBe(output.discountAmount);
  return [
    money(output.subtotal),
    discounts.map((line) => money(line.amount)),
    money(output.taxAmount),
    money(output.total),
    money(output.creditsApplied),
    money(output.amountDue),
  ];
}

describe('lines', () => {
  test('stand in the order plan, usage, late usage, proration, custom, discount', () => {
    const lines = [
      custom('1', '1'),
      planLine('2', { kind: 'proration', amount: 150n }),
      planLine('3', { kind: 'usage', late: true, description: 'late' }),
      planLine('4', { kind: 'usage' }),
      planLine('5', { description: 'first' }),
      planLine('6', { description: 'second' }),
    ];
    const output = composeInvoice(invoice(lines, { discounts: [discount('10 %')] }));
    expect(output.lines.map((line) => [line.kind, line.description, line.amount])).toEqual([
      ['plan', 'first', 500n],
      ['plan', 'second', 600n],
      ['usage', 'Pro', 400n],
      ['usage', 'late', 300n],
      ['proration', 'Pro', 150n],
      ['custom', '1 × 1', 100n],
      ['discount', 'Discount: SAVE', -180n],
    ]);
  });

  test('discount lines carry their discount, quantity 1 and the amount as unit price', () => {
    const output = composeInvoice(invoice([planLine('10')], { discounts: [discount('3.00', { id: 'd-1' })] }));
    const line = output.lines[1];
    expect(line).toMatchObject({ discountId: 'd-1', amount: -300n, quantity: decimal(1n, 0), productId: null });
    expect(line && formatDecimal(line.unitPrice)).toBe('-3');
  });

  test('nothing to bill has no line and total 0', () => {
    expect(composeInvoice(invoice([], { discounts: [discount('10 %')], creditBalance: 500n }))).toMatchObject({
      lines: [],
      total: 0n,
      creditsApplied: 0n,
    });
  });

  test('an amount above the bound is refused', () => {
    expect(() => composeInvoice(invoice([custom('999999999', '999999999')]))).toThrow(AmountError);
    const half = { kind: 'proration', amount: MAX_AMOUNT } as const;
    expect(() => composeInvoice(invoice([planLine('1', half), planLine('1', half)]))).toThrow(AmountError);
  });
});

describe('credits', () => {
  test('are not used when not asked for, nor for a total of 0 or less', () => {
    const withCredit = { creditBalance: 5000n };
    expect(composeInvoice(invoice(one('10'), { ...withCredit, applyCredits: false })).amountDue).toBe(1000n);
    const negative = composeInvoice(invoice([custom('1', '-10')], withCredit));
    expect([negative.subtotal, negative.creditsApplied]).toEqual([-1000n, 0n]);
  });
});

describe('eligibility (D3)', () => {
  const window = discount('10 %', { startsAt: '2026-04-01T00:00:00.000Z', endsAt: '2026-05-01T00:00:00.000Z' });
  const at = (periodStart: string | null) => ({ kind: 'plan' as const, planId: 'plan-1', periodStart });

  test.each([
    ['its start', '2026-04-01T00:00:00.000Z', true],
    ['inside', '2026-04-30T23:59:59.999Z', true],
    ['its end', '2026-05-01T00:00:00.000Z', false],
    ['before', '2026-03-31T23:59:59.999Z', false],
    ['no period', null, false],
  ])('a period starting at %s of the window', (_name, start, expected) => {
    expect(isEligible(window, at(start))).toBe(expected);
    expect(isEligible({ ...window, endsAt: null }, at(start))).toBe(start !== null && start >= window.startsAt);
  });

  test('plans and kinds', () => {
    const line = at('2026-04-01T00:00:00.000Z');
    expect(isEligible({ ...window, planIds: ['plan-1', 'plan-2'] }, line)).toBe(true);
    expect(isEligible({ ...window, planIds: ['plan-2'] }, line)).toBe(false);
    expect(isEligible({ ...window, planIds: ['plan-2'] }, { ...line, planId: null })).toBe(false);
    expect(isEligible(window, { ...line, kind: 'usage' })).toBe(true);
    expect(isEligible(window, { ...line, kind: 'custom' })).toBe(false);
    expect(isEligible(window, { ...line, kind: 'proration' })).toBe(false);
  });
});

describe('shares', () => {
  test('per product and per period row, after discounts', () => {
    const lines = [
      planLine('100.00', { productId: 'a', billingPeriodId: 'advance' }),
      planLine('50.00', { kind: 'usage', productId: 'a', billingPeriodId: 'usage' }),
      custom('1', '30.00', { productId: 'b' }),
      custom('1', '-5.00'),
    ];
    const output = composeInvoice(invoice(lines, { discounts: [discount('10.00')] }));
    expect([...netByProduct(output)]).toEqual([
      ['a', 14_000n],
      ['b', 3000n],
      [null, -500n],
    ]);
    expect(netOfPeriod(output, 'advance')).toEqual({ gross: 10_000n, net: 9333n });
    expect(netOfPeriod(output, 'usage')).toEqual({ gross: 5000n, net: 4667n });
    expect(netOfPeriod(output, 'other')).toEqual({ gross: 0n, net: 0n });
  });
});
