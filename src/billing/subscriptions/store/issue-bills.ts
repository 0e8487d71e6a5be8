import type { Billing } from '../../billing.ts';
import type { InvoiceDraft } from '../../invoices/draft.ts';
import { type IssuedInvoice, issueInvoices } from '../../invoices/issue.ts';
import { draftsOf } from '../lifecycle/bill-draft.ts';
import { closeBill } from '../lifecycle/close-bill.ts';
import type { Bill, SubscriptionUnit } from '../lifecycle/outcome.ts';
import type { Ratings } from '../usage/rating.ts';

/** Issues what the units have to bill, in one batch, and makes facts of the rows (rules S5, S8). */
export async function issueBills(
  billing: Billing,
  units: SubscriptionUnit[],
  ratings: Ratings,
): Promise<Map<SubscriptionUnit, IssuedInvoice[]>> {
  const jobs: { unit: SubscriptionUnit; bill: Bill; draft: InvoiceDraft }[] = [];
  for (const unit of units)
    for (const { bill, draft } of draftsOf(billing, unit, ratings))
      if (draft) jobs.push({ unit, bill, draft });
      else closeBill(bill, ratings);
  const issued = await issueInvoices(
    billing,
    jobs.map(({ draft }) => draft),
  );
  const byUnit = new Map<SubscriptionUnit, IssuedInvoice[]>();
  for (const [i, { unit, bill }] of jobs.entries()) {
    const one = issued[i]!;
    closeBill(bill, ratings, { output: one.output, id: one.invoice.id });
    if (unit.change?.bill === bill) unit.change.invoice = one;
    byUnit.set(unit, [...(byUnit.get(unit) ?? []), one]);
  }
  return byUnit;
}
