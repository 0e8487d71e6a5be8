import type { Invoice as Shown } from '../../../generated/types.gen.ts';
import { formatDecimal } from '../../platform/decimal.ts';
import { exponentOf, formatMoney } from '../../platform/money.ts';
import { quantityNumber } from '../pricing/quantity.ts';
import type { Invoice, InvoiceLine } from './invoice.ts';

/** The API shape; `v1` answers name the v1 path of the PDF. */
export function presentInvoice(invoice: Invoice, lines: InvoiceLine[], v1: boolean): Shown {
  const money = (minor: bigint) => formatMoney(minor, invoice.currency);
  return {
    id: invoice.id,
    invoiceNumber: invoice.invoiceNumber,
    customerId: invoice.customerId,
    customerName: invoice.customerName,
    seller: invoice.seller,
    subscriptionId: invoice.subscriptionId,
    status: invoice.status,
    currency: invoice.currency,
    lineItems: lines.map((line) => presentLine(line, invoice.currency)),
    subtotal: money(invoice.subtotal),
    discountAmount: money(invoice.discountAmount),
    taxName: invoice.taxName,
    taxRate: invoice.taxRate && formatDecimal(invoice.taxRate, 4),
    taxInclusive: invoice.taxInclusive,
    taxAmount: money(invoice.taxAmount),
    total: money(invoice.total),
    creditsApplied: money(invoice.creditsApplied),
    creditNotesAmount: money(invoice.creditNotesAmount),
    amountPaid: money(invoice.amountPaid),
    amountRefunded: money(invoice.amountRefunded),
    amountDue: money(invoice.amountDue),
    dueDate: invoice.dueDate,
    issuedAt: invoice.issuedAt,
    paidAt: invoice.paidAt,
    voidedAt: invoice.voidedAt,
    notes: invoice.notes,
    pdfUrl: `${v1 ? '/api/v1' : '/api'}/billing/invoices/${invoice.id}/pdf`,
    version: invoice.version,
    createdAt: invoice.createdAt,
    updatedAt: invoice.updatedAt,
  };
}

const presentLine = (line: InvoiceLine, currency: string) => ({
  id: line.id,
  description: line.description,
  quantity: quantityNumber(line.quantity),
  unitPrice: formatDecimal(line.unitPrice, exponentOf(currency)),
  amount: formatMoney(line.amount, currency),
  periodStart: line.periodStart,
  periodEnd: line.periodEnd,
  kind: line.kind,
});
