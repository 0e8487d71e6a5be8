import { describe, expect, test } from '@jest/globals';
import { composeInvoice } from '../../../src/billing/pricing/compose.ts';
import { firstDifference, inputsHash, replayTrace } from '../../../src/billing/pricing/explain.ts';
import { advanceLines, lateUsageLine, usageLines } from '../../../src/billing/pricing/lines.ts';
import { prorationLines } from '../../../src/billing/pricing/proration.ts';
import { ENGINE_VERSION, type Trace } from '../../../src/billing/pricing/trace.ts';
import { parseDecimal } from '../../../src/platform/decimal.ts';
import { charge, custom, discount, invoice, PERIOD, planLine, price, TIERS_B, tax } from '../../support/charges.ts';

const side = { planId: 'plan-1', planName: 'Pro', productId: 'product-1', planVersionId: 'version-1' };
const change = {
  at: '2026-04-16T00:00:00.000Z',
  inForceFrom: PERIOD.periodStart,
  inForceNet: 10_000n,
  fullPrice: 20_000n,
};
const metered = charge(price({ pricingModel: 'usage_based', unitPrice: '0.002' }), { billingPeriodId: 'row-2' });
const rich = invoice(
  [
    ...advanceLines(
      charge(price({ pricingModel: 'tiered', tiers: TIERS_B }), { quantity: 150, billingPeriodId: 'row-1' }),
    ),
    ...usageLines(metered, parseDecimal('12345.67891')),
    ...prorationLines({ ...PERIOD, ...change }, { from: side, to: side }, 'USD'),
    custom('2.5', '0.333'),
  ],
  { discounts: [discount('10 %'), discount('5.00')], tax: tax('0.0725 excl'), creditBalance: 1000n },
);
/** As it comes back from a database: through JSON, with the members in another order. */
const stored = (trace: Trace): Trace => reorder(JSON.parse(JSON.stringify(trace))) as Trace;

function reorder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reorder);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, member]) => [name, reorder(member)]),
  );
}

describe('trace (C5)', () => {
  test('says every step with its rounding', () => {
    const { trace } = composeInvoice(
      invoice([planLine('33.33', { planVersionId: 'version-1' })], {
        discounts: [discount('12.5 %', { id: 'd-1' })],
        tax: tax('0.0725 excl'),
        creditBalance: 500n,
      }),
    );
    expect(trace.engineVersion).toBe(ENGINE_VERSION);
    expect(trace.steps.map((step) => [step.kind, step.formula, step.result])).toEqual([
      ['line', '1 × 33.33', '33.33'],
      ['discount', '33.33 × 12.5 %', '-4.17'],
      ['subtotal', 'sum of the lines', '33.33'],
      ['tax', '29.16 × 0.0725', '2.11'],
      ['total', '33.33 - 4.17 + 2.11', '31.27'],
      ['credit', 'min(5.00, 31.27)', '5.00'],
      ['due', '31.27 - 5.00', '26.27'],
    ]);
    expect(trace.steps[0]?.inputs).toMatchObject({ planVersionId: 'version-1', periodStart: PERIOD.periodStart });
    expect(trace.steps[1]).toMatchObject({
      line: 1,
      inputs: { discountId: 'd-1', rest: '33.33', startsAt: '2026-01-01T00:00:00.000Z' },
      rounding: { numerator: '416625', denominator: '1000' },
    });
    expect(trace.steps[3]).toMatchObject({
      inputs: { taxRuleId: 'rule-1', inclusive: 'false' },
      rounding: { numerator: '2114100', denominator: '10000' },
    });
    expect(trace.steps[5]?.inputs).toEqual({ balance: '5.00', applyCredits: 'true' });
  });

  test('keeps the exact figures behind lines that show others', () => {
    const { steps } = composeInvoice(rich).trace;
    const of = (words: string) => steps.find((step) => step.description.includes(words));
    expect(of('units 101+')?.inputs).toMatchObject({ ratio: '1', tier: '101+', tierMode: 'graduated' });
    expect(of('calls')).toMatchObject({
      inputs: { exactQuantity: '12345.67891', exactUnitPrice: '0.002' },
      rounding: { numerator: '2469135782', denominator: '1000000' },
    });
    expect(of('Unused time')).toMatchObject({
      inputs: { base: '-100.00', ratio: '1296000/2592000' },
      rounding: { numerator: '-12960000000', denominator: '2592000' },
      result: '-50.00',
    });
    expect(composeInvoice(invoice([])).trace.steps[1]?.inputs).toEqual({ reason: 'no_rule' });
  });
});

describe('explain', () => {
  test('a stored trace computes to itself, and to the same totals', () => {
    const output = composeInvoice(rich);
    const replay = replayTrace(stored(output.trace));
    expect(replay).toMatchObject({ verified: true, difference: null });
    expect(replay.output.lines).toEqual(output.lines);
    expect(replay.output.amountDue).toBe(output.amountDue);
  });

  test('late usage stays behind the usage of its invoice', () => {
    const late = lateUsageLine(metered, 500n, parseDecimal('250'));
    const usage = usageLines(metered, parseDecimal('10'));
    const output = composeInvoice(invoice([late, ...usage]));
    expect(output.trace.input.lines.map((line) => line.late)).toEqual([true, undefined]);
    const replay = replayTrace(stored(output.trace));
    expect(replay.verified).toBe(true);
    expect(replay.output.lines.map(({ description }) => description)).toEqual(
      [...usage, late].map(({ description }) => description),
    );
  });

  test('names the first member that differs', () => {
    const trace = stored(composeInvoice(rich).trace);
    const steps = trace.steps.map((step) => (step.kind === 'tax' ? { ...step, result: '0.00' } : step));
    const position = steps.findIndex((step) => step.kind === 'tax');
    expect(replayTrace({ ...trace, steps })).toMatchObject({
      verified: false,
      difference: `steps.${position}.result`,
    });
    expect(replayTrace({ ...trace, engineVersion: '0' }).difference).toBe('engineVersion');
  });

  test('the hash depends on the input, not on the order of its members', () => {
    const { input } = composeInvoice(rich).trace;
    expect(inputsHash(input)).toMatch(/^[0-9a-f]{64}$/);
    expect(inputsHash(stored(composeInvoice(rich).trace).input)).toBe(inputsHash(input));
    const [first, second, ...others] = input.lines;
    const changed = [
      { ...input, creditBalance: '1001' },
      { ...input, lines: [{ ...first!, amount: '1' }, second!, ...others] },
      { ...input, lines: [second!, first!, ...others] },
      { ...input, lines: others },
    ].map(inputsHash);
    expect(new Set([...changed, inputsHash(input)]).size).toBe(5);
    const planIds = (...ids: string[]) =>
      inputsHash({ ...input, discounts: [{ ...input.discounts[0]!, planIds: ids }] });
    expect(planIds('a', 'b')).not.toBe(planIds('ab'));
  });

  test('differences are found by path', () => {
    expect(firstDifference({ a: [1, { b: 2 }] }, { a: [1, { b: 3 }] })).toBe('a.1.b');
    expect(firstDifference({ a: [1] }, { a: [1, 2] })).toBe('a.1');
    expect(firstDifference({ a: 1 }, { a: 1, b: null })).toBe('b');
    expect(firstDifference({ a: null }, { a: {} })).toBe('a');
    expect(firstDifference({ b: 1, a: 2 }, { a: 2, b: 1 })).toBeNull();
  });
});
