import { epochSeconds, type Instant } from '../../platform/calendar.ts';
import { ONE } from '../../platform/decimal.ts';
import { decimalOfMinor, type Fraction, formatMoney, roundRatio } from '../../platform/money.ts';
import type { LineInput } from './lines.ts';

type Facts = Readonly<Record<string, string>>;

/** What is in force when a change happens at `at` in a period (rules Q2, Q4); amounts in minor units without tax. */
export interface ProrationInput {
  readonly at: Instant;
  readonly periodStart: Instant;
  readonly periodEnd: Instant;
  readonly inForceFrom: Instant;
  readonly inForceNet: bigint;
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

/** The unused part of what was billed, in minor units (rules Q4; also the credit of a cycle change, Q3). */
export function unusedAmount(input: Omit<ProrationInput, 'fullPrice' | 'periodStart'>): bigint {
  const { n, d } = remainingRatio(input.at, input.inForceFrom, input.periodEnd);
  return roundRatio(input.inForceNet * n, d);
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
  return [
    line('Unused time', sides.from, -input.inForceNet, unusedRatio, -unused, { inForceFrom: input.inForceFrom }),
    line('Remaining time', sides.to, input.fullPrice, restRatio, remaining, input.targetFacts ?? {}),
  ].filter((part) => part.amount !== 0n);
}
