import type { Instant } from '../../platform/calendar.ts';
import { type Decimal, ONE } from '../../platform/decimal.ts';
import { checkAmount, decimalOfMinor, type Fraction } from '../../platform/money.ts';
import { type AppliedDiscount, applyDiscounts, type DiscountInput } from './discounts.ts';
import { type LineInput, type LineKind, lineAmount, lineFraction } from './lines.ts';
import { type TaxInput, taxOn } from './tax.ts';
import { type Trace, traceOf } from './trace.ts';

/** Everything an invoice depends on (rules C1); amounts in minor units, discounts in order of attachment. */
export interface InvoiceInput {
  readonly currency: string;
  readonly lines: readonly LineInput[];
  readonly discounts: readonly DiscountInput[];
  readonly tax: TaxInput | null;
  readonly creditBalance: bigint;
  readonly applyCredits: boolean;
}

/** A line of the finished invoice. `net` is the amount less its share of the discounts; 0 on discount lines. */
export interface InvoiceLine {
  readonly kind: LineKind | 'discount';
  readonly description: string;
  readonly quantity: Decimal;
  readonly unitPrice: Decimal;
  readonly amount: bigint;
  readonly net: bigint;
  readonly productId: string | null;
  readonly planId: string | null;
  readonly planVersionId: string | null;
  readonly billingPeriodId: string | null;
  readonly discountId: string | null;
  readonly periodStart: Instant | null;
  readonly periodEnd: Instant | null;
}

/** The totals of an invoice in minor units; `amountDue` = total − creditsApplied. */
export interface InvoiceTotals {
  readonly subtotal: bigint;
  readonly discountAmount: bigint;
  readonly taxable: bigint;
  readonly taxAmount: bigint;
  readonly total: bigint;
  readonly creditsApplied: bigint;
  readonly amountDue: bigint;
}

export interface InvoiceOutput extends InvoiceTotals {
  readonly currency: string;
  readonly lines: readonly InvoiceLine[];
  readonly tax: TaxInput | null;
  readonly trace: Trace;
}

/** What was computed on the way; the trace is written from it. */
export interface Computation {
  readonly input: InvoiceInput;
  readonly ordered: readonly LineInput[];
  readonly amounts: readonly bigint[];
  readonly fractions: readonly Fraction[];
  readonly applied: readonly AppliedDiscount[];
  readonly taxExact: Fraction | null;
  readonly totals: InvoiceTotals;
}

const ORDER: Readonly<Record<LineKind, number>> = { plan: 0, usage: 1, proration: 3, custom: 4 };

/**
 * Lines → discounts → tax → credits → amount due (rules C2). Pure: the same input gives the same output.
 * A subtotal below 0 is the caller's to refuse. Throws AmountError when an amount exceeds the bound of rules M7.
 */
export function composeInvoice(input: InvoiceInput): InvoiceOutput {
  const { currency, discounts, tax } = input;
  const rank = (line: LineInput) => (line.late === true ? 2 : ORDER[line.kind]);
  const ordered = input.lines.toSorted((a, b) => rank(a) - rank(b));
  const amounts = ordered.map((line) => checkAmount(lineAmount(line, currency)));
  const plain = ordered.map((line, index) => plainLine(line, amounts[index] ?? 0n));
  const { applied, nets } = applyDiscounts(discounts, plain);

  const subtotal = amounts.reduce((sum, amount) => sum + amount, 0n);
  const discountAmount = applied.reduce((sum, { amount }) => sum + amount, 0n);
  const taxable = subtotal - discountAmount;
  const taxed = tax === null ? null : taxOn(taxable, tax);
  const taxAmount = taxed?.amount ?? 0n;
  const total = tax?.inclusive === false ? taxable + taxAmount : taxable;
  const creditsApplied = input.applyCredits ? creditFor(input.creditBalance, total) : 0n;
  const amountDue = total - creditsApplied;
  const totals = { subtotal, discountAmount, taxable, taxAmount, total, creditsApplied, amountDue };
  for (const amount of Object.values(totals)) checkAmount(amount);

  const lines = [
    ...plain.map((line, index) => ({ ...line, net: nets[index] ?? 0n })),
    ...applied.map((discount) => discountLine(discount, currency)),
  ];
  const fractions = ordered.map((line) => lineFraction(line, currency));
  const trace = traceOf({ input, ordered, amounts, fractions, applied, taxExact: taxed?.exact ?? null, totals });
  return { currency, lines, tax, ...totals, trace };
}

function creditFor(balance: bigint, total: bigint): bigint {
  if (total <= 0n || balance <= 0n) return 0n;
  return balance < total ? balance : total;
}

function plainLine(line: LineInput, amount: bigint) {
  return {
    kind: line.kind,
    description: line.description,
    quantity: line.quantity,
    unitPrice: line.unitPrice,
    amount,
    productId: line.productId ?? null,
    planId: line.planId ?? null,
    planVersionId: line.planVersionId ?? null,
    billingPeriodId: line.billingPeriodId ?? null,
    discountId: null,
    periodStart: line.periodStart ?? null,
    periodEnd: line.periodEnd ?? null,
  };
}

function discountLine({ discount, amount }: AppliedDiscount, currency: string): InvoiceLine {
  return {
    kind: 'discount',
    description: `Discount: ${discount.code}`,
    quantity: ONE,
    unitPrice: decimalOfMinor(-amount, currency),
    amount: -amount,
    net: 0n,
    productId: null,
    planId: null,
    planVersionId: null,
    billingPeriodId: null,
    discountId: discount.id,
    periodStart: null,
    periodEnd: null,
  };
}

/** Net line sums per product (null = no product), the weights of every per-product split (rules C3, G2). */
export function netByProduct(output: Pick<InvoiceOutput, 'lines'>): Map<string | null, bigint> {
  const sums = new Map<string | null, bigint>();
  for (const line of output.lines) {
    if (line.kind === 'discount') continue;
    sums.set(line.productId, (sums.get(line.productId) ?? 0n) + line.net);
  }
  return sums;
}

/** What the lines of one period row came to, before and after their share of the discounts (rules S9, U7). */
export function netOfPeriod(
  output: Pick<InvoiceOutput, 'lines'>,
  billingPeriodId: string,
): { gross: bigint; net: bigint } {
  const lines = output.lines.filter((line) => line.billingPeriodId === billingPeriodId);
  return {
    gross: lines.reduce((sum, line) => sum + line.amount, 0n),
    net: lines.reduce((sum, line) => sum + line.net, 0n),
  };
}
