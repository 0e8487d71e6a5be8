import { AppError } from '../../platform/errors.ts';
import type { Runtime } from '../../platform/work.ts';
import type { Billing } from '../billing.ts';
import { taxedBy } from '../subscriptions/lifecycle/bill-draft.ts';
import type { Outcome } from '../subscriptions/lifecycle/outcome.ts';
import { fetchQuotes } from '../tax/fetch.ts';
import { keyOf } from '../tax/quote.ts';
import { isMissing, lookUpTaxes, type Missing } from '../tax/tax-book.ts';

/** A subscription whose due action waits until the tax of its place is known. */
export interface WaitingForTax extends Missing {
  readonly id: string;
}

/** What a run has asked already: nothing is asked twice in it, whether it was answered or not. */
export interface TaxRequests {
  readonly failed: Map<string, AppError>;
  /** Subscription and question of those that waited once and were told that they need not any more. */
  readonly answered: Set<string>;
}

export const newTaxRequests = (): TaxRequests => ({ failed: new Map(), answered: new Set() });

/** The outcomes that can be saved now, and those that must wait; nothing of the latter has been written. */
export async function splitByTax(
  billing: Billing,
  outcomes: Outcome[],
): Promise<{ ready: Outcome[]; waiting: WaitingForTax[] }> {
  const taxed = outcomes.flatMap((outcome) => taxedBy(outcome, billing.work.now).map((one) => ({ outcome, ...one })));
  const found = await lookUpTaxes(billing.taxes, taxed);
  const missing = new Map(found.flatMap((tax, i) => (isMissing(tax) ? [[taxed[i]!.outcome, tax]] : [])));
  return {
    ready: outcomes.filter((outcome) => !missing.has(outcome)),
    waiting: [...missing].map(([outcome, { provider, question }]) => ({ id: outcome.sub.id, provider, question })),
  };
}

/**
 * Asks what the waiting ones need, between two transactions: those answered are still due and taken again by the next
 * batch. Answers the failure of each of the others, by subscription.
 */
export async function askTaxes(
  runtime: Runtime,
  { failed, answered }: TaxRequests,
  waiting: readonly WaitingForTax[],
): Promise<Map<string, AppError>> {
  for (const [provider, group] of Map.groupBy(waiting, (one) => one.provider)) {
    const questions = group.map(({ question }) => question).filter((question) => !failed.has(keyOf(question)));
    for (const [key, failure] of await fetchQuotes(runtime, provider, questions)) failed.set(key, failure);
  }
  const failures = new Map<string, AppError>();
  for (const { id, question } of waiting) {
    const [key, asked] = [keyOf(question), `${id} ${keyOf(question)}`];
    const failure = failed.get(key) ?? (answered.has(asked) ? didNotKeep() : undefined);
    answered.add(asked);
    if (failure) failures.set(id, failure);
  }
  return failures;
}

/** Asked, answered, and still not there: the customer moved, or the settings changed meanwhile. */
const didNotKeep = () => new AppError('provider_error', 'The tax rate is not known yet.');
