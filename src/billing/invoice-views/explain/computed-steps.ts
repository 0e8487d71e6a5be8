import { formatDecimal } from '../../../platform/decimal.ts';
import { formatMoney } from '../../../platform/money.ts';
import type { Invoice, InvoiceLine } from '../../invoices/invoice.ts';
import type { InvoiceOutput } from '../../pricing/compose.ts';
import { firstDifference } from '../../pricing/explain.ts';
import type { Trace, TraceStep } from '../../pricing/trace.ts';
import { type Compared, compared, type Step } from './step.ts';

type OutputLine = InvoiceOutput['lines'][number];

/** The steps from the lines to the amount due at issue, as computed now, each beside the stored rows and the stored trace. */
export function computedSteps(
  output: InvoiceOutput,
  trace: Trace | null,
  invoice: Invoice,
  lines: readonly InvoiceLine[],
): Step[] {
  const computed = output.trace.steps;
  const steps = computed.map((step, index) => {
    const plain: Step = { ...shown(step), lineItemId: lineOf(step, lines)?.id ?? null, differs: false };
    const withRows = compared(plain, 'stored', storedBeside(step, output, invoice, lines));
    return trace === null ? withRows : compared(withRows, 'trace', tracedBeside(step, trace.steps[index]));
  });
  if (trace !== null && trace.steps.length > computed.length) {
    const count = (of: readonly TraceStep[]) => String(of.length);
    steps.push(compared(steps.pop()!, 'trace', [['steps', count(computed), count(trace.steps)]]));
  }
  const unknown = lines.slice(output.lines.length).map((line) => unknownLine(line, invoice.currency));
  const sums = steps.findIndex(({ kind }) => kind === 'subtotal');
  return steps.toSpliced(sums, 0, ...unknown);
}

const shown = ({ kind, description, formula, inputs, result }: TraceStep) => ({
  kind,
  description,
  formula,
  inputs: { ...inputs },
  result,
});

const lineOf = ({ line }: TraceStep, lines: readonly InvoiceLine[]): InvoiceLine | undefined =>
  line === null ? undefined : lines[line];

function storedBeside(
  step: TraceStep,
  output: InvoiceOutput,
  invoice: Invoice,
  lines: readonly InvoiceLine[],
): Compared[] {
  const money = (minor: bigint) => formatMoney(minor, invoice.currency);
  if (step.line !== null) return lineBeside(output.lines[step.line]!, lines[step.line], output.currency);
  if (step.kind === 'subtotal') return [['subtotal', step.result, money(invoice.subtotal)]];
  if (step.kind === 'tax') return taxBeside(output, invoice);
  if (step.kind !== 'total') return [];
  return [
    ['total', step.result, money(invoice.total)],
    ['discountAmount', formatMoney(output.discountAmount, output.currency), money(invoice.discountAmount)],
    ['currency', output.currency, invoice.currency],
  ];
}

function taxBeside({ tax, taxAmount, currency }: InvoiceOutput, invoice: Invoice): Compared[] {
  return [
    ['taxAmount', formatMoney(taxAmount, currency), formatMoney(invoice.taxAmount, invoice.currency)],
    ['taxName', tax?.name ?? null, invoice.taxName],
    ['taxRate', tax && formatDecimal(tax.rate), invoice.taxRate && formatDecimal(invoice.taxRate)],
    ['taxInclusive', String(tax?.inclusive ?? false), String(invoice.taxInclusive)],
    ['taxRuleId', tax?.id ?? null, invoice.taxRuleId],
  ];
}

function lineBeside(line: OutputLine, stored: InvoiceLine | undefined, currency: string): Compared[] {
  if (!stored) return [['amount', formatMoney(line.amount, currency), null]];
  const text = (of: OutputLine | InvoiceLine, name: (typeof LINE_TEXTS)[number]) => of[name];
  return [
    ['amount', formatMoney(line.amount, currency), formatMoney(stored.amount, currency)],
    ['quantity', formatDecimal(line.quantity), formatDecimal(stored.quantity)],
    ['unitPrice', formatDecimal(line.unitPrice), formatDecimal(stored.unitPrice)],
    // a period row that is gone has left the line
    ['billingPeriodId', line.billingPeriodId, stored.billingPeriodId ?? line.billingPeriodId],
    ...LINE_TEXTS.map((name): Compared => [name, text(line, name), text(stored, name)]),
  ];
}
const LINE_TEXTS = [
  'kind',
  'description',
  'productId',
  'planVersionId',
  'discountId',
  'periodStart',
  'periodEnd',
] as const;

/** Everything of a step of the stored trace that is not what the computation gives, by its path. */
function tracedBeside(step: TraceStep, traced: TraceStep | undefined): Compared[] {
  const path = firstDifference(step, traced);
  if (path === null) return [];
  return [[path || 'step', textAt(step, path), traced === undefined ? null : textAt(traced, path)]];
}

function textAt(value: unknown, path: string): string {
  const found =
    path === ''
      ? value
      : path.split('.').reduce((at, name) => (at as Record<string, unknown>)?.[name] ?? null, value as unknown);
  return typeof found === 'string' ? found : JSON.stringify(found);
}

/** A stored line that the computation does not give. */
const unknownLine = (line: InvoiceLine, currency: string): Step => ({
  kind: line.kind === 'discount' ? 'discount' : 'line',
  lineItemId: line.id,
  description: line.description,
  formula: 'not a line of the computation',
  inputs: { 'stored.amount': formatMoney(line.amount, currency) },
  result: formatMoney(0n, currency),
  differs: true,
});
