import type { Instant } from '../../platform/calendar.ts';
import { money } from '../../platform/db/columns.ts';
import type { Db } from '../../platform/db/connect.ts';

/** Credit that an invoice used (amount below 0) or got back, in minor units. */
export interface InvoiceCredit {
  id: string;
  reason: string;
  amount: bigint;
  createdAt: Instant;
}

/** The entries that make up `creditsApplied`, oldest first (rules I6). */
export async function listInvoiceCredits(db: Db, invoiceId: string): Promise<InvoiceCredit[]> {
  const rows = await db('credit_entries')
    .where({ invoice_id: invoiceId })
    .whereIn('reason', ['invoice_application', 'invoice_void'])
    .orderBy('seq')
    .select('id', 'reason', 'amount', 'created_at');
  return rows.map((row) => ({ id: row.id, reason: row.reason, amount: money(row.amount), createdAt: row.created_at }));
}
