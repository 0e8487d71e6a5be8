import { insertRows } from '../../platform/db/bulk.ts';
import { money } from '../../platform/db/columns.ts';
import type { Db } from '../../platform/db/connect.ts';
import type { CreditNote } from './credit-note.ts';

export const insertCreditNotes = (db: Db, notes: CreditNote[]): Promise<number> =>
  insertRows(
    db,
    'credit_notes',
    notes.map((note) => ({
      id: note.id,
      credit_note_number: note.creditNoteNumber,
      invoice_id: note.invoiceId,
      customer_id: note.customerId,
      status: note.status,
      cause: note.cause,
      amount: Number(note.amount),
      tax_amount: Number(note.taxAmount),
      applied_to_invoice: Number(note.appliedToInvoice),
      credited_to_balance: Number(note.creditedToBalance),
      currency: note.currency,
      reason: note.reason,
      lines: null,
      issued_at: note.issuedAt,
      voided_at: note.voidedAt,
      created_at: note.createdAt,
      updated_at: note.updatedAt,
    })),
  );

/** The credit notes of an invoice, newest first; drafts are left out for scoped callers. */
export async function listInvoiceCreditNotes(db: Db, invoiceId: string, withDrafts: boolean): Promise<CreditNote[]> {
  const query = db('credit_notes').where({ invoice_id: invoiceId }).orderBy('id', 'desc');
  if (!withDrafts) query.whereNot({ status: 'draft' });
  return (await query).map((row) => ({
    id: row.id,
    creditNoteNumber: row.credit_note_number,
    invoiceId: row.invoice_id,
    customerId: row.customer_id,
    status: row.status,
    cause: row.cause,
    amount: money(row.amount),
    taxAmount: money(row.tax_amount),
    appliedToInvoice: money(row.applied_to_invoice),
    creditedToBalance: money(row.credited_to_balance),
    currency: row.currency,
    reason: row.reason,
    issuedAt: row.issued_at,
    voidedAt: row.voided_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }));
}
