import { formatMoney } from '../../platform/money.ts';
import { tally } from '../../platform/work.ts';
import type { Billing } from '../billing.ts';
import { issuedLines } from '../ledger/entries.ts';
import { takeNumbers } from '../numbers.ts';
import { type InvoiceOutput, netByProduct } from '../pricing/compose.ts';
import { taxesOf } from '../tax/tax-book.ts';
import { composeTaxed, creditOf, type InvoiceDraft, taxedOf } from './draft.ts';
import { defaultDueDate, type Invoice, type InvoiceLine } from './invoice.ts';
import { deleteLines, insertLines } from './line-store.ts';
import { sellerOf } from './seller.ts';
import * as store from './store.ts';

export interface IssuedInvoice {
  invoice: Invoice;
  output: InvoiceOutput;
}

/**
 * Issues a batch of invoices in the given order: totals, credits, numbers, rows, postings, events (rules C2, I).
 * Credit balances run on inside the batch, so the result is that of one invoice after the other.
 */
export async function issueInvoices(billing: Billing, drafts: InvoiceDraft[]): Promise<IssuedInvoice[]> {
  if (drafts.length === 0) return [];
  const { work, settings, credits } = billing;
  const taxed = drafts.map((draft) => taxedOf(billing, draft));
  const taxes = await taxesOf(billing.taxes, taxed);
  await credits.open(drafts.map(({ customer }) => customer.id));
  const issued: IssuedInvoice[] = [];
  for (const [i, draft] of drafts.entries()) {
    const output = composeTaxed(draft, taxes[i] ?? null, creditOf(billing, draft, true));
    issued.push({ invoice: invoiceOf(billing, draft, output), output });
    if (output.creditsApplied > 0n)
      await credits.move({
        customerId: draft.customer.id,
        currency: draft.currency,
        amount: -output.creditsApplied,
        reason: 'invoice_application',
        description: 'Credit used on an invoice',
        invoiceId: draft.id,
      });
  }
  const numbers = await takeNumbers(work.db, 'invoice', settings.invoicePrefix, work.now, issued.length);
  for (const [i, { invoice }] of issued.entries()) invoice.invoiceNumber = numbers[i]!;
  await writeIssued(billing, drafts, issued);
  for (const [i, one] of issued.entries()) announce(billing, drafts[i]!, one);
  tally(work, 'invoices_without_tax_rule_total', issued.filter(({ output }) => output.tax === null).length);
  return issued;
}

async function writeIssued(billing: Billing, drafts: InvoiceDraft[], issued: IssuedInvoice[]): Promise<void> {
  const { db, newId } = billing.work;
  const traced = issued.map(({ invoice, output }) => ({ invoice, trace: JSON.stringify(output.trace) }));
  await store.insertInvoices(
    db,
    traced.filter((_, i) => drafts[i]!.draft === null),
  );
  for (const [i, one] of traced.entries()) {
    if (drafts[i]!.draft === null) continue;
    await deleteLines(db, one.invoice.id);
    await store.updateDraft(db, one);
  }
  await insertLines(
    db,
    issued.flatMap(({ invoice, output }) => linesOf(invoice.id, output, newId)),
  );
}

function announce(billing: Billing, draft: InvoiceDraft, { invoice, output }: IssuedInvoice): void {
  billing.journal.push({
    factType: 'invoice.issued',
    factId: invoice.id,
    currency: invoice.currency,
    customerId: invoice.customerId,
    invoiceId: invoice.id,
    lines: issuedLines(output.total, output.discountAmount, output.taxAmount, netByProduct(output)),
  });
  if (draft.draft === null) billing.work.emit(invoiceEvent('invoice.created', invoice, createdData(invoice)));
  billing.work.emit(invoiceEvent('invoice.issued', invoice, issuedData(invoice, draft.preGenerated)));
  if (invoice.status === 'paid') billing.work.emit(invoiceEvent('invoice.paid', invoice, paidData(invoice)));
}

function invoiceOf(billing: Billing, draft: InvoiceDraft, output: InvoiceOutput): Invoice {
  const { now } = billing.work;
  const paid = output.amountDue === 0n;
  const base = unissuedInvoice(billing, draft, output);
  return {
    ...base,
    status: paid ? 'paid' : 'issued',
    creditsApplied: output.creditsApplied,
    amountDue: output.amountDue,
    issuedAt: now,
    dueDate: draft.dueDate ?? defaultDueDate(now, billing.settings.paymentTermsDays, draft.collectAt),
    collectAt: draft.collectAt,
    paidAt: paid ? now : null,
  };
}

/** The row of an invoice that has no number yet: a draft, or the base of one that is issued now. */
export function unissuedInvoice({ work, settings }: Billing, draft: InvoiceDraft, output: InvoiceOutput): Invoice {
  return {
    id: draft.id,
    invoiceNumber: null,
    customerId: draft.customer.id,
    customerName: draft.customer.name,
    billTo: draft.customer.billTo,
    seller: sellerOf(settings),
    subscriptionId: draft.subscriptionId,
    origin: draft.origin,
    status: 'draft',
    currency: draft.currency,
    subtotal: output.subtotal,
    discountAmount: output.discountAmount,
    taxAmount: output.taxAmount,
    total: output.total,
    creditsApplied: 0n,
    creditNotesAmount: 0n,
    amountPaid: 0n,
    amountRefunded: 0n,
    amountDue: output.total,
    reversedAmount: 0n,
    reversedTax: 0n,
    taxName: output.tax?.name ?? null,
    taxRate: output.tax?.rate ?? null,
    taxInclusive: output.tax?.inclusive ?? false,
    taxRuleId: output.tax?.id ?? null,
    issuedAt: null,
    dueDate: draft.dueDate,
    paidAt: null,
    voidedAt: null,
    collectAt: null,
    notes: draft.notes,
    version: draft.draft ? draft.draft.version + 1 : 1,
    createdAt: draft.draft?.createdAt ?? work.now,
    updatedAt: work.now,
  };
}

export function linesOf(invoiceId: string, output: InvoiceOutput, newId: () => string): InvoiceLine[] {
  return output.lines.map(({ net: _, planId: _plan, ...line }, i) => ({
    ...line,
    id: newId(),
    invoiceId,
    position: i + 1,
  }));
}

export const invoiceEvent = (type: string, invoice: Invoice, data: Record<string, unknown>) => ({
  type,
  customerId: invoice.customerId,
  resourceType: 'invoice',
  resourceId: invoice.id,
  data: { invoiceId: invoice.id, customerId: invoice.customerId, subscriptionId: invoice.subscriptionId, ...data },
});

export const createdData = (invoice: Invoice) => ({
  invoiceNumber: invoice.invoiceNumber,
  status: invoice.status,
  amount: formatMoney(invoice.total, invoice.currency),
  currency: invoice.currency,
  dueDate: invoice.dueDate,
});

const issuedData = (invoice: Invoice, preGenerated: boolean) => ({
  invoiceNumber: invoice.invoiceNumber,
  amount: formatMoney(invoice.total, invoice.currency),
  amountDue: formatMoney(invoice.amountDue, invoice.currency),
  currency: invoice.currency,
  dueDate: invoice.dueDate,
  preGenerated,
});

export const paidData = (invoice: Invoice) => ({
  invoiceNumber: invoice.invoiceNumber,
  amount: formatMoney(invoice.total, invoice.currency),
  currency: invoice.currency,
  paidAt: invoice.paidAt,
});
