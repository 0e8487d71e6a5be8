import type { InvoiceCreate } from '../../../generated/types.gen.ts';
import { type BillingCustomer, loadBillingCustomers } from '../../customers/billing-customers.ts';
import { requireCustomer } from '../../customers/store.ts';
import type { Instant } from '../../platform/calendar.ts';
import { AppError, type Fields, invalid, notFound } from '../../platform/errors.ts';
import { refuseFields } from '../../platform/fields.ts';
import { exponentOf, sameCurrency } from '../../platform/money.ts';
import type { Billing } from '../billing.ts';
import type { InvoiceOutput } from '../pricing/compose.ts';
import type { LineInput } from '../pricing/lines.ts';
import { compose, type InvoiceDraft } from './draft.ts';
import type { Invoice } from './invoice.ts';
import { createdData, invoiceEvent, issueInvoices, linesOf, unissuedInvoice } from './issue.ts';
import { insertLines } from './line-store.ts';
import { readInstant, readLines } from './manual-lines.ts';
import * as store from './store.ts';

/** A manual invoice: a draft, or issued at once (contract 2.10, rules I). */
export async function createManualInvoice(billing: Billing, body: InvoiceCreate): Promise<Invoice> {
  const { work } = billing;
  await requireCustomer(work.db, body.customerId);
  const customer = (await loadBillingCustomers(work.db, [body.customerId])).get(body.customerId)!;
  const sold = await readSubscription(billing, body);
  const currency = body.currency ?? sold?.currency ?? customer.currency ?? billing.settings.defaultCurrency;
  exponentOf(currency);
  if (sold) sameCurrency(currency, sold.currency);
  const fields: Fields = {};
  const dueDate = readInstant(fields, 'dueDate', body.dueDate);
  refuseFields(fields);
  const draft: InvoiceDraft = {
    id: work.newId(),
    customer,
    subscriptionId: sold?.id ?? null,
    origin: 'manual',
    currency,
    lines: readLines(body.lineItems),
    discounts: [],
    category: sold?.category ?? null,
    dueDate,
    taxedOn: null,
    collectAt: null,
    notes: body.notes ?? null,
    draft: null,
    preGenerated: false,
  };
  return body.status === 'issued' ? issueManual(billing, draft) : storeDraft(billing, draft);
}

async function readSubscription(billing: Billing, body: InvoiceCreate) {
  if (!body.subscriptionId) return undefined;
  const { db, runtime } = billing.work;
  const sold = await runtime.hooks.invoices.lockSoldTerms(db, body.subscriptionId);
  if (!sold) throw notFound('subscription');
  if (sold.customerId !== body.customerId) throw invalid({ subscriptionId: 'is not a subscription of this customer' });
  return sold;
}

/** Issues one manual invoice. Throws AppError `validation_error` for a due date before the issue or a negative subtotal. */
export async function issueManual(billing: Billing, draft: InvoiceDraft): Promise<Invoice> {
  checkDueDate(draft.dueDate, billing.work.now);
  await checkTotals(() => compose(billing, draft, false));
  const [issued] = await issueInvoices(billing, [draft]);
  return issued!.invoice;
}

async function storeDraft(billing: Billing, draft: InvoiceDraft): Promise<Invoice> {
  const { work } = billing;
  const { invoice, output } = await draftInvoice(billing, draft);
  await store.insertInvoices(work.db, [{ invoice, trace: null }]);
  await insertLines(work.db, linesOf(invoice.id, output, work.newId));
  work.emit(invoiceEvent('invoice.created', invoice, createdData(invoice)));
  return invoice;
}

/** Totals of a draft with the tax rule of today (rules I). */
export async function draftInvoice(
  billing: Billing,
  draft: InvoiceDraft,
): Promise<{ invoice: Invoice; output: InvoiceOutput }> {
  const output = await checkTotals(() => compose(billing, draft, false));
  return { invoice: unissuedInvoice(billing, draft, output), output };
}

async function checkTotals(compute: () => Promise<InvoiceOutput>): Promise<InvoiceOutput> {
  try {
    const output = await compute();
    if (output.subtotal < 0n) throw invalid({ lineItems: 'must not sum up to less than zero' });
    return output;
  } catch (error) {
    if (error instanceof AppError && error.code === 'validation_error' && !error.fields)
      throw invalid({ lineItems: `contains an amount that ${error.message}` });
    throw error;
  }
}

function checkDueDate(dueDate: Instant | null, now: Instant): void {
  if (dueDate !== null && dueDate < now) throw invalid({ dueDate: 'must not be before the invoice is issued' });
}

/** A stored draft as something to compute and issue. */
export const draftOf = (
  invoice: Invoice,
  customer: BillingCustomer,
  lines: LineInput[],
  category: string | null,
): InvoiceDraft => ({
  id: invoice.id,
  customer,
  subscriptionId: invoice.subscriptionId,
  origin: invoice.origin,
  currency: invoice.currency,
  lines,
  discounts: [],
  category,
  dueDate: invoice.dueDate,
  taxedOn: null,
  collectAt: null,
  notes: invoice.notes,
  draft: invoice,
  preGenerated: false,
});
