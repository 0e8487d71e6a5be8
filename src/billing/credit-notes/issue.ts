import { formatMoney } from '../../platform/money.ts';
import type { Work } from '../../platform/work.ts';
import type { Billing } from '../billing.ts';
import { type Invoice, isOpen } from '../invoices/invoice.ts';
import { settle } from '../invoices/settle.ts';
import { updateInvoices } from '../invoices/store.ts';
import { creditNoteLines, productWeights } from '../ledger/entries.ts';
import { entryLines } from '../ledger/store.ts';
import { takeNumbers } from '../numbers.ts';
import type { Reversal } from '../pricing/reversal.ts';
import type { CreditNote, CreditNoteCause } from './credit-note.ts';
import { insertCreditNotes, updateCreditNote } from './store.ts';

export interface CreditNoteDraft {
  /** Locked, and written back here. */
  invoice: Invoice;
  reversal: Reversal;
  cause: CreditNoteCause;
  reason: string;
  /** The stored draft that is issued now. */
  draft?: CreditNote;
}

/**
 * Issues credit notes: first against what is still due, the rest to the credit balance (rules K3, G3). An invoice with
 * nothing left due is paid; healing its subscription is up to the caller.
 */
export async function issueCreditNotes(billing: Billing, drafts: CreditNoteDraft[]): Promise<CreditNote[]> {
  if (drafts.length === 0) return [];
  const { work, credits, settings } = billing;
  await credits.open(drafts.map(({ invoice }) => invoice.customerId));
  const posted = await entryLines(
    work.db,
    'invoice.issued',
    drafts.map(({ invoice }) => invoice.id),
  );
  const notes = drafts.map((draft) => noteOf(billing, draft));
  for (const [i, note] of notes.entries()) {
    const { invoice, reversal } = drafts[i]!;
    invoice.reversedAmount += reversal.gross;
    invoice.reversedTax += reversal.tax;
    if (note.appliedToInvoice > 0n) settle(work, invoice, { creditNote: note.appliedToInvoice });
    if (note.creditedToBalance > 0n)
      await credits.move({
        customerId: note.customerId,
        currency: note.currency,
        amount: note.creditedToBalance,
        reason: note.cause === 'proration' ? 'proration' : 'credit_note',
        description: note.reason,
        invoiceId: invoice.id,
        creditNoteId: note.id,
      });
    billing.journal.push({
      factType: 'credit_note.issued',
      factId: note.id,
      currency: note.currency,
      customerId: note.customerId,
      invoiceId: invoice.id,
      lines: creditNoteLines(note, productWeights(posted.get(invoice.id) ?? [])),
    });
  }
  const numbers = await takeNumbers(work.db, 'credit_note', settings.creditNotePrefix, work.now, notes.length);
  for (const [i, note] of notes.entries()) note.creditNoteNumber = numbers[i]!;
  await insertCreditNotes(
    work.db,
    notes.filter((_, i) => !drafts[i]!.draft),
  );
  for (const [i, note] of notes.entries()) if (drafts[i]!.draft) await updateCreditNote(work.db, note);
  await updateInvoices(work.db, [...new Set(drafts.map(({ invoice }) => invoice))]);
  for (const note of notes) announce(billing, note);
  return notes;
}

function noteOf({ work }: Billing, draft: CreditNoteDraft): CreditNote {
  const { invoice, reversal } = draft;
  const open = isOpen(invoice.status);
  const appliedToInvoice = open && invoice.amountDue < reversal.gross ? invoice.amountDue : open ? reversal.gross : 0n;
  return {
    ...(draft.draft ?? unissuedNote(work, draft)),
    status: 'issued',
    amount: reversal.gross,
    taxAmount: reversal.tax,
    appliedToInvoice,
    creditedToBalance: reversal.gross - appliedToInvoice,
    reason: draft.reason,
    issuedAt: work.now,
    updatedAt: work.now,
  };
}

/** A credit note that has no number yet: it posts nothing and moves nothing. */
export function unissuedNote(work: Work, { invoice, reversal, cause, reason }: CreditNoteDraft): CreditNote {
  return {
    id: work.newId(),
    creditNoteNumber: null,
    invoiceId: invoice.id,
    customerId: invoice.customerId,
    status: 'draft',
    cause,
    amount: reversal.gross,
    taxAmount: reversal.tax,
    appliedToInvoice: 0n,
    creditedToBalance: 0n,
    currency: invoice.currency,
    reason,
    issuedAt: null,
    voidedAt: null,
    createdAt: work.now,
    updatedAt: work.now,
  };
}

function announce({ work }: Billing, note: CreditNote): void {
  const money = (minor: bigint) => formatMoney(minor, note.currency);
  work.emit({
    type: 'credit_note.issued',
    customerId: note.customerId,
    resourceType: 'creditNote',
    resourceId: note.id,
    data: {
      creditNoteId: note.id,
      customerId: note.customerId,
      invoiceId: note.invoiceId,
      creditNoteNumber: note.creditNoteNumber,
      amount: money(note.amount),
      appliedToInvoice: money(note.appliedToInvoice),
      creditedToBalance: money(note.creditedToBalance),
      currency: note.currency,
    },
  });
}
