import { allocate } from '../../platform/money.ts';
import { never } from '../../platform/never.ts';
import type { PaymentProvider } from '../../providers/list.ts';
import { isManual, isProvider, type PaymentMethodCode } from '../../providers/methods.ts';

export type Account =
  | 'receivable'
  | `cash:${PaymentProvider | 'manual'}`
  | 'customer_credit'
  | 'tax_payable'
  | 'revenue'
  | 'discounts'
  | 'refunds'
  | 'write_off';

export type FactType =
  | 'invoice.issued'
  | 'invoice.voided'
  | 'credit.applied'
  | 'credit.returned'
  | 'credit.manual'
  | 'payment.succeeded'
  | 'credit_note.issued'
  | 'credit_note.voided'
  | 'refund.reserved'
  | 'refund.completed';

/** Minor units; a debit is positive, a credit negative (rules G1). */
export interface JournalLine {
  account: Account;
  amount: bigint;
  productId: string | null;
}
export interface JournalEntry {
  factType: FactType;
  factId: string;
  currency: string;
  customerId: string | null;
  invoiceId: string | null;
  lines: JournalLine[];
}

/** Net line sum per product: how revenue and its counterparts are split (rules G2, C3). */
export type ProductWeights = ReadonlyMap<string | null, bigint>;

const line = (account: Account, amount: bigint): JournalLine => ({ account, amount, productId: null });

function split(account: Account, amount: bigint, weights: ProductWeights): JournalLine[] {
  if (weights.size === 0) return [line(account, amount)];
  const shares = allocate(amount, [...weights.values()]);
  return [...weights.keys()].map((productId, i) => ({ account, amount: shares[i]!, productId }));
}

const balanced = (lines: JournalLine[]): JournalLine[] => lines.filter(({ amount }) => amount !== 0n);

/** receivable T · discounts D | revenue T + D − X · tax_payable X (rules G3). */
export function issuedLines(total: bigint, discount: bigint, tax: bigint, weights: ProductWeights): JournalLine[] {
  return balanced([
    line('receivable', total),
    ...split('discounts', discount, weights),
    ...split('revenue', -(total + discount - tax), weights),
    line('tax_payable', -tax),
  ]);
}

/** customer_credit A | receivable A. */
export const creditAppliedLines = (amount: bigint): JournalLine[] =>
  balanced([line('customer_credit', amount), line('receivable', -amount)]);

/** receivable A | customer_credit A. */
export const creditReturnedLines = (amount: bigint): JournalLine[] =>
  balanced([line('receivable', amount), line('customer_credit', -amount)]);

/** discounts | customer_credit for a deposit; the reverse for a withdrawal (`amount` < 0). */
export const creditManualLines = (amount: bigint): JournalLine[] =>
  balanced([line('discounts', amount), line('customer_credit', -amount)]);

/** The account that the money of a method is in (rules G1). */
function cashOf(method: PaymentMethodCode): Account {
  if (isManual(method)) return 'cash:manual';
  return isProvider(method) ? `cash:${method}` : never(method);
}

/** cash amount | receivable applied · customer_credit excess. */
export function paymentLines(method: PaymentMethodCode, applied: bigint, excess: bigint): JournalLine[] {
  return balanced([
    line(cashOf(method), applied + excess),
    line('receivable', -applied),
    line('customer_credit', -excess),
  ]);
}

/** revenue G − t · tax_payable t | receivable o · customer_credit k. */
export function creditNoteLines(
  note: { amount: bigint; taxAmount: bigint; appliedToInvoice: bigint; creditedToBalance: bigint },
  weights: ProductWeights,
): JournalLine[] {
  return balanced([
    ...split('revenue', note.amount - note.taxAmount, weights),
    line('tax_payable', note.taxAmount),
    line('receivable', -note.appliedToInvoice),
    line('customer_credit', -note.creditedToBalance),
  ]);
}

/** customer_credit x | refunds x. */
export const refundReservedLines = (excess: bigint, weights: ProductWeights): JournalLine[] =>
  balanced([line('customer_credit', excess), ...split('refunds', -excess, weights)]);

/**
 * refunds a − t + x · tax_payable t | cash a + x, or customer_credit a. The parts of `refunds` are split one by one, so
 * that x takes back exactly what its reservation posted to each product.
 */
export function refundCompletedLines(
  refund: { destination: 'original' | 'credit'; appliedPart: bigint; excessPart: bigint; taxAmount: bigint },
  method: PaymentMethodCode,
  weights: ProductWeights,
): JournalLine[] {
  const { destination, appliedPart, excessPart, taxAmount } = refund;
  return balanced([
    ...split('refunds', appliedPart - taxAmount, weights),
    ...split('refunds', excessPart, weights),
    line('tax_payable', taxAmount),
    line(destination === 'credit' ? 'customer_credit' : cashOf(method), -(appliedPart + excessPart)),
  ]);
}

/** Net revenue per product as it was posted at issue: the weights of every later split (rules G2). */
export function productWeights(issued: JournalLine[]): ProductWeights {
  const weights = new Map<string | null, bigint>();
  for (const { account, amount, productId } of issued)
    if (account === 'revenue' || account === 'discounts')
      weights.set(productId, (weights.get(productId) ?? 0n) - amount);
  return weights;
}

export const negated = (lines: JournalLine[]): JournalLine[] =>
  lines.map((item) => ({ ...item, amount: -item.amount }));

/** Throws when an entry does not sum to zero: a bug that must never be stored (INV1). */
export function checkBalanced(entry: JournalEntry): void {
  const sum = entry.lines.reduce((total, { amount }) => total + amount, 0n);
  if (sum !== 0n) throw new Error(`The entry ${entry.factType} ${entry.factId} is out of balance by ${sum}.`);
}
