import { type InvoiceOutput, netOfPeriod } from '../../pricing/compose.ts';
import type { BillingPeriod } from '../subscription.ts';
import type { Bill } from './outcome.ts';
import type { Rating, Ratings } from './rating.ts';

/** Every row of a bill becomes a fact: invoiced where the invoice has lines for it, else skipped (rules S4, C4). */
export function closeBill(
  bill: Bill,
  ratings: Ratings,
  invoice?: { output: Pick<InvoiceOutput, 'lines'>; id: string },
): void {
  const lines = invoice?.output.lines ?? [];
  for (const period of [...bill.periods, ...bill.rerated]) {
    const { net } = netOfPeriod({ lines }, period.id);
    const billed = lines.some(({ billingPeriodId }) => billingPeriodId === period.id);
    if (period.dirty) rateAgain(period, ratings.get(period)!, net);
    else close(period, net, ratings.get(period));
    if (billed && period.state !== 'invoiced')
      Object.assign(period, { state: 'invoiced', reason: null, invoiceId: invoice!.id });
  }
}

/** A pending row is skipped unless it was billed; an advance row remembers what is in force for its period (rules S5, S9). */
function close(period: BillingPeriod, net: bigint, rating: Rating | undefined): void {
  Object.assign(period, { state: 'skipped', reason: 'nothing_to_bill' });
  if (rating) Object.assign(period, { billedQuantity: rating.quantity, billedAmount: rating.amount, billedNet: net });
  else Object.assign(period, { inForceFrom: period.periodStart, inForceNet: net });
}

/** A row billed before takes the values of the new rating; `net` was billed now (rules U7). */
function rateAgain(period: BillingPeriod, { quantity, amount }: Rating, net: bigint): void {
  const billedNet = (period.billedNet ?? 0n) + net;
  Object.assign(period, { dirty: false, billedQuantity: quantity, billedAmount: amount, billedNet });
}
