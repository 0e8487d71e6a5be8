import { roundRatio } from '../../platform/money.ts';

/** An invoice and what credit notes and refunds have taken back of it so far, in minor units (rules K4). */
export interface ReversalState {
  readonly total: bigint;
  readonly tax: bigint;
  readonly inclusive: boolean;
  readonly reversedAmount: bigint;
  readonly reversedTax: bigint;
}

/** Gross amount and the tax part in it, in minor units. */
export interface Reversal {
  readonly gross: bigint;
  readonly tax: bigint;
}

const smaller = (a: bigint, b: bigint) => (a < b ? a : b);
const greater = (a: bigint, b: bigint) => (a > b ? a : b);

/** What is left to reverse, gross. */
export function reversibleGross(state: ReversalState): bigint {
  return state.total - state.reversedAmount;
}

/** What is left to reverse in terms of line amounts: without tax, or with it when prices include it (rules K5). */
export function reversibleBase(state: ReversalState): bigint {
  return state.inclusive ? reversibleGross(state) : reversibleNet(state);
}

function reversibleNet({ total, tax, reversedAmount, reversedTax }: ReversalState): bigint {
  return total - tax - (reversedAmount - reversedTax);
}

/** A reversal given as gross amount (rules K4). Throws RangeError outside `0 < gross <= reversibleGross`. */
export function reverseGross(state: ReversalState, gross: bigint): Reversal {
  if (gross <= 0n || gross > reversibleGross(state)) throw new RangeError('more than can be reversed');
  const { total, tax, reversedAmount, reversedTax } = state;
  const part = roundRatio(tax * (reversedAmount + gross), total) - reversedTax;
  const least = greater(0n, gross - reversibleNet(state));
  const most = smaller(gross, tax - reversedTax);
  return { gross, tax: greater(least, smaller(most, part)) };
}

/** A reversal given as base, in terms of line amounts (rules K5). Throws RangeError outside `0 < base <= reversibleBase`. */
export function reverseBase(state: ReversalState, base: bigint): Reversal {
  if (base <= 0n || base > reversibleBase(state)) throw new RangeError('more than can be reversed');
  if (state.inclusive) return reverseGross(state, base);
  const gross = roundRatio(reversibleGross(state) * base, reversibleNet(state));
  return { gross, tax: gross - base };
}

/** The state after a reversal. */
export function afterReversal(state: ReversalState, { gross, tax }: Reversal): ReversalState {
  return { ...state, reversedAmount: state.reversedAmount + gross, reversedTax: state.reversedTax + tax };
}

/**
 * Spreads a base over invoices in the order given (newest first), each up to its rest (rules Q6, U7).
 * Invoices that get nothing are left out; `unplaced` is the base nothing was left for.
 */
export function reverseAcross<S extends ReversalState>(
  states: readonly S[],
  base: bigint,
): { parts: (Reversal & { readonly of: S; readonly base: bigint })[]; unplaced: bigint } {
  const parts: (Reversal & { readonly of: S; readonly base: bigint })[] = [];
  let rest = base;
  for (const of of states) {
    const share = smaller(rest, reversibleBase(of));
    if (share <= 0n) continue;
    parts.push({ of, base: share, ...reverseBase(of, share) });
    rest -= share;
  }
  return { parts, unplaced: rest };
}
