import { conflict } from '../../../platform/errors.ts';
import type { Billing } from '../../billing.ts';
import { compose } from '../../invoices/draft.ts';
import { invoicesOfPeriods } from '../../invoices/line-store.ts';
import { loadInvoices, lockInvoices } from '../../invoices/store.ts';
import { draftsOf } from '../lifecycle/bill-draft.ts';
import { makePending } from '../lifecycle/bills.ts';
import { closeBill } from '../lifecycle/close-bill.ts';
import { finish } from '../lifecycle/finish.ts';
import { newOutcome, type Outcome, replan } from '../lifecycle/outcome.ts';
import type { Ratings } from '../lifecycle/rating.ts';
import { isDue, performDue } from '../lifecycle/transitions.ts';
import { readOutcomes } from '../store/load.ts';
import { findUnresolvedParked } from '../store/parked.ts';
import type { Reversible } from '../store/unused-credit.ts';
import type { Subscription } from '../subscription.ts';
import { rateUsage } from '../usage/rating.ts';
import { MAX_ACTIONS } from './catch-up.ts';
import type { BilledBy } from './quote.ts';

export interface Imagined {
  outcome: Outcome;
  billedBy: BilledBy;
}

/**
 * The subscription as it will be when a change first does what is due (rules S13), in memory only: nothing is stored and
 * nothing is locked. Throws AppError `conflict` when what is due cannot be done.
 */
export async function imagineUpToDate(billing: Billing, sub: Subscription): Promise<Imagined> {
  const { work } = billing;
  const imagined = new Map<string, Reversible>();
  let [outcome] = (await readOutcomes(work, [sub])) as [Outcome];
  if (isDue(outcome, work.now) && (await findUnresolvedParked(work.db, sub.id)))
    throw conflict('The billing of the subscription is parked.');
  for (let done = 0; isDue(outcome, work.now); done++) {
    if (done === MAX_ACTIONS)
      throw conflict('Too much is due of the subscription. The next billing run goes on with it.');
    performDue(outcome, work);
    for (const row of outcome.withdrawn) makePending(row);
    replan(outcome, work);
    await issueInMemory(billing, outcome, await rateUsage(work.db, [outcome]), imagined);
    finish(outcome, work.now);
    outcome = newOutcome(outcome.sub, outcome.customer, outcome.versions, outcome.periods, outcome.discounts);
  }
  return {
    outcome,
    billedBy: async (row) => [...(await stored(billing, row.id)), ...[imagined.get(row.id) ?? []].flat()],
  };
}

async function issueInMemory(
  billing: Billing,
  outcome: Outcome,
  ratings: Ratings,
  imagined: Map<string, Reversible>,
): Promise<void> {
  for (const { bill, draft } of draftsOf(billing, outcome, ratings)) {
    if (!draft) {
      closeBill(bill, ratings);
      continue;
    }
    const output = await compose(billing, draft, false);
    const { total, taxAmount, tax } = output;
    closeBill(bill, ratings, { output, id: draft.id });
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
