import { conflict } from '../../../platform/errors.ts';
import type { Billing } from '../../billing.ts';
import { compose } from '../../invoices/draft.ts';
import { invoicesOfPeriods } from '../../invoices/line-store.ts';
import { loadInvoices, lockInvoices } from '../../invoices/store.ts';
import { findUnresolvedParked } from '../../run/parked-store.ts';
import { makePending } from '../lifecycle/bills.ts';
import { loadUnits, newUnit, replan, type SubscriptionUnit } from '../lifecycle/outcome.ts';
import { isDue, performDue } from '../lifecycle/transitions.ts';
import { closeBill, draftsOf } from '../store/issue-bills.ts';
import type { Reversible } from '../store/unused-credit.ts';
import { finish } from '../store/write.ts';
import type { Subscription } from '../subscription.ts';
import { type Ratings, rateUsage } from '../usage/rating.ts';
import { MAX_ACTIONS } from './catch-up.ts';
import type { BilledBy } from './quote.ts';

export interface Imagined {
  unit: SubscriptionUnit;
  billedBy: BilledBy;
}

/**
 * The subscription as it will be when a change first does what is due (rules S13), in memory only: nothing is stored and
 * nothing is locked. Throws AppError `conflict` when what is due cannot be done.
 */
export async function imagineUpToDate(billing: Billing, sub: Subscription): Promise<Imagined> {
  const { work } = billing;
  const imagined = new Map<string, Reversible>();
  let [unit] = (await loadUnits(work, [sub])) as [SubscriptionUnit];
  if (isDue(unit, work.now) && (await findUnresolvedParked(work.db, sub.id)))
    throw conflict('The billing of the subscription is parked.');
  for (let done = 0; isDue(unit, work.now); done++) {
    if (done === MAX_ACTIONS)
      throw conflict('Too much is due of the subscription. The next billing run goes on with it.');
    performDue(unit, work);
    for (const row of unit.withdrawn) makePending(row);
    replan(unit, work);
    await issueInMemory(billing, unit, await rateUsage(work.db, [unit]), imagined);
    finish(unit, work.now);
    unit = newUnit(unit.sub, unit.customer, unit.versions, unit.periods, unit.discounts);
  }
  return {
    unit,
    billedBy: async (row) => [...(await stored(billing, row.id)), ...[imagined.get(row.id) ?? []].flat()],
  };
}

async function issueInMemory(
  billing: Billing,
  unit: SubscriptionUnit,
  ratings: Ratings,
  imagined: Map<string, Reversible>,
): Promise<void> {
  for (const { bill, draft } of draftsOf(billing, unit, ratings)) {
    if (!draft) {
      closeBill(unit, bill, ratings);
      continue;
    }
    const output = await compose(billing, draft, false);
    const { total, taxAmount, tax } = output;
    closeBill(unit, bill, ratings, { output, id: draft.id });
    const none = { reversedAmount: 0n, reversedTax: 0n };
    const taxInclusive = tax?.inclusive ?? false;
    for (const { id } of bill.periods)
      imagined.set(id, { id: draft.id, issuedAt: billing.work.now, total, taxAmount, taxInclusive, ...none });
  }
}

/** The invoices that billed a period as they are stored; held, they stay so until the commit. */
export async function stored({ work }: Billing, periodId: string, held = false): Promise<Reversible[]> {
  const ids = (await invoicesOfPeriods(work.db, [periodId])).get(periodId) ?? [];
  return held ? lockInvoices(work.db, ids) : loadInvoices(work.db, ids);
}
