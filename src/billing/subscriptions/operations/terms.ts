import type { PlanChange } from '../../../../generated/types.gen.ts';
import type { Instant } from '../../../platform/calendar.ts';
import { conflict, invalid, refuse } from '../../../platform/errors.ts';
import { sameCurrency } from '../../../platform/money.ts';
import type { Work } from '../../../platform/work.ts';
import type { PlanVersion } from '../../plans/plan.ts';
import { soldRatio } from '../../pricing/prices.ts';
import { isUsageBased, type Outcome, versionOf } from '../lifecycle/outcome.ts';
import {
  changeNow,
  currentAdvance,
  effectiveInstant,
  sameTerms,
  schedule,
  type Target,
  takeQuantity,
  termsOf,
} from '../lifecycle/terms-change.ts';
import { loadGivenBack } from '../store/given-back.ts';
import type { Subscription } from '../subscription.ts';
import { priceOf, refuseUnsellable } from './create.ts';

/** What was asked for, resolved: everything that decides about the result but the instant. */
export interface Decision {
  target: Target;
  prorate: boolean;
  effective: 'now' | 'period_end';
  /** When it counts from (rules Q2). */
  at: Instant;
}

type Asked = Omit<PlanChange, 'quoteToken'>;

/** Throws AppError `subscription_not_active` unless the plan and the quantity can be changed (rules S1). */
export function requireChangeable({ sub }: Outcome): void {
  if (sub.status !== 'trialing' && sub.status !== 'active')
    throw refuse('subscription_not_active', `A ${sub.status} subscription takes no change of its plan or quantity.`);
}

/**
 * Changes the outcome in memory to the version that the caller has found sellable (rules Q1-Q7). `at`: now, or the instant
 * of a quote. Throws AppError `currency_mismatch`, `validation_error`, `conflict`.
 */
export async function changeTerms(
  outcome: Outcome,
  work: Work,
  version: PlanVersion,
  asked: Asked,
  at: Instant = work.now,
): Promise<Decision> {
  const { sub } = outcome;
  const { prorate = true, effective = 'now' } = asked;
  const target = targetOf(sub, version, asked);
  const otherCycle = target.billingCycle !== sub.billingCycle;
  if (effective === 'now' && !prorate && otherCycle && sub.status !== 'trialing')
    throw invalid({ billingCycle: 'can be changed within a period only with proration' });
  if (effective === 'period_end') {
    if (sub.cancelAtPeriodEnd) throw conflict('The subscription ends with its period.');
    schedule(outcome, target, asked.quantity === undefined && !isUsageBased(version));
    return { target, prorate, effective, at: sub.currentPeriodEnd };
  }
  const from = effectiveInstant(outcome, at);
  if (!sameTerms(termsOf(target), sub)) {
    await readGivenBack(outcome, work);
    changeNow(outcome, work, target, from, prorate);
  }
  return { target, prorate, effective, at: from };
}

/** What the unused time is worth depends on it (rules Q13); nothing was billed for a trial. */
async function readGivenBack(outcome: Outcome, { db }: Work): Promise<void> {
  if (outcome.sub.status !== 'trialing') outcome.givenBack = await loadGivenBack(db, currentAdvance(outcome).id);
}

/** Absent members: the present quantity (1 for usage), the present cycle if the plan is sold in it (rules Q1). */
function targetOf(sub: Subscription, version: PlanVersion, asked: Asked): Target {
  sameCurrency(version.currency, sub.currency);
  const { price } = version;
  const fits = soldRatio(price, sub.billingCycle) !== undefined;
  const billingCycle = asked.billingCycle ?? (fits ? sub.billingCycle : price.billingCycle);
  const quantity = asked.quantity ?? (isUsageBased(version) ? 1 : sub.quantity);
  refuseUnsellable(version, { billingCycle, quantity });
  const plan = { id: version.planId, name: version.planName, productId: version.productId };
  const period = { periodStart: sub.currentPeriodStart, periodEnd: sub.currentPeriodEnd };
  priceOf({ plan, planVersionId: version.id, price, currency: sub.currency, quantity, billingCycle, ...period });
  return { version, quantity, billingCycle };
}

/** PUT of a quantity: at the price that was sold, from now on (rules Q1). The present one is no change. */
export async function changeQuantity(outcome: Outcome, work: Work, quantity: number): Promise<void> {
  const { sub } = outcome;
  if (quantity === sub.quantity) return;
  requireChangeable(outcome);
  const target = targetOf(sub, versionOf(outcome), { newPlanId: sub.planId, quantity, billingCycle: sub.billingCycle });
  await readGivenBack(outcome, work);
  takeQuantity(outcome, target, effectiveInstant(outcome, work.now));
}
