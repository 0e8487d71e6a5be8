import type { InvoiceExplanation } from '../../../../generated/types.gen.ts';
import { formatMoney } from '../../../platform/money.ts';
import type { Invoice, InvoiceLine } from '../../invoices/invoice.ts';
import { linesOfDraft } from '../../invoices/manual-lines.ts';
import { composeInvoice, type InvoiceInput, type InvoiceOutput } from '../../pricing/compose.ts';
import { inputsHash, replayTrace } from '../../pricing/explain.ts';
import type { Trace } from '../../pricing/trace.ts';
import { computedSteps } from './computed-steps.ts';
import { type Settlements, settlementSteps } from './settlement-steps.ts';
import { compared, type Step } from './step.ts';

export interface Evidence extends Settlements {
  readonly invoice: Invoice;
  readonly lines: readonly InvoiceLine[];
  /** As stored; null for a draft, which has none. */
  readonly trace: Trace | null;
}

/**
 * Computes the invoice again and lays each step beside what is stored (rules C5). An invoice without evidence, which
 * is a draft, is computed from its lines with the tax stored on it. Pure.
 */
export function explainInvoice(evidence: Evidence): InvoiceExplanation {
  const { invoice, lines } = evidence;
  const { output, trace } = recompute(evidence);
  const computed = computedSteps(output, trace, invoice, lines);
  const lost = trace === null && invoice.issuedAt !== null;
  const beside = (step: Step): Step => {
    if (step.kind === 'credit') return besideEntry(step, evidence, output);
    return step.kind === 'total' && lost ? lostTrace(step) : step;
  };
  // what was due at issue says no more than the steps before it, unless the evidence is wrong there
  const atIssue = computed.map(beside).filter(({ kind, differs }) => kind !== 'due' || differs);
  const settled = settlementSteps(invoice, output.total, output.creditsApplied, evidence);
  const steps = [...atIssue, ...settled];
  return {
    invoiceId: invoice.id,
    invoiceNumber: invoice.invoiceNumber,
    currency: invoice.currency,
    engineVersion: (trace ?? output.trace).engineVersion,
    inputsHash: inputsHash((trace ?? output.trace).input),
    verified: !steps.some(({ differs }) => differs),
    steps: steps.map(({ differs: _, ...step }, index) => ({ position: index + 1, ...step })),
  };
}

function recompute({ invoice, lines, trace }: Evidence): { output: InvoiceOutput; trace: Trace | null } {
  if (trace !== null)
    try {
      return { output: replayTrace(trace).output, trace };
    } catch {
      // evidence that cannot be computed is none
    }
  return { output: composeInvoice(inputOfLines(invoice, lines)), trace: null };
}

function inputOfLines({ currency, taxName, taxRate, taxInclusive, taxRuleId }: Invoice, lines: readonly InvoiceLine[]) {
  const tax =
    taxName === null || taxRate === null
      ? null
      : { id: taxRuleId, name: taxName, rate: taxRate, inclusive: taxInclusive };
  const input: InvoiceInput = {
    currency,
    lines: linesOfDraft([...lines]),
    discounts: [],
    tax,
    creditBalance: 0n,
    applyCredits: false,
  };
  return input;
}

const lostTrace = (step: Step): Step => compared(step, 'stored', [['trace', 'readable', null]]);

/** The credit used at issue is the first entry of the invoice in the credit balance. */
function besideEntry(step: Step, { credits }: Evidence, { creditsApplied, currency }: InvoiceOutput): Step {
  if (creditsApplied === 0n) return step;
  const [first] = credits;
  const stored = first ? formatMoney(-first.amount, currency) : null;
  return compared(step, 'stored', [['creditEntry', formatMoney(creditsApplied, currency), stored]]);
}
