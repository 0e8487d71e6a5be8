import { AppError, conflict, notFound } from '../../../platform/errors.ts';
import type { Handlers } from '../../../platform/http/operations.ts';
import { formatMoney } from '../../../platform/money.ts';
import { openBilling } from '../../billing.ts';
import { loadLines } from '../../invoices/line-store.ts';
import { presentInvoice } from '../../invoices/present.ts';
import type { PlanVersion } from '../../plans/plan.ts';
import { findSellablePlan, readSellablePlan } from '../../plans/store.ts';
import { creditedBy } from '../lifecycle/finish.ts';
import { type Outcome, versionOf } from '../lifecycle/outcome.ts';
import { presentOne } from '../present.ts';
import { findSubscription } from '../store/subscriptions.ts';
import { hadTrial, takeTrial } from '../store/trials.ts';
import { changeSubscription } from './change.ts';
import { imagineUpToDate, stored } from './imagine.ts';
import { type BilledBy, checkQuote, checkQuotedVersion, figuresOf, readQuote, writeQuote } from './quote.ts';
import { changeTerms, requireChangeable } from './terms.ts';

type Tag = Handlers<'subscriptions'>;

/** With a token: exactly what the preview said, or AppError `quote_stale` (rules Q8). */
export const changeSubscriptionPlan: Tag['changeSubscriptionPlan'] = async ({ path, body }, context) => {
  const { db, scope, now, runtime, v1 } = context;
  const { quoteToken, ...asked } = body;
  if (scope !== null && asked.prorate === false)
    throw new AppError('forbidden', 'An API key of a customer cannot change a plan without proration.');
  const { outcome } = await changeSubscription(context, path.id, async (billing, outcome) => {
    requireChangeable(outcome);
    const quote = quoteToken === undefined ? undefined : readQuote(runtime.vault, quoteToken, path.id, now);
    if (quote) checkQuotedVersion(quote, outcome);
    const version = await findSellablePlan(db, asked.newPlanId);
    const trial = trialMoved(outcome, version, asked);
    if (trial && !(await takeTrial(db, scope, trial, now))) throw trialUsed();
    const decision = await changeTerms(outcome, context, version, asked, quote?.t);
    const billedBy: BilledBy = ({ id }) => stored(billing, id, true);
    if (quote) checkQuote(quote, decision, await figuresOf(billing, outcome, decision, billedBy));
  });
  const { change, sub } = outcome;
  const invoice = change?.invoice?.invoice;
  const lines = invoice && (await loadLines(db, [invoice.id])).get(invoice.id)!;
  return {
    subscription: await presentOne(context, path.id),
    invoice: invoice ? presentInvoice(invoice, lines!, v1) : null,
    creditIssued: change && change.creditNotes.length > 0 ? formatMoney(creditedBy(change), sub.currency) : null,
  };
};

/** Reads on a handle that cannot write: nothing is stored, nothing is locked (rules Q8). */
export const previewSubscriptionPlanChange: Tag['previewSubscriptionPlanChange'] = async ({ path, body }, context) => {
  const { db, scope, now, runtime } = context;
  const sub = await findSubscription(db, scope, path.id);
  if (!sub) throw notFound('subscription');
  const billing = await openBilling(context);
  const { outcome, billedBy } = await imagineUpToDate(billing, sub);
  requireChangeable(outcome);
  const version = await readSellablePlan(db, body.newPlanId);
  const trial = trialMoved(outcome, version, body);
  if (trial && (await hadTrial(db, scope, trial))) throw trialUsed();
  const decision = await changeTerms(outcome, context, version, body);
  const figures = await figuresOf(billing, outcome, decision, billedBy);
  return { ...figures, ...writeQuote(runtime.vault, outcome, decision, figures, now) };
};

/** A trial that goes on with another product is a trial of that one, too (rules S15). */
function trialMoved(outcome: Outcome, { productId }: PlanVersion, { effective }: { effective?: string }) {
  const { status, customerId } = outcome.sub;
  if (status !== 'trialing' || effective === 'period_end' || versionOf(outcome).productId === productId)
    return undefined;
  return { customerId, productId };
}

const trialUsed = () => conflict('The customer had a trial of this product already.');
