import { insertRows } from '../../platform/db/bulk.ts';
import type { Db } from '../../platform/db/connect.ts';
import { inList } from '../../platform/db/in-list.ts';
import { asIs, decimal, describeTable, int, money } from '../../platform/db/table.ts';
import type { InvoiceLine } from './invoice.ts';

const LINES = describeTable<InvoiceLine>({
  id: asIs,
  invoiceId: asIs,
  position: int,
  kind: asIs,
  description: asIs,
  quantity: decimal,
  unitPrice: decimal,
  amount: money,
  productId: asIs,
  planVersionId: asIs,
  billingPeriodId: asIs,
  discountId: asIs,
  periodStart: asIs,
  periodEnd: asIs,
});

export const insertLines = (db: Db, lines: InvoiceLine[]): Promise<unknown> =>
  insertRows(db, 'invoice_lines', lines.map(LINES.toRow));

export const deleteLines = (db: Db, invoiceId: string): Promise<number> =>
  db('invoice_lines').where({ invoice_id: invoiceId }).delete();

/** About the bytes of a line as JSON, without its description. */
const LINE_BYTES = 400;

/** These invoices with about the bytes of their lines as JSON, without loading them. */
export async function weighLines<T extends { id: string }>(
  db: Db,
  invoices: T[],
): Promise<{ invoice: T; bytes: number }[]> {
  const ids = invoices.map(({ id }) => id);
  const rows = await db('invoice_lines')
    .whereIn('invoice_id', inList(ids))
    .groupBy('invoice_id')
    .select('invoice_id')
    .count('* as lines')
    .sum({ text: db.raw('length(description)') });
  const bytes = new Map(rows.map((row) => [row.invoice_id, Number(row.lines) * LINE_BYTES + Number(row.text)]));
  return invoices.map((invoice) => ({ invoice, bytes: bytes.get(invoice.id) ?? 0 }));
}

/** The lines of these invoices, in order. */
export async function loadLines(db: Db, invoiceIds: string[]): Promise<Map<string, InvoiceLine[]>> {
  const lines = new Map<string, InvoiceLine[]>(invoiceIds.map((id) => [id, []]));
  if (invoiceIds.length === 0) return lines;
  const rows = await db('invoice_lines').whereIn('invoice_id', inList(invoiceIds)).orderBy(['invoice_id', 'position']);
  for (const row of rows) lines.get(row.invoice_id)!.push(LINES.fromRow(row));
  return lines;
}

/** Ids of the live invoices that billed these rows, late usage or a change within them, by row; one statement (rules Q6, U7). */
export async function invoicesOfPeriods(db: Db, periodIds: string[]): Promise<Map<string, string[]>> {
  const rows: { period: string; invoice: string }[] = await db('invoice_lines as l')
    .join('invoices as i', 'i.id', 'l.invoice_id')
    .whereIn('l.billing_period_id', inList(periodIds))
    .whereIn('i.status', ['issued', 'overdue', 'paid'])
    .whereNot('i.origin', 'manual')
    .distinct('l.billing_period_id as period', 'i.id as invoice');
  const ids = new Map<string, string[]>();
  for (const { period, invoice } of rows) ids.set(period, [...(ids.get(period) ?? []), invoice]);
  return ids;
}
