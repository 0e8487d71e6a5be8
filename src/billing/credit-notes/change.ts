import type { CreditNoteCreate, CreditNoteUpdate } from '../../../generated/types.gen.ts';
import { conflict, invalid, refuse } from '../../platform/errors.ts';
import { readMember, refuseFields } from '../../platform/fields.ts';
import { formatMoney, parseMoney } from '../../platform/money.ts';
import type { Billing } from '../billing.ts';
import { type Invoice, isOpen } from '../invoices/invoice.ts';
import { reversalStateOf } from '../invoices/reversal-state.ts';
import { unsettle } from '../invoices/settle.ts';
import { updateInvoices } from '../invoices/store.ts';
import { negated } from '../ledger/entries.ts';
import { entryLines } from '../ledger/store.ts';
import { type Reversal, reverseGross, reversibleGross } from '../pricing/reversal.ts';
import type { CreditNote } from './credit-note.ts';
import { issueCreditNotes, unissuedNote } from './issue.ts';
import { insertCreditNotes, updateCreditNote } from './store.ts';

/** A credit note by hand on a locked invoice: issued at once, or a draft that posts nothing (rules K3). */
export async function createManualNote(
  billing: Billing,
  invoice: Invoice,
  body: CreditNoteCreate,
): Promise<CreditNote> {
  refuseUncreditable(invoice);
  const draft = {
    invoice,
    reversal: readReversal(invoice, body.amount),
    cause: 'manual' as const,
    reason: body.reason,
  };
  if (body.status !== 'draft') return issue(billing, draft);
  const note = unissuedNote(billing.work, draft);
  await insertCreditNotes(billing.work.db, [note]);
  return note;
}

/** PUT of a locked credit note: the reason first, then the status (contract 2.13). */
export async function changeCreditNote(
  billing: Billing,
  invoice: Invoice,
  stored: CreditNote,
  { status, reason }: CreditNoteUpdate,
): Promise<CreditNote> {
  const noted = reason !== undefined && reason !== stored.reason;
  if (noted && stored.status !== 'draft') throw conflict('Only the reason of a draft can be changed.');
  const note = noted ? { ...stored, reason, updatedAt: billing.work.now } : stored;
  if (status === undefined || status === stored.status) {
    if (noted) await updateCreditNote(billing.work.db, note);
    return note;
  }
  if (stored.status === 'void') throw conflict('A void credit note is final.');
  if (status === 'issued') return issueDraft(billing, invoice, note);
  return stored.status === 'draft' ? discard(billing, note) : voidIssued(billing, invoice, note);
}

function issueDraft(billing: Billing, invoice: Invoice, draft: CreditNote): Promise<CreditNote> {
  refuseUncreditable(invoice);
  const { cause, reason } = draft;
  return issue(billing, { invoice, reversal: reversalOf(invoice, draft.amount), cause, reason, draft });
}

type NoteDraft = Parameters<typeof issueCreditNotes>[1][number];
async function issue(billing: Billing, draft: NoteDraft): Promise<CreditNote> {
  const [note] = await issueCreditNotes(billing, [draft]);
  const { subscriptionId, status } = draft.invoice;
  if (status === 'paid' && note!.appliedToInvoice > 0n && subscriptionId)
    await billing.work.runtime.hooks.invoices.settled(billing.work, subscriptionId);
  return note!;
}

async function discard({ work }: Billing, draft: CreditNote): Promise<CreditNote> {
  const note: CreditNote = { ...draft, status: 'void', voidedAt: work.now, updatedAt: work.now };
  await updateCreditNote(work.db, note);
  return note;
}

/**
 * Takes an issued credit note back (rules K3): what it took off the amount due is due again, what it credited is taken
 * from the balance, its entry is negated. Throws AppError `conflict` when either is no longer there.
 */
async function voidIssued(billing: Billing, invoice: Invoice, issued: CreditNote): Promise<CreditNote> {
  const { work, credits, journal } = billing;
  const { id, customerId, currency, appliedToInvoice, creditedToBalance } = issued;
  // What was taken back for periods that are billed anew, or not at all, stays taken back (INV10, INV12).
  if (issued.cause !== 'manual' || (await work.runtime.hooks.invoices.isWithdrawn(work.db, invoice.id)))
    throw conflict('A credit note that a change of the subscription rests on cannot be voided.');
  if (appliedToInvoice > 0n && !isOpen(invoice.status)) throw conflict('The invoice is settled with the credit note.');
  await credits.open([customerId]);
  if (credits.balanceOf(customerId, currency) < creditedToBalance)
    throw conflict('The credit balance no longer holds what was credited.');
  if (creditedToBalance > 0n)
    await credits.move({
      customerId,
      currency,
      amount: -creditedToBalance,
      reason: 'credit_note_void',
      description: `Credit note ${issued.creditNoteNumber} voided`,
      invoiceId: invoice.id,
      creditNoteId: id,
    });
  const posted = await entryLines(work.db, 'credit_note.issued', [id]);
  journal.push({
    factType: 'credit_note.voided',
    factId: id,
    currency,
    customerId,
    invoiceId: invoice.id,
    lines: negated(posted.get(id) ?? []),
  });
  invoice.reversedAmount -= issued.amount;
  invoice.reversedTax -= issued.taxAmount;
  if (appliedToInvoice > 0n) unsettle(work, invoice, appliedToInvoice);
  await updateInvoices(work.db, [invoice]);
  return discard(billing, issued);
}

/** Throws AppError `conflict` for a draft, `invoice_voided`. */
function refuseUncreditable({ status }: Invoice): void {
  if (status === 'draft') throw conflict('Issue the draft before it is credited.');
  if (status === 'void') throw refuse('invoice_voided', 'The invoice is void.');
}

function readReversal(invoice: Invoice, text: string): Reversal {
  const fields = {};
  const amount = readMember(fields, 'amount', () => parseMoney(text, invoice.currency));
  refuseFields(fields);
  return reversalOf(invoice, amount!);
}

/** Throws AppError `validation_error` on `amount` for more than is left of the invoice (rules K3). */
function reversalOf(invoice: Invoice, amount: bigint): Reversal {
  const state = reversalStateOf(invoice);
  const rest = reversibleGross(state);
  if (amount > rest) throw invalid({ amount: `must be at most ${formatMoney(rest, invoice.currency)}` });
  return reverseGross(state, amount);
}
