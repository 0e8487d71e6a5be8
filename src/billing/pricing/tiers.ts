import { add, compare, type Decimal, ofInteger, signOf, subtract, ZERO } from '../../platform/decimal.ts';
import type { PlanTier, TierMode } from './prices.ts';

/** Units priced by one tier; `label` reads `11-20`, or `21+` for the last one. */
export interface TierPart {
  readonly label: string;
  readonly units: Decimal;
  readonly unitPrice: Decimal;
  readonly flatFee: Decimal;
}

/** Which tier prices how many of the units (rules P4). Nothing for a quantity of 0 or less. */
export function splitIntoTiers(tiers: readonly PlanTier[], mode: TierMode, quantity: Decimal): TierPart[] {
  if (signOf(quantity) <= 0) return [];
  return mode === 'graduated' ? graduated(tiers, quantity) : volume(tiers, quantity);
}

function graduated(tiers: readonly PlanTier[], quantity: Decimal): TierPart[] {
  const parts: TierPart[] = [];
  let below = ZERO;
  for (const tier of tiers) {
    if (compare(quantity, below) <= 0) break;
    const within = tier.upTo === null || compare(quantity, ofInteger(tier.upTo)) <= 0;
    const top = within ? quantity : ofInteger(tier.upTo ?? 0);
    parts.push(part(tier, below, subtract(top, below)));
    below = top;
  }
  return parts;
}

function volume(tiers: readonly PlanTier[], quantity: Decimal): TierPart[] {
  let below = ZERO;
  for (const tier of tiers) {
    if (tier.upTo === null || compare(quantity, ofInteger(tier.upTo)) <= 0) return [part(tier, below, quantity)];
    below = ofInteger(tier.upTo);
  }
  return [];
}

function part({ upTo, unitPrice, flatFee }: PlanTier, below: Decimal, units: Decimal): TierPart {
  const first = add(below, ofInteger(1)).coefficient;
  return { label: upTo === null ? `${first}+` : `${first}-${upTo}`, units, unitPrice, flatFee };
}
