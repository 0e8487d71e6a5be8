import type { Billing } from '../../billing.ts';
import { issueCreditNotes } from '../../credit-notes/issue.ts';
import type { Invoice } from '../../invoices/invoice.ts';
import { invoicesOfPeriods } from '../../invoices/line-store.ts';
import { reversalStateOf } from '../../invoices/reversal-state.ts';
import { lockInvoices } from '../../invoices/store.ts';
import { type Reversal, reverseAcross } from '../../pricing/reversal.ts';
import type { Outcome, TermsChange } from '../lifecycle/outcome.ts';

/** What can be reversed: an invoice that is stored, or one that a preview only imagines. */
export type Reversible = Pick<
  Invoice,
  'id' | 'issuedAt' | 'total' | 'taxAmount' | 'taxInclusive' | 'reversedAmount' | 'reversedTax'
>;

/** What a change gives back of each invoice that billed its period, newest first (rules Q6). */
export function reversalsOf<I extends Reversible>(invoices: readonly I[], base: bigint): (Reversal & { invoice: I })[] {
  const newestFirst = invoices.toSorted((a, b) => (key(a) > key(b) ? -1 : 1));
  const states = newestFirst.map((invoice) => ({ ...reversalStateOf(invoice), invoice }));
  return reverseAcross(states, base).parts.map(({ of, gross, tax }) => ({ invoice: of.invoice, gross, tax }));
}
const key = ({ issuedAt, id }: Reversible): string => `${issuedAt} ${id}`;

/** Issues the credit notes of the changes in these outcomes; the credit is there before anything is charged (rules Q3, Q6). */
export async function creditUnused(billing: Billing, outcomes: Outcome[]): Promise<void> {
  const changes = outcomes.flatMap(({ change }) => (change !== null && change.reverse > 0n ? [change] : []));
  if (changes.length === 0) return;
  const { db } = billing.work;
  const billed = await invoicesOfPeriods(db, changes.map(rowId));
  const invoices = await lockInvoices(db, [...billed.values()].flat());
  const byId = new Map(invoices.map((invoice) => [invoice.id, invoice]));
  const drafts = changes.flatMap((change) =>
    reversalsOf(
      (billed.get(rowId(change)) ?? []).map((id) => byId.get(id)!),
      change.reverse,
    ).map((reversal) => ({ change, reversal, invoice: reversal.invoice })),
  );
  const notes = await issueCreditNotes(
    billing,
    drafts.map(({ invoice, reversal: { gross, tax } }) => ({
      invoice,
      reversal: { gross, tax },
      cause: 'proration' as const,
      reason: 'Unused time after a change of the subscription.',
    })),
  );
  for (const [i, note] of notes.entries()) drafts[i]!.change.creditNotes.push(note);
}

const rowId = ({ row }: TermsChange): string => row!.id;
