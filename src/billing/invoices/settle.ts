import { formatMoney } from '../../platform/money.ts';
import type { Work } from '../../platform/work.ts';
import type { Billing } from '../billing.ts';
import type { CreditMove } from '../ledger/credit-book.ts';
import { negated } from '../ledger/entries.ts';
import { entryLines } from '../ledger/store.ts';
import { type Invoice, isOpen } from './invoice.ts';
import { invoiceEvent, paidData } from './issue.ts';
import * as store from './store.ts';

/** Takes a settlement off the amount due and pays the invoice when nothing is left (rules I3); the row is not written here. */
export function settle(work: Work, invoice: Invoice, part: { paid?: bigint; creditNote?: bigint }): void {
  const paid = part.paid ?? 0n;
  const credited = part.creditNote ?? 0n;
  invoice.amountPaid += paid;
  invoice.creditNotesAmount += credited;
  invoice.amountDue -= paid + credited;
  invoice.version += 1;
  invoice.updatedAt = work.now;
  if (invoice.amountDue > 0n || !isOpen(invoice.status)) return;
  invoice.status = 'paid';
  invoice.paidAt = work.now;
  work.emit(invoiceEvent('invoice.paid', invoice, paidData(invoice)));
}

/** Makes due again what a credit note took off an open invoice; the row is not written here. */
export function unsettle(work: Work, invoice: Invoice, creditNote: bigint): void {
  invoice.creditNotesAmount -= creditNote;
  invoice.amountDue += creditNote;
  invoice.version += 1;
  invoice.updatedAt = work.now;
}

/**
 * Voids invoices that nothing was paid or credited on: the issue entry is negated, used credit returns (rules I, G3).
 * The rows are written; the caller decides what becomes of the periods they billed.
 */
export async function voidInvoices(billing: Billing, invoices: Invoice[]): Promise<void> {
  if (invoices.length === 0) return;
  const { work, journal } = billing;
  const issued = invoices.filter(({ status }) => isOpen(status));
  const posted = await entryLines(
    work.db,
    'invoice.issued',
    issued.map(({ id }) => id),
  );
  await billing.credits.open(issued.filter((i) => i.creditsApplied > 0n).map(({ customerId }) => customerId));
  for (const invoice of issued) {
    journal.push({
      factType: 'invoice.voided',
      factId: invoice.id,
      currency: invoice.currency,
      customerId: invoice.customerId,
      invoiceId: invoice.id,
      lines: negated(posted.get(invoice.id) ?? []),
    });
    if (invoice.creditsApplied > 0n) await billing.credits.move(creditReturn(invoice));
  }
  for (const invoice of invoices) {
    invoice.status = 'void';
    invoice.voidedAt = work.now;
    invoice.creditsApplied = 0n;
    invoice.amountDue = 0n;
    invoice.version += 1;
    invoice.updatedAt = work.now;
    work.emit(
      invoiceEvent('invoice.voided', invoice, {
        invoiceNumber: invoice.invoiceNumber,
        amount: formatMoney(invoice.total, invoice.currency),
        currency: invoice.currency,
        voidedAt: invoice.voidedAt,
      }),
    );
  }
  await store.updateInvoices(work.db, invoices);
}

/** The credit a voided invoice gives back (rules I, row void). */
const creditReturn = (invoice: Invoice): CreditMove => ({
  customerId: invoice.customerId,
  currency: invoice.currency,
  amount: invoice.creditsApplied,
  reason: 'invoice_void',
  description: `Credit returned by the void of ${invoice.invoiceNumber ?? 'a draft'}`,
  invoiceId: invoice.id,
});
