import type { Billing } from '../../billing.ts';
import type { InvoiceDraft } from '../../invoices/draft.ts';
import { type IssuedInvoice, issueInvoices } from '../../invoices/issue.ts';
import { draftsOf } from '../lifecycle/bill-draft.ts';
import { closeBill } from '../lifecycle/close-bill.ts';
import type { Bill, Outcome } from '../lifecycle/outcome.ts';
import type { Ratings } from '../lifecycle/rating.ts';

/** Issues what the outcomes have to bill, in one batch, and makes facts of the rows (rules S5, S8). */
export async function issueBills(
  billing: Billing,
  outcomes: Outcome[],
  ratings: Ratings,
): Promise<Map<Outcome, IssuedInvoice[]>> {
  const jobs: { outcome: Outcome; bill: Bill; draft: InvoiceDraft }[] = [];
  for (const outcome of outcomes)
    for (const { bill, draft } of draftsOf(billing, outcome, ratings))
      if (draft) jobs.push({ outcome, bill, draft });
      else closeBill(bill, ratings);
  const issued = await issueInvoices(
    billing,
    jobs.map(({ draft }) => draft),
  );
  const byOutcome = new Map<Outcome, IssuedInvoice[]>();
  for (const [i, { outcome, bill }] of jobs.entries()) {
    const one = issued[i]!;
    closeBill(bill, ratings, { output: one.output, id: one.invoice.id });
    if (outcome.change?.bill === bill) outcome.change.invoice = one;
    byOutcome.set(outcome, [...(byOutcome.get(outcome) ?? []), one]);
  }
  return byOutcome;
}
