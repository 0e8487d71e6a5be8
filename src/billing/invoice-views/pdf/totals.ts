import { never } from '../../../platform/never.ts';
import { providerOf } from '../../../providers/list.ts';
import { isManual, isProvider, type ManualMethod, type PaymentMethodCode } from '../../../providers/methods.ts';
import type { CreditNote } from '../../credit-notes/credit-note.ts';
import type { Invoice, InvoiceLine } from '../../invoices/invoice.ts';
import type { Payment } from '../../payments/payment.ts';
import { amountText, dateText, moneyText, rateText } from './wording.ts';

export interface TotalRow {
  readonly label: string;
  readonly amount: string;
  readonly kind: 'plain' | 'strong' | 'muted' | 'due';
}

const MANUALLY: Readonly<Record<ManualMethod, string | null>> = {
  manual: null,
  bank_transfer: 'bank transfer',
  check: 'check',
};

/** How a way to pay is called; null when there is nothing to say. */
function nameOf(method: PaymentMethodCode): string | null {
  if (isManual(method)) return MANUALLY[method];
  return isProvider(method) ? providerOf(method).title : never(method);
}

/** From the subtotal to the amount due, oldest settlements first (rules I3). */
export function totalRows(
  invoice: Invoice,
  discounts: readonly InvoiceLine[],
  payments: readonly Payment[],
  creditNotes: readonly CreditNote[],
): TotalRow[] {
  const { currency, taxInclusive, status } = invoice;
  const plain = (label: string, amount: bigint): TotalRow => ({
    label,
    amount: amountText(amount, currency),
    kind: 'plain',
  });
  const rows: TotalRow[] = [
    plain('Subtotal', invoice.subtotal),
    ...discounts.map((line) => plain(line.description, line.amount)),
    ...(taxInclusive ? [] : taxRows(invoice)),
    { label: 'Total', amount: moneyText(invoice.total, currency), kind: 'strong' },
    ...(taxInclusive ? taxRows(invoice) : []),
  ];
  if (status === 'draft') return rows;
  if (invoice.creditsApplied > 0n) rows.push(plain('Credit balance used', -invoice.creditsApplied));
  rows.push(...creditNotes.toReversed().flatMap((note) => creditNoteRows(note, plain)));
  rows.push(...payments.toReversed().flatMap((payment) => paymentRows(payment, plain)));
  if (invoice.amountRefunded > 0n)
    rows.push(muted('Of these payments refunded to you', amountText(invoice.amountRefunded, currency)));
  rows.push({ label: 'Amount due', amount: moneyText(invoice.amountDue, currency), kind: 'due' });
  return rows;
}

function taxRows({ taxName, taxRate, taxInclusive, taxAmount, currency }: Invoice): TotalRow[] {
  if (taxName === null) return [];
  const name = taxRate === null ? taxName : `${taxName} ${rateText(taxRate)}`;
  const amount = amountText(taxAmount, currency);
  return [taxInclusive ? { label: `Includes ${name}`, amount, kind: 'muted' } : { label: name, amount, kind: 'plain' }];
}

type Plain = (label: string, amount: bigint) => TotalRow;

function creditNoteRows(note: CreditNote, plain: Plain): TotalRow[] {
  if (note.status !== 'issued') return [];
  const name = `Credit note ${note.creditNoteNumber}${note.issuedAt ? `, ${dateText(note.issuedAt)}` : ''}`;
  const kept = keptAsCredit(note.creditedToBalance, note.currency);
  return note.appliedToInvoice > 0n ? [plain(name, -note.appliedToInvoice), ...kept] : [muted(name), ...kept];
}

function paymentRows(payment: Payment, plain: Plain): TotalRow[] {
  if (payment.status !== 'succeeded') return [];
  const when = payment.paidAt ? `, ${dateText(payment.paidAt)}` : '';
  const name = nameOf(payment.method);
  const how = name ? `, ${name}` : '';
  return [
    plain(`Payment${when}${how}`, -payment.appliedAmount),
    ...keptAsCredit(payment.creditedAmount, payment.currency),
  ];
}

const muted = (label: string, amount = ''): TotalRow => ({ label, amount, kind: 'muted' });
const keptAsCredit = (amount: bigint, currency: string): TotalRow[] =>
  amount > 0n ? [muted('Added to your credit balance', amountText(amount, currency))] : [];
