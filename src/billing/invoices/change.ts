import type { InvoiceUpdate } from '../../../generated/types.gen.ts';
import { loadBillingCustomers } from '../../customers/billing-customers.ts';
import { conflict, type Fields } from '../../platform/errors.ts';
import { refuseFields } from '../../platform/fields.ts';
import { exponentOf, sameCurrency } from '../../platform/money.ts';
import type { Billing } from '../billing.ts';
import { draftInvoice, draftOf, issueManual } from './create.ts';
import type { InvoiceDraft } from './draft.ts';
import { type Invoice, refuseFinal, refuseVoid } from './invoice.ts';
import { linesOf } from './issue.ts';
import { deleteLines, insertLines, loadLines } from './line-store.ts';
import { linesOfDraft, readInstant, readLines } from './manual-lines.ts';
import { voidInvoices } from './settle.ts';
import * as store from './store.ts';

/** PUT of a locked invoice: the other members first, then the status (contract 2.10, rules I, I1, I4). */
export async function changeInvoice(billing: Billing, invoice: Invoice, body: InvoiceUpdate): Promise<Invoice> {
  const { status, notes, ...terms } = body;
  const asksTerms = Object.keys(terms).length > 0;
  if (asksTerms || status !== undefined) refuseFinal(invoice);
  if (asksTerms && invoice.status !== 'draft')
    throw conflict('Lines, due date and currency of an issued invoice are fixed.');
  const noted = notes !== undefined && notes !== invoice.notes;
  const current = noted ? { ...invoice, notes } : invoice;
  if (invoice.status === 'draft') return changeDraft(billing, invoice, current, body);
  if (status !== undefined && status !== invoice.status) await changeOpen(billing, current, status);
  else if (noted) await writeNotes(billing, current);
  return current;
}

async function writeNotes({ work }: Billing, invoice: Invoice): Promise<void> {
  invoice.version += 1;
  invoice.updatedAt = work.now;
  await store.updateInvoices(work.db, [invoice]);
}

async function changeDraft(billing: Billing, stored: Invoice, noted: Invoice, body: InvoiceUpdate): Promise<Invoice> {
  if (body.status === 'paid') throw conflict('Issue the draft before it is paid.');
  const draft = await revisedDraft(billing, noted, body);
  if (body.status === 'issued') return issueManual(billing, draft);
  const { invoice, output } = await draftInvoice(billing, draft);
  const current = changed(stored, invoice, body) ? invoice : stored;
  if (current !== stored) {
    const { db, newId } = billing.work;
    await store.updateDraft(db, { invoice, trace: null });
    if (body.lineItems || body.currency) {
      await deleteLines(db, invoice.id);
      await insertLines(db, linesOf(invoice.id, output, newId));
    }
  }
  if (body.status !== 'void') return current;
  const { customerName, billTo, seller } = invoice;
  const voided = { ...current, customerName, billTo, seller, version: stored.version }; // one change, one version (rules X6)
  await store.updateDraft(billing.work.db, { invoice: voided, trace: null });
  await voidInvoices(billing, [voided]);
  return voided;
}

/** What a draft may change, each with how a change shows: a new member of the contract does not compile without. */
const CHANGES: Record<Exclude<keyof InvoiceUpdate, 'status'>, (before: Invoice, after: Invoice) => boolean> = {
  lineItems: () => true,
  currency: (before, after) => before.currency !== after.currency,
  dueDate: (before, after) => before.dueDate !== after.dueDate,
  notes: (before, after) => before.notes !== after.notes,
};

const changed = (before: Invoice, after: Invoice, body: InvoiceUpdate): boolean =>
  (Object.keys(CHANGES) as (keyof typeof CHANGES)[]).some(
    (member) => body[member] !== undefined && CHANGES[member](before, after),
  );

async function revisedDraft({ work }: Billing, invoice: Invoice, body: InvoiceUpdate): Promise<InvoiceDraft> {
  const customer = (await loadBillingCustomers(work.db, [invoice.customerId])).get(invoice.customerId)!;
  const stored = await loadLines(work.db, [invoice.id]);
  const lines = body.lineItems ? readLines(body.lineItems) : linesOfDraft(stored.get(invoice.id)!);
  const { lockSoldTerms } = work.runtime.hooks.invoices;
  const sold = invoice.subscriptionId ? await lockSoldTerms(work.db, invoice.subscriptionId) : undefined;
  const currency = body.currency ?? invoice.currency;
  exponentOf(currency);
  if (sold) sameCurrency(currency, sold.currency);
  const fields: Fields = {};
  const dueDate = body.dueDate === undefined ? invoice.dueDate : readInstant(fields, 'dueDate', body.dueDate);
  refuseFields(fields);
  return { ...draftOf(invoice, customer, lines, sold?.category ?? null), currency, dueDate };
}

/** issued or overdue -> paid or void; anything else has no way (rules I1). */
async function changeOpen(billing: Billing, invoice: Invoice, status: string): Promise<void> {
  if (status === 'paid') {
    await billing.work.runtime.hooks.invoices.markPaid(billing, invoice);
    return;
  }
  if (status !== 'void') throw conflict(`An ${invoice.status} invoice cannot become ${status}.`);
  refuseVoid(invoice);
  await voidInvoices(billing, [invoice]);
  await billing.work.runtime.hooks.invoices.voided(billing.work, invoice);
}
