import { insertRows, updateRows } from '../../platform/db/bulk.ts';
import { optionalJson } from '../../platform/db/columns.ts';
import type { Db } from '../../platform/db/connect.ts';
import { inList } from '../../platform/db/in-list.ts';
import { asIs, bool, describeTable, int, json, money, optionalDecimal } from '../../platform/db/table.ts';
import type { PageRequest } from '../../platform/http/pagination.ts';
import type { Scope } from '../../platform/http/principal.ts';
import type { Trace } from '../pricing/trace.ts';
import type { Invoice } from './invoice.ts';

const INVOICES = describeTable<Invoice>({
  id: asIs,
  invoiceNumber: asIs,
  customerId: asIs,
  customerName: asIs,
  billTo: json,
  seller: json,
  subscriptionId: asIs,
  origin: asIs,
  status: asIs,
  currency: asIs,
  subtotal: money,
  discountAmount: money,
  taxAmount: money,
  total: money,
  creditsApplied: money,
  creditNotesAmount: money,
  amountPaid: money,
  amountRefunded: money,
  amountDue: money,
  reversedAmount: money,
  reversedTax: money,
  taxName: asIs,
  taxRate: optionalDecimal,
  taxInclusive: bool,
  taxRuleId: asIs,
  issuedAt: asIs,
  dueDate: asIs,
  paidAt: asIs,
  voidedAt: asIs,
  collectAt: asIs,
  notes: asIs,
  version: int,
  createdAt: asIs,
  updatedAt: asIs,
});

export const toInvoice = INVOICES.fromRow;

export interface TracedInvoice {
  invoice: Invoice;
  /** JSON text of how every amount came about (rules C5); null for a draft. */
  trace: string | null;
}

export const insertInvoices = (db: Db, invoices: TracedInvoice[]): Promise<unknown> =>
  insertRows(
    db,
    'invoices',
    invoices.map(({ invoice, trace }) => ({
      ...INVOICES.toRow(invoice),
      charge_failures: 0,
      written_off: false,
      trace,
    })),
  );

const changeable = INVOICES.only(
  'id',
  'status',
  'creditsApplied',
  'creditNotesAmount',
  'amountPaid',
  'amountRefunded',
  'amountDue',
  'reversedAmount',
  'reversedTax',
  'paidAt',
  'voidedAt',
  'notes',
  'version',
  'updatedAt',
);

/** Writes what may change after the issue. */
export const updateInvoices = (db: Db, invoices: Invoice[]): Promise<number> =>
  updateRows(db, 'invoices', 'id', invoices.map(changeable));

const rewritable = INVOICES.except('id', 'createdAt');

/** Rewrites a draft as a whole, also when it is issued now. */
export async function updateDraft(db: Db, { invoice, trace }: TracedInvoice): Promise<void> {
  await db('invoices')
    .where({ id: invoice.id, status: 'draft' })
    .update({ ...rewritable(invoice), trace });
}

/** The evidence stored at issue; null for a draft, and when it is not readable. */
export async function findTrace(db: Db, id: string): Promise<Trace | null> {
  const [row] = await db('invoices').where({ id }).select('trace');
  const trace = optionalJson<Trace>(row?.trace);
  return Array.isArray(trace?.steps) ? trace : null;
}

/** The evidence of these invoices, by id. Throws when one has none. */
export async function loadTraces(db: Db, ids: readonly string[]): Promise<Map<string, Trace>> {
  const rows: { id: string; trace: unknown }[] = await db('invoices').whereIn('id', inList(ids)).select('id', 'trace');
  return new Map(
    rows.map(({ id, trace }) => {
      const read = optionalJson<Trace>(trace);
      if (!Array.isArray(read?.steps)) throw new Error(`Invoice ${id} has no evidence of what it billed.`);
      return [id, read];
    }),
  );
}

export const deleteDraft = (db: Db, id: string): Promise<number> =>
  db('invoices').where({ id, status: 'draft' }).delete();

export interface InvoiceFilter {
  status?: string | undefined;
  customerId?: string | undefined;
  subscriptionId?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
  overdue?: boolean | undefined;
}

/** A draft shows the customer's present name; an issued invoice the name frozen at issue. */
const visible = (db: Db, scope: Scope) => {
  const query = db('invoices as i')
    .join('customers as c', 'c.id', 'i.customer_id')
    .select('i.*', db.raw(`case when i.status = 'draft' then c.name else i.customer_name end as customer_name`));
  return scope === null ? query : query.where('i.customer_id', scope).whereNot('i.status', 'draft');
};

/** Newest first, up to `limit + 1` rows; a scoped caller never sees drafts (contract 2.10). */
export async function listInvoices(
  db: Db,
  scope: Scope,
  filter: InvoiceFilter,
  now: string,
  page: PageRequest,
): Promise<Invoice[]> {
  const query = visible(db, scope)
    .orderBy('i.id', 'desc')
    .limit(page.limit + 1);
  if (filter.status) query.where('i.status', filter.status);
  if (filter.customerId) query.where('i.customer_id', filter.customerId);
  if (filter.subscriptionId) query.where('i.subscription_id', filter.subscriptionId);
  if (filter.from) query.where('i.created_at', '>=', filter.from);
  if (filter.to) query.where('i.created_at', '<', filter.to);
  const due = `(i.status = 'overdue' or (i.status = 'issued' and i.due_date <= ?))`;
  if (filter.overdue !== undefined) query.whereRaw(filter.overdue ? due : `not ${due}`, [now]);
  if (page.after) query.where('i.id', '<', page.after);
  return (await query).map(toInvoice);
}

export async function findInvoice(db: Db, scope: Scope, id: string): Promise<Invoice | undefined> {
  const [row] = await visible(db, scope).where('i.id', id);
  return row && toInvoice(row);
}

export async function loadInvoices(db: Db, ids: string[]): Promise<Invoice[]> {
  return (await db('invoices').whereIn('id', inList(ids)).orderBy('id')).map(toInvoice);
}

/** Locks the rows in id order (rules X3). */
export async function lockInvoices(db: Db, ids: string[]): Promise<Invoice[]> {
  const rows = await db('invoices').whereIn('id', inList(ids)).orderBy('id').forNoKeyUpdate();
  return rows.map(toInvoice);
}
