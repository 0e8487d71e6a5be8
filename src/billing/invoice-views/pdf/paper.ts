import type { BillTo } from '../../../customers/billing-customers.ts';
import type { Instant } from '../../../platform/calendar.ts';
import type { CreditNote } from '../../credit-notes/credit-note.ts';
import type { Invoice, InvoiceLine, Seller } from '../../invoices/invoice.ts';
import type { Payment } from '../../payments/payment.ts';
import { type TotalRow, totalRows } from './totals.ts';
import { addressLines, amountText, dateText, moneyText, quantityText, unitPriceText } from './wording.ts';

/** Everything a printed invoice depends on. */
export interface PaperInput {
  readonly invoice: Invoice;
  readonly lines: readonly InvoiceLine[];
  readonly payments: readonly Payment[];
  readonly creditNotes: readonly CreditNote[];
}

export type Stamp = 'DRAFT' | 'PAID' | 'OVERDUE' | 'VOID';

export interface PaperRow {
  readonly description: string;
  readonly period: string | null;
  readonly quantity: string;
  readonly unitPrice: string;
  readonly amount: string;
}

/** An invoice in words: what is printed, before it has a place on a page. */
export interface Paper {
  readonly title: string;
  readonly stamp: Stamp | null;
  readonly headline: string;
  readonly seller: { readonly name: string | null; readonly lines: readonly string[] };
  readonly billTo: { readonly name: string; readonly lines: readonly string[] };
  readonly facts: readonly (readonly [label: string, value: string])[];
  readonly currency: string;
  readonly rows: readonly PaperRow[];
  readonly totals: readonly TotalRow[];
  readonly notes: string | null;
  readonly footer: string | null;
  /** Country of the customer; decides how Han characters look. */
  readonly country: string | null;
  readonly createdAt: Instant;
}

const STAMPS: Readonly<Record<Invoice['status'], Stamp | null>> = {
  draft: 'DRAFT',
  issued: null,
  paid: 'PAID',
  overdue: 'OVERDUE',
  void: 'VOID',
};

/** Pure: the same data give the same paper. Discount lines stand among the totals, not in the table. */
export function paperOf({ invoice, lines, payments, creditNotes }: PaperInput): Paper {
  const charged = lines.filter(({ kind }) => kind !== 'discount');
  const discounts = lines.filter(({ kind }) => kind === 'discount');
  return {
    title: invoice.invoiceNumber === null ? 'Draft invoice' : `Invoice ${invoice.invoiceNumber}`,
    stamp: STAMPS[invoice.status],
    headline: headlineOf(invoice),
    seller: sellerOf(invoice.seller),
    billTo: billToOf(invoice.billTo),
    facts: factsOf(invoice),
    currency: invoice.currency,
    rows: charged.map((line) => rowOf(line, invoice.currency)),
    totals: totalRows(invoice, discounts, payments, creditNotes),
    notes: invoice.notes,
    footer: invoice.seller.invoiceFooter,
    country: invoice.billTo.country,
    createdAt: invoice.issuedAt ?? invoice.createdAt,
  };
}

function headlineOf({ status, currency, total, amountDue, dueDate, paidAt, voidedAt }: Invoice): string {
  const on = (date: Instant | null, words: string) => (date === null ? '' : ` ${words} ${dateText(date)}`);
  if (status === 'draft') return `${moneyText(total, currency)} — draft, not yet issued`;
  if (status === 'void') return `Void${on(voidedAt, 'since')}`;
  if (status === 'paid') return `${moneyText(total, currency)}${on(paidAt, 'paid on')}`;
  return `${moneyText(amountDue, currency)}${on(dueDate, status === 'overdue' ? 'was due on' : 'due by')}`;
}

function sellerOf({ companyName, companyAddress, companyEmail, companyTaxId }: Seller): Paper['seller'] {
  const lines = [companyAddress, companyEmail, companyTaxId && `Tax ID ${companyTaxId}`];
  return { name: companyName, lines: lines.filter((line): line is string => Boolean(line)) };
}

function billToOf({ name, company, email, taxId, ...address }: BillTo): Paper['billTo'] {
  const lines = [company === name ? null : company, ...addressLines(address), email, taxId && `Tax ID ${taxId}`];
  return { name, lines: lines.filter((line): line is string => Boolean(line)) };
}

function factsOf({ status, invoiceNumber, issuedAt, createdAt, dueDate, paidAt, voidedAt, currency }: Invoice) {
  const facts: [string, string | null][] = [
    ['Invoice number', invoiceNumber],
    ['Created', status === 'draft' ? dateText(createdAt) : null],
    ['Issued', issuedAt && dateText(issuedAt)],
    ['Due', dueDate && dateText(dueDate)],
    ['Paid', paidAt && dateText(paidAt)],
    ['Voided', voidedAt && dateText(voidedAt)],
    ['Currency', currency],
  ];
  return facts.filter((fact): fact is [string, string] => fact[1] !== null);
}

const rowOf = (line: InvoiceLine, currency: string): PaperRow => ({
  description: line.description,
  period: line.periodStart && line.periodEnd ? `${dateText(line.periodStart)} – ${dateText(line.periodEnd)}` : null,
  quantity: quantityText(line.quantity),
  unitPrice: unitPriceText(line.unitPrice, currency),
  amount: amountText(line.amount, currency),
});
