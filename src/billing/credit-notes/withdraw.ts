import { type Billing, flushBilling } from '../billing.ts';
import { isOpen } from '../invoices/invoice.ts';
import { reversalStateOf } from '../invoices/reversal-state.ts';
import { voidInvoices } from '../invoices/settle.ts';
import * as store from '../invoices/store.ts';
import { reverseGross, reversibleGross } from '../pricing/reversal.ts';
import { issueCreditNotes } from './issue.ts';

/**
 * Takes back the invoices of future periods (rules Q9): voided when nothing was paid or credited on them,
 * otherwise a credit note over everything not yet credited. Locks them in id order.
 */
export async function withdrawInvoices(billing: Billing, invoiceIds: string[]): Promise<void> {
  await flushBilling(billing); // an invoice of this very transaction is reversed like any other
  const invoices = await store.lockInvoices(billing.work.db, [...new Set(invoiceIds)]);
  const untouched = invoices.filter((i) => isOpen(i.status) && i.amountPaid === 0n && i.reversedAmount === 0n);
  await voidInvoices(billing, untouched);
  const touched = invoices.filter((i) => !untouched.includes(i) && i.status !== 'void');
  await issueCreditNotes(
    billing,
    touched.flatMap((invoice) => {
      const state = reversalStateOf(invoice);
      const rest = reversibleGross(state);
      if (rest <= 0n) return [];
      const reversal = reverseGross(state, rest);
      return [{ invoice, reversal, cause: 'withdrawn' as const, reason: 'The period will not be billed as invoiced.' }];
    }),
  );
}
