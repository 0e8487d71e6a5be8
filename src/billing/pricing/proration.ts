import { epochSeconds, type Instant } from '../../platform/calendar.ts';
import { ONE } from '../../platform/decimal.ts';
import { allocate, decimalOfMinor, type Fraction, formatMoney, roundRatio } from '../../platform/money.ts';
import type { LineInput } from './lines.ts';

type Facts = Readonly<Record<string, string>>;

/** What is in force when a change happens at `at` in a period (rules Q2, Q4); amounts in minor units without tax. */
export interface ProrationInput {
  readonly at: Instant;
  readonly periodStart: Instant;
  readonly periodEnd: Instant;
  readonly inForceFrom: Instant;
  readonly inForceNet: bigint;
  /** What persons have given back of it since it is in force (rules Q13); nothing when absent. */
  readonly givenBack?: bigint;
  /** F of the target for a full period (rules Q5). */
  readonly fullPrice: bigint;
  /** What F was computed from; for the trace. */
  readonly targetFacts?: Facts;
}

/** Minor units; `net` = remaining − unused. After the change in_force_from = `at` and in_force_net = `remaining`. */
export interface Proration {
  readonly unused: bigint;
  readonly remaining: bigint;
  readonly net: bigint;
  readonly unusedRatio: Fraction;
  readonly remainingRatio: Fraction;
}

/** The part of `[from, end)` that is left at `at`, in whole seconds; 0/0 = 0 (rules Q2). */
export function remainingRatio(at: Instant, from: Instant, end: Instant): Fraction {
  const [left, all] = [epochSeconds(end) - epochSeconds(at), epochSeconds(end) - epochSeconds(from)];
  return all === 0n ? { n: 0n, d: 1n } : { n: left, d: all };
}

/** An invoice that billed what is in force: what it billed of it from `start` on, what else, and the base given back. */
export interface GivenBack {
  readonly start: Instant;
  readonly net: bigint;
  readonly others: bigint;
  readonly base: bigint;
}

/** What persons have given back of the time from `from` to `end`, in minor units without tax (rules Q13). */
export function givenBackOf(invoices: readonly GivenBack[], from: Instant, end: Instant): bigint {
  return invoices.reduce((sum, { start, net, others, base }) => {
    const [share = 0n] = allocate(base, [net, others]);
    const { n, d } = remainingRatio(from, start, end);
    return sum + roundRatio(share * n, d);
  }, 0n);
}

/** What is still in force: what was billed and not given back, never below 0 (rules Q4). */
const stillInForce = ({ inForceNet, givenBack = 0n }: Pick<ProrationInput, 'inForceNet' | 'givenBack'>): bigint =>
  inForceNet > givenBack ? inForceNet - givenBack : 0n;

/** The unused part of what was billed, in minor units (rules Q4; also the credit of a cycle change, Q3). */
export function unusedAmount(input: Omit<ProrationInput, 'fullPrice' | 'periodStart'>): bigint {
  const { n, d } = remainingRatio(input.at, input.inForceFrom, input.periodEnd);
  return roundRatio(stillInForce(input) * n, d);
}

/** Credit and charge of a change within a period (rules Q4, Q6). */
export function prorate(input: ProrationInput): Proration {
  const unusedRatio = remainingRatio(input.at, input.inForceFrom, input.periodEnd);
  const restRatio = remainingRatio(input.at, input.periodStart, input.periodEnd);
  const unused = unusedAmount(input);
  const remaining = roundRatio(input.fullPrice * restRatio.n, restRatio.d);
  return { unused, remaining, net: remaining - unused, unusedRatio, remainingRatio: restRatio };
}

/** One side of a change: the plan the line is named after and split by. */
export interface ProrationSide {
  readonly planId: string;
  readonly planName: string;
  readonly productId: string;
  readonly planVersionId: string;
  readonly billingPeriodId?: string | null | undefined;
}

/** The lines of a change: unused with minus sign, then remaining; zero lines are dropped (rules Q4, P7). */
export function prorationLines(
  input: ProrationInput,
  sides: { readonly from: ProrationSide; readonly to: ProrationSide },
  currency: string,
): LineInput[] {
  const { unused, remaining, unusedRatio, remainingRatio: restRatio } = prorate(input);
  const line = (
    words: string,
    side: ProrationSide,
    base: bigint,
    ratio: Fraction,
    amount: bigint,
    facts: Facts,
  ): LineInput => ({
    kind: 'proration',
    description: `${words}: ${side.planName}`,
    quantity: ONE,
    unitPrice: decimalOfMinor(amount, currency),
    amount,
    exact: { n: base * ratio.n, d: ratio.d },
    productId: side.productId,
    planId: side.planId,
    planVersionId: side.planVersionId,
    billingPeriodId: side.billingPeriodId ?? null,
    periodStart: input.at,
    periodEnd: input.periodEnd,
    facts: { base: formatMoney(base, currency), ratio: `${ratio.n}/${ratio.d}`, ...facts },
  });
  const { inForceFrom, givenBack = 0n } = input;
  const billed = { inForceFrom, ...(givenBack === 0n ? {} : { givenBack: formatMoney(givenBack, currency) }) };
  return [
    line('Unused time', sides.from, -stillInForce(input), unusedRatio, -unused, billed),
    line('Remaining time', sides.to, input.fullPrice, restRatio, remaining, input.targetFacts ?? {}),
  ].filter((part) => part.amount !== 0n);
}
