import { insertRows, updateRows } from '../../platform/db/bulk.ts';
import { bool, int, json, money, optionalDecimal, optionalJson, toDecimal } from '../../platform/db/columns.ts';
import type { Db } from '../../platform/db/connect.ts';
import { inList } from '../../platform/db/in-list.ts';
import type { PageRequest } from '../../platform/http/pagination.ts';
import type { Scope } from '../../platform/http/principal.ts';
import type { Trace } from '../pricing/trace.ts';
import type { Invoice } from './invoice.ts';

// biome-ignore lint/suspicious/noExplicitAny: a row as either driver answers it; the mappers below give it its type
type Row = any;

export function toInvoice(row: Row): Invoice {
  return {
    id: row.id,
    invoiceNumber: row.invoice_number,
    customerId: row.customer_id,
    customerName: row.customer_name,
    billTo: json(row.bill_to),
    seller: json(row.seller),
    subscriptionId: row.subscription_id,
    origin: row.origin,
    status: row.status,
    currency: row.currency,
    subtotal: money(row.subtotal),
    discountAmount: money(row.discount_amount),
    taxAmount: money(row.tax_amount),
    total: money(row.total),
    creditsApplied: money(row.credits_applied),
    creditNotesAmount: money(row.credit_notes_amount),
    amountPaid: money(row.amount_paid),
    amountRefunded: money(row.amount_refunded),
    amountDue: money(row.amount_due),
    reversedAmount: money(row.reversed_amount),
    reversedTax: money(row.reversed_tax),
    taxName: row.tax_name,
    taxRate: optionalDecimal(row.tax_rate),
    taxInclusive: bool(row.tax_inclusive),
    taxRuleId: row.tax_rule_id,
    issuedAt: row.issued_at,
    dueDate: row.due_date,
    paidAt: row.paid_at,
    voidedAt: row.voided_at,
    collectAt: row.collect_at,
    notes: row.notes,
    version: int(row.version),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

function toRow(invoice: Invoice): Record<string, unknown> {
  return {
    id: invoice.id,
    invoice_number: invoice.invoiceNumber,
    customer_id: invoice.customerId,
    customer_name: invoice.customerName,
    bill_to: JSON.stringify(invoice.billTo),
    seller: JSON.stringify(invoice.seller),
    subscription_id: invoice.subscriptionId,
    origin: invoice.origin,
    status: invoice.status,
    currency: invoice.currency,
    subtotal: Number(invoice.subtotal),
    discount_amount: Number(invoice.discountAmount),
    tax_amount: Number(invoice.taxAmount),
    total: Number(invoice.total),
    credits_applied: Number(invoice.creditsApplied),
    credit_notes_amount: Number(invoice.creditNotesAmount),
    amount_paid: Number(invoice.amountPaid),
    amount_refunded: Number(invoice.amountRefunded),
    amount_due: Number(invoice.amountDue),
    reversed_amount: Number(invoice.reversedAmount),
    reversed_tax: Number(invoice.reversedTax),
    tax_name: invoice.taxName,
    tax_rate: toDecimal(invoice.taxRate),
    tax_inclusive: invoice.taxInclusive,
    tax_rule_id: invoice.taxRuleId,
    issued_at: invoice.issuedAt,
    due_date: invoice.dueDate,
    paid_at: invoice.paidAt,
    voided_at: invoice.voidedAt,
    collect_at: invoice.collectAt,
    notes: invoice.notes,
    version: invoice.version,
    created_at: invoice.createdAt,
    updated_at: invoice.updatedAt,
  };
}

export interface TracedInvoice {
  invoice: Invoice;
  /** JSON text of how every amount came about (rules C5); null for a draft. */
  trace: string | null;
}

export const insertInvoices = (db: Db, invoices: TracedInvoice[]): Promise<unknown> =>
  insertRows(
    db,
    'invoices',
    invoices.map(({ invoice, trace }) => ({ ...toRow(invoice), charge_failures: 0, written_off: false, trace })),
  );

/** Writes what may change after the issue. */
export const updateInvoices = (db: Db, invoices: Invoice[]): Promise<number> =>
  updateRows(
    db,
    'invoices',
    'id',
    invoices.map((invoice) => ({
      id: invoice.id,
      status: invoice.status,
      credits_applied: Number(invoice.creditsApplied),
      credit_notes_amount: Number(invoice.creditNotesAmount),
      amount_paid: Number(invoice.amountPaid),
      amount_refunded: Number(invoice.amountRefunded),
      amount_due: Number(invoice.amountDue),
      reversed_amount: Number(invoice.reversedAmount),
      reversed_tax: Number(invoice.reversedTax),
      paid_at: invoice.paidAt,
      voided_at: invoice.voidedAt,
      notes: invoice.notes,
      version: invoice.version,
      updated_at: invoice.updatedAt,
    })),
  );

/** Rewrites a draft as a whole, also when it is issued now. */
export async function updateDraft(db: Db, { invoice, trace }: TracedInvoice): Promise<void> {
  const { id, created_at: _, ...rest } = toRow(invoice);
  await db('invoices')
    .where({ id, status: 'draft' })
    .update({ ...rest, trace });
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
