import {
  add,
  compare,
  type Decimal,
  multiply,
  ONE,
  ofInteger,
  signOf,
  subtract,
  ZERO,
} from '../../platform/decimal.ts';
import type { PlanTier, TierMode } from './prices.ts';

/** Units priced by one tier; `label` reads `11-20`, or `21+` for the last one. */
export interface TierPart {
  readonly label: string;
  readonly units: Decimal;
  readonly unitPrice: Decimal;
  readonly flatFee: Decimal;
  /** Instead of units × unitPrice + flatFee: what all units cost and what those before cost, exact (rules U8). */
  readonly difference?: { readonly all: Decimal; readonly before: Decimal };
}

/**
 * Which tier prices how many of the units (rules P4) that come after `before` others (rules U8). Nothing for a quantity of
 * 0 or less.
 */
export function splitIntoTiers(
  tiers: readonly PlanTier[],
  mode: TierMode,
  quantity: Decimal,
  before: Decimal = ZERO,
): TierPart[] {
  if (signOf(quantity) <= 0) return [];
  return mode === 'graduated' ? graduated(tiers, before, add(before, quantity)) : volume(tiers, before, quantity);
}

/** The units from `before` up to `all`; the fee of a tier that was reached before is not added again. */
function graduated(tiers: readonly PlanTier[], before: Decimal, all: Decimal): TierPart[] {
  const parts: TierPart[] = [];
  let below = ZERO;
  for (const tier of tiers) {
    if (compare(all, below) <= 0) break;
    const within = tier.upTo === null || compare(all, ofInteger(tier.upTo)) <= 0;
    const top = within ? all : ofInteger(tier.upTo ?? 0);
    const reached = compare(before, below) > 0;
    const units = subtract(top, reached ? before : below);
    if (signOf(units) > 0) parts.push(part(reached ? { ...tier, flatFee: ZERO } : tier, below, units));
    below = top;
  }
  return parts;
}

function volume(tiers: readonly PlanTier[], before: Decimal, quantity: Decimal): TierPart[] {
  const [all] = volumeOf(tiers, add(before, quantity));
  const [known] = volumeOf(tiers, before);
  if (!all || !known) return all ? [all] : [];
  if (all.label === known.label) return [{ ...all, units: quantity, flatFee: ZERO }];
  return [{ ...all, units: ONE, flatFee: ZERO, difference: { all: priceOf(all), before: priceOf(known) } }];
}

function volumeOf(tiers: readonly PlanTier[], quantity: Decimal): TierPart[] {
  let below = ZERO;
  for (const tier of signOf(quantity) > 0 ? tiers : []) {
    if (tier.upTo === null || compare(quantity, ofInteger(tier.upTo)) <= 0) return [part(tier, below, quantity)];
    below = ofInteger(tier.upTo);
  }
  return [];
}

const priceOf = ({ units, unitPrice, flatFee }: TierPart): Decimal => add(multiply(units, unitPrice), flatFee);

function part({ upTo, unitPrice, flatFee }: PlanTier, below: Decimal, units: Decimal): TierPart {
  const first = add(below, ofInteger(1)).coefficient;
  return { label: upTo === null ? `${first}+` : `${first}-${upTo}`, units, unitPrice, flatFee };
}
