import { insertRows } from '../../platform/db/bulk.ts';
import { big } from '../../platform/db/columns.ts';
import type { Db } from '../../platform/db/connect.ts';
import { inList } from '../../platform/db/in-list.ts';
import { asIs, describeTable, money } from '../../platform/db/table.ts';
import type { PageRequest } from '../../platform/http/pagination.ts';
import type { Scope } from '../../platform/http/principal.ts';
import type { Reversal } from '../pricing/reversal.ts';
import type { CreditNote } from './credit-note.ts';

const CREDIT_NOTES = describeTable<CreditNote>({
  id: asIs,
  creditNoteNumber: asIs,
  invoiceId: asIs,
  customerId: asIs,
  status: asIs,
  cause: asIs,
  amount: money,
  taxAmount: money,
  appliedToInvoice: money,
  creditedToBalance: money,
  currency: asIs,
  reason: asIs,
  issuedAt: asIs,
  voidedAt: asIs,
  createdAt: asIs,
  updatedAt: asIs,
});
const toCreditNote = CREDIT_NOTES.fromRow;
const changeable = CREDIT_NOTES.except('id', 'invoiceId', 'customerId', 'cause', 'currency', 'createdAt');

export const insertCreditNotes = (db: Db, notes: CreditNote[]): Promise<number> =>
  insertRows(
    db,
    'credit_notes',
    notes.map((note) => ({ ...CREDIT_NOTES.toRow(note), lines: null })),
  );

/** Writes what may change: everything of a draft but its invoice; later only what a void changes. */
export async function updateCreditNote(db: Db, note: CreditNote): Promise<void> {
  await db('credit_notes').where({ id: note.id }).update(changeable(note));
}

/** A scoped caller never sees drafts (contract 2.13). */
const visible = (db: Db, scope: Scope) => {
  const query = db('credit_notes');
  return scope === null ? query : query.where({ customer_id: scope }).whereNot({ status: 'draft' });
};

export interface CreditNoteFilter {
  invoiceId?: string | undefined;
  customerId?: string | undefined;
  status?: string | undefined;
}

/** Newest first, up to `limit + 1` rows. */
export async function listCreditNotes(
  db: Db,
  scope: Scope,
  filter: CreditNoteFilter,
  page: PageRequest,
): Promise<CreditNote[]> {
  const query = visible(db, scope)
    .orderBy('id', 'desc')
    .limit(page.limit + 1);
  if (filter.invoiceId) query.where({ invoice_id: filter.invoiceId });
  if (filter.customerId) query.where({ customer_id: filter.customerId });
  if (filter.status) query.where({ status: filter.status });
  if (page.after) query.where('id', '<', page.after);
  return (await query).map(toCreditNote);
}

export async function findCreditNote(db: Db, scope: Scope, id: string): Promise<CreditNote | undefined> {
  const [row] = await visible(db, scope).where({ id });
  return row && toCreditNote(row);
}

export async function lockCreditNote(db: Db, id: string): Promise<CreditNote | undefined> {
  const [row] = await db('credit_notes').where({ id }).forNoKeyUpdate();
  return row && toCreditNote(row);
}

/** The credit notes of an invoice, newest first; drafts are left out for scoped callers. */
export async function listInvoiceCreditNotes(db: Db, invoiceId: string, withDrafts: boolean): Promise<CreditNote[]> {
  const query = db('credit_notes').where({ invoice_id: invoiceId }).orderBy('id', 'desc');
  if (!withDrafts) query.whereNot({ status: 'draft' });
  return (await query).map(toCreditNote);
}

/** Σ of the issued credit notes by hand on these invoices, by invoice: gross, and the tax in it; minor units. */
export async function givenBackByNotes(db: Db, invoiceIds: readonly string[]): Promise<Map<string, Reversal>> {
  const rows: { invoice_id: string; gross: string; tax: string }[] = await db('credit_notes')
    .whereIn('invoice_id', inList(invoiceIds))
    .where({ cause: 'manual', status: 'issued' })
    .groupBy('invoice_id')
    .select('invoice_id')
    .select(db.raw('cast(sum(amount) as text) as gross, cast(sum(tax_amount) as text) as tax'));
  return new Map(rows.map((row) => [row.invoice_id, { gross: big(row.gross), tax: big(row.tax) }]));
}
