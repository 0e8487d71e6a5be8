import { formatDecimal } from '../../platform/decimal.ts';
import { exponentOf, type Fraction, formatMoney } from '../../platform/money.ts';
import type { Computation } from './compose.ts';
import type { AppliedDiscount } from './discounts.ts';
import { type InvoiceInputText, writeInput } from './input-text.ts';
import type { LineInput } from './lines.ts';

/** Raised whenever the same input may give another result or another trace. */
export const ENGINE_VERSION = '1';

export type TraceKind = 'line' | 'discount' | 'subtotal' | 'tax' | 'total' | 'credit' | 'due';

/** One step of the computation, JSON only. `line` is the 0-based position among the output lines. */
export interface TraceStep {
  readonly kind: TraceKind;
  readonly line: number | null;
  readonly description: string;
  readonly formula: string;
  readonly inputs: Readonly<Record<string, string>>;
  /** The one rounding of the step, in minor units before it; null when nothing was rounded. */
  readonly rounding: { readonly numerator: string; readonly denominator: string } | null;
  readonly result: string;
}

/** The stored evidence of an invoice (rules C5): the whole input, and every step from it to the amount due. */
export interface Trace {
  readonly engineVersion: string;
  readonly input: InvoiceInputText;
  readonly steps: readonly TraceStep[];
}

const written = ({ n, d }: Fraction) => ({ numerator: n.toString(), denominator: d.toString() });

/** The trace of a finished computation. */
export function traceOf(done: Computation): Trace {
  const steps = [...lineSteps(done), ...discountSteps(done), ...totalSteps(done)];
  return { engineVersion: ENGINE_VERSION, input: writeInput(done.input), steps };
}

function lineSteps({ input, ordered, amounts, fractions }: Computation): TraceStep[] {
  const scale = exponentOf(input.currency);
  return ordered.map((line, index) => {
    const [quantity, unitPrice] = [formatDecimal(line.quantity), formatDecimal(line.unitPrice, scale)];
    return {
      kind: 'line',
      line: index,
      description: line.description,
      formula: formulaOf(line) ?? `${quantity} × ${unitPrice}`,
      inputs: {
        quantity,
        unitPrice,
        ...(line.planVersionId ? { planVersionId: line.planVersionId } : {}),
        ...(line.billingPeriodId ? { billingPeriodId: line.billingPeriodId } : {}),
        ...(line.periodStart ? { periodStart: line.periodStart } : {}),
        ...(line.periodEnd ? { periodEnd: line.periodEnd } : {}),
        ...line.facts,
      },
      rounding: written(fractions[index] ?? { n: 0n, d: 1n }),
      result: formatMoney(amounts[index] ?? 0n, input.currency),
    };
  });
}

/** A share of what a whole period costs, by the second (rules Q2, Q4). */
function formulaOf({ kind, facts }: LineInput): string | undefined {
  return kind === 'proration' && facts?.base && facts.ratio ? `${facts.base} × ${facts.ratio}` : undefined;
}

function discountSteps({ input, ordered, applied }: Computation): TraceStep[] {
  const money = (minor: bigint) => formatMoney(minor, input.currency);
  return applied.map((step: AppliedDiscount, index) => {
    const { discount, rest } = step;
    const value = discount.type === 'percentage' ? formatDecimal(discount.value) : money(discount.value);
    return {
      kind: 'discount',
      line: ordered.length + index,
      description: `Discount: ${discount.code}`,
      formula: discount.type === 'percentage' ? `${money(rest)} × ${value} %` : `min(${value}, ${money(rest)})`,
      inputs: {
        discountId: discount.id,
        type: discount.type,
        value,
        rest: money(rest),
        startsAt: discount.startsAt,
        ...(discount.endsAt ? { endsAt: discount.endsAt } : {}),
      },
      rounding: written(step.exact),
      result: money(-step.amount),
    };
  });
}

function totalSteps({ input, totals, taxExact }: Computation): TraceStep[] {
  const money = (minor: bigint) => formatMoney(minor, input.currency);
  const { subtotal, discountAmount, taxable, taxAmount, total, creditsApplied, amountDue } = totals;
  const step = (kind: TraceKind, description: string, formula: string, result: bigint, inputs = {}): TraceStep => ({
    kind,
    line: null,
    description,
    formula,
    inputs,
    rounding: kind === 'tax' && taxExact !== null ? written(taxExact) : null,
    result: money(result),
  });
  const { tax } = input;
  const rate = tax === null ? '0' : formatDecimal(tax.rate, 4);
  const share = tax?.inclusive ? `${rate} / (1 + ${rate})` : rate;
  const origin = tax?.id ? { taxRuleId: tax.id } : tax?.quote ? { reason: 'external', ...tax.quote } : {};
  const taxInputs = tax ? { name: tax.name, rate, inclusive: String(tax.inclusive), ...origin } : { reason: 'no_rule' };
  const added = tax?.inclusive === false ? ` + ${money(taxAmount)}` : '';
  const seen = { balance: money(input.creditBalance), applyCredits: String(input.applyCredits) };
  const limit = input.applyCredits ? `min(${money(input.creditBalance)}, ${money(total)})` : 'credits not applied';
  return [
    step('subtotal', 'Subtotal', 'sum of the lines', subtotal),
    step('tax', tax?.name ?? 'No tax', `${money(taxable)} × ${share}`, taxAmount, taxInputs),
    step('total', 'Total', `${money(subtotal)} - ${money(discountAmount)}${added}`, total),
    step('credit', 'Credit applied', limit, creditsApplied, seen),
    step('due', 'Amount due', `${money(total)} - ${money(creditsApplied)}`, amountDue),
  ];
}
