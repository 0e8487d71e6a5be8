import type { Instant } from '../../platform/calendar.ts';
import { type Decimal, powerOfTen } from '../../platform/decimal.ts';
import { allocate, type Fraction, roundRatio } from '../../platform/money.ts';
import type { LineKind } from './lines.ts';

interface AttachedWindow {
  /** Id of the subscription discount. */
  readonly id: string;
  readonly code: string;
  /** Plans it applies to; empty = every plan. */
  readonly planIds: readonly string[];
  /** It covers the period starts in `[startsAt, endsAt)`; null = without end (rules D3). */
  readonly startsAt: Instant;
  readonly endsAt: Instant | null;
}

/** An attached discount: `value` is a percentage (10 = 10 %) or minor units of the invoice's currency. */
export type DiscountInput = AttachedWindow &
  (
    | { readonly type: 'percentage'; readonly value: Decimal }
    | { readonly type: 'fixed_amount'; readonly value: bigint }
  );

interface DiscountableLine {
  readonly kind: LineKind;
  readonly amount: bigint;
  readonly planId: string | null;
  readonly periodStart: Instant | null;
}

/** What one discount took: `rest` is what the previous ones left of its eligible lines (minor units). */
export interface AppliedDiscount {
  readonly discount: DiscountInput;
  readonly rest: bigint;
  readonly exact: Fraction;
  readonly amount: bigint;
}

/** Whether a discount applies to a line (rules D3). */
export function isEligible(discount: AttachedWindow, line: Omit<DiscountableLine, 'amount'>): boolean {
  if (line.kind !== 'plan' && line.kind !== 'usage') return false;
  const { planId, periodStart } = line;
  const planFits = discount.planIds.length === 0 || (planId !== null && discount.planIds.includes(planId));
  const started = periodStart !== null && discount.startsAt <= periodStart;
  return planFits && started && (discount.endsAt === null || periodStart < discount.endsAt);
}

/**
 * Applies the discounts, given in order of attachment, percentages first (rules D4).
 * `nets` are the line amounts left afterwards, each discount being shared over its eligible lines by rules M6.
 */
export function applyDiscounts(
  discounts: readonly DiscountInput[],
  lines: readonly DiscountableLine[],
): { applied: AppliedDiscount[]; nets: bigint[] } {
  const nets = lines.map((line) => line.amount);
  const applied: AppliedDiscount[] = [];
  const ordered = [
    ...discounts.filter((discount) => discount.type === 'percentage'),
    ...discounts.filter((discount) => discount.type === 'fixed_amount'),
  ];
  for (const discount of ordered) {
    const eligible = lines.flatMap((line, index) => (isEligible(discount, line) ? [index] : []));
    const rests = eligible.map((index) => nets[index] ?? 0n);
    const rest = rests.reduce((sum, part) => sum + part, 0n);
    if (rest <= 0n) continue;
    const exact = reduction(discount, rest);
    const amount = roundRatio(exact.n, exact.d);
    if (amount === 0n) continue;
    const shares = allocate(amount, rests);
    eligible.forEach((line, position) => {
      nets[line] = (rests[position] ?? 0n) - (shares[position] ?? 0n);
    });
    applied.push({ discount, rest, exact, amount });
  }
  return { applied, nets };
}

function reduction(discount: DiscountInput, rest: bigint): Fraction {
  if (discount.type === 'fixed_amount') return { n: discount.value < rest ? discount.value : rest, d: 1n };
  return { n: rest * discount.value.coefficient, d: 100n * powerOfTen(discount.value.scale) };
}
