import { insertRows } from '../../platform/db/bulk.ts';
import { big } from '../../platform/db/columns.ts';
import type { Db } from '../../platform/db/connect.ts';
import { asIs, describeTable, int, money } from '../../platform/db/table.ts';
import type { Work } from '../../platform/work.ts';
import type { CreditEntry } from './credit-entry.ts';
import { checkBalanced, type FactType, type JournalEntry, type JournalLine } from './entries.ts';

/** Posts balanced entries, one per money fact (rules G1); the unique index refuses a second one. */
export async function post(work: Work, entries: JournalEntry[]): Promise<void> {
  if (entries.length === 0) return;
  const heads: Record<string, unknown>[] = [];
  const lines: Record<string, unknown>[] = [];
  for (const entry of entries) {
    checkBalanced(entry);
    const id = work.newId();
    heads.push({
      id,
      fact_type: entry.factType,
      fact_id: entry.factId,
      posted_at: work.now,
      currency: entry.currency,
      customer_id: entry.customerId,
      invoice_id: entry.invoiceId,
      created_at: work.now,
    });
    for (const [i, item] of entry.lines.entries())
      lines.push({
        entry_id: id,
        line_no: i + 1,
        account: item.account,
        amount: Number(item.amount),
        product_id: item.productId,
      });
  }
  await insertRows(work.db, 'journal_entries', heads);
  await insertRows(work.db, 'journal_lines', lines);
}

/** The lines of posted entries, by fact id; for an exact negation. */
export async function entryLines(db: Db, factType: FactType, factIds: string[]): Promise<Map<string, JournalLine[]>> {
  const rows = await db('journal_lines as l')
    .join('journal_entries as e', 'e.id', 'l.entry_id')
    .where('e.fact_type', factType)
    .whereIn('e.fact_id', factIds)
    .orderBy(['e.id', 'l.line_no'])
    .select('e.fact_id', 'l.account', 'l.amount', 'l.product_id');
  const lines = new Map<string, JournalLine[]>();
  for (const row of rows) {
    const list = lines.get(row.fact_id) ?? [];
    list.push({ account: row.account, amount: big(row.amount), productId: row.product_id });
    lines.set(row.fact_id, list);
  }
  return lines;
}

/** Σ of all lines per currency and account, as exact integers (rules G7, G8). */
export async function accountBalances(db: Db): Promise<{ currency: string; account: string; total: bigint }[]> {
  const rows = await db('journal_lines as l')
    .join('journal_entries as e', 'e.id', 'l.entry_id')
    .groupBy('e.currency', 'l.account')
    .orderBy(['e.currency', 'l.account'])
    .select('e.currency', 'l.account', db.raw('cast(sum(l.amount) as text) as total'));
  return rows.map((row: { currency: string; account: string; total: string }) => ({
    currency: row.currency,
    account: row.account,
    total: BigInt(row.total),
  }));
}

export const CREDIT_ENTRIES = describeTable<CreditEntry>({
  id: asIs,
  customerId: asIs,
  currency: asIs,
  seq: int,
  amount: money,
  balanceAfter: money,
  reason: asIs,
  description: asIs,
  invoiceId: asIs,
  paymentId: asIs,
  creditNoteId: asIs,
  refundId: asIs,
  createdAt: asIs,
});

export const insertCreditEntries = (db: Db, entries: CreditEntry[]): Promise<number> =>
  insertRows(db, 'credit_entries', entries.map(CREDIT_ENTRIES.toRow));
