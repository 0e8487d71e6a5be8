import type { Billing } from '../../billing.ts';
import type { InvoiceDraft } from '../../invoices/draft.ts';
import { type IssuedInvoice, issueInvoices } from '../../invoices/issue.ts';
import { type InvoiceOutput, netOfPeriod } from '../../pricing/compose.ts';
import { draftOf, linesOf } from '../lifecycle/bill-draft.ts';
import type { Bill, SubscriptionUnit } from '../lifecycle/outcome.ts';
import type { BillingPeriod } from '../subscription.ts';
import type { Rating, Ratings } from '../usage/rating.ts';

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
      else closeBill(unit, bill, ratings);
  const issued = await issueInvoices(
    billing,
    jobs.map(({ draft }) => draft),
  );
  const byUnit = new Map<SubscriptionUnit, IssuedInvoice[]>();
  for (const [i, { unit, bill }] of jobs.entries()) {
    const one = issued[i]!;
    closeBill(unit, bill, ratings, { output: one.output, id: one.invoice.id });
    if (unit.change?.bill === bill) unit.change.invoice = one;
    byUnit.set(unit, [...(byUnit.get(unit) ?? []), one]);
  }
  return byUnit;
}

/** The invoices that the unit's bills come to; null where nothing is to be billed. */
export const draftsOf = (
  { work }: Billing,
  unit: SubscriptionUnit,
  ratings: Ratings,
): { bill: Bill; draft: InvoiceDraft | null }[] =>
  unit.bills.map((bill) => {
    const lines = linesOf(unit, bill, ratings);
    return { bill, draft: lines.length > 0 ? draftOf(work, unit, bill, lines) : null };
  });

/** Every row of a bill becomes a fact: invoiced where the invoice has lines for it, else skipped (rules S4, C4). */
export function closeBill(
  unit: SubscriptionUnit,
  bill: Bill,
  ratings: Ratings,
  invoice?: { output: Pick<InvoiceOutput, 'lines'>; id: string },
): void {
  const lines = invoice?.output.lines ?? [];
  for (const period of [...bill.periods, ...bill.late]) {
    const { net } = netOfPeriod({ lines }, period.id);
    const billed = lines.some(({ billingPeriodId }) => billingPeriodId === period.id);
    if (period.dirty) rateAgain(unit, period, ratings.get(period)!, net);
    else close(unit, period, net, ratings.get(period));
    if (billed && period.state !== 'invoiced')
      Object.assign(period, { state: 'invoiced', reason: null, invoiceId: invoice!.id });
  }
}

/** A pending row is skipped unless it was billed; an advance row remembers what is in force for its period (rules S5, S9). */
function close(unit: SubscriptionUnit, period: BillingPeriod, net: bigint, rating: Rating | undefined): void {
  Object.assign(period, { state: 'skipped', reason: 'nothing_to_bill' });
  if (rating) Object.assign(period, { billedQuantity: rating.quantity, billedAmount: rating.amount, billedNet: net });
  else Object.assign(period, { inForceFrom: period.periodStart, inForceNet: net });
  unit.updated.add(period);
}

/** A row billed before takes the values of the new rating; `net` was billed now (rules U7). */
function rateAgain(unit: SubscriptionUnit, period: BillingPeriod, { quantity, amount }: Rating, net: bigint): void {
  const billedNet = (period.billedNet ?? 0n) + net;
  Object.assign(period, { dirty: false, billedQuantity: quantity, billedAmount: amount, billedNet });
  unit.rated.push(period);
}
