import { formatMoney } from '../../platform/money.ts';
import type { Billing } from '../billing.ts';
import { type Invoice, isOpen } from '../invoices/invoice.ts';
import { settle } from '../invoices/settle.ts';
import { updateInvoices } from '../invoices/store.ts';
import { creditNoteLines, type JournalLine, type ProductWeights } from '../ledger/entries.ts';
import { entryLines } from '../ledger/store.ts';
import { takeNumbers } from '../numbers.ts';
import type { Reversal } from '../pricing/reversal.ts';
import type { CreditNote, CreditNoteCause } from './credit-note.ts';
import { insertCreditNotes } from './store.ts';

export interface CreditNoteDraft {
  /** Locked, and written back here. */
  invoice: Invoice;
  reversal: Reversal;
  cause: CreditNoteCause;
  reason: string;
}

/** Issues credit notes: first against what is still due, the rest to the credit balance (rules K3, G3). */
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
    settle(work, invoice, { creditNote: note.appliedToInvoice });
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
      lines: creditNoteLines(note, weightsOf(posted.get(invoice.id) ?? [])),
    });
  }
  const numbers = await takeNumbers(work.db, 'credit_note', settings.creditNotePrefix, work.now, notes.length);
  for (const [i, note] of notes.entries()) note.creditNoteNumber = numbers[i]!;
  await insertCreditNotes(work.db, notes);
  await updateInvoices(work.db, [...new Set(drafts.map(({ invoice }) => invoice))]);
  for (const note of notes) announce(billing, note);
  return notes;
}

function noteOf({ work }: Billing, { invoice, reversal, cause, reason }: CreditNoteDraft): CreditNote {
  const open = isOpen(invoice.status);
  const appliedToInvoice = open && invoice.amountDue < reversal.gross ? invoice.amountDue : open ? reversal.gross : 0n;
  return {
    id: work.newId(),
    creditNoteNumber: null,
    invoiceId: invoice.id,
    customerId: invoice.customerId,
    status: 'issued',
    cause,
    amount: reversal.gross,
    taxAmount: reversal.tax,
    appliedToInvoice,
    creditedToBalance: reversal.gross - appliedToInvoice,
    currency: invoice.currency,
    reason,
    issuedAt: work.now,
    voidedAt: null,
    createdAt: work.now,
    updatedAt: work.now,
  };
}

/** Net revenue per product as it was posted at issue: the weights of every later split (rules G2). */
function weightsOf(lines: JournalLine[]): ProductWeights {
  const weights = new Map<string | null, bigint>();
  for (const { account, amount, productId } of lines)
    if (account === 'revenue' || account === 'discounts')
      weights.set(productId, (weights.get(productId) ?? 0n) - amount);
  return weights;
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
