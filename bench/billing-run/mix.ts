/** The workload: percentages of the subscriptions, drawn independently of each other; what is left is flat and plain. */
const DEFAULT = {
  /** 12.50 per unit, 1 to 20 units. */
  perUnit: 30,
  /** Three graduated tiers with a fee, 1 to 90 units: up to four lines. */
  tiered: 30,
  /** A coupon: 10 % forever, or a fixed amount for a year. */
  discounts: 30,
  /** A customer where a tax rule applies, exclusive or inclusive. */
  taxes: 70,
  /** A credit balance: one in five pays the whole invoice. */
  credits: 20,
  /** Not a renewal: the invoice of the next period, five days ahead. */
  ahead: 10,
};
export type Mix = typeof DEFAULT;

/** `MIX="tiered=50 discounts=0"` over the defaults; `MIX=plain` for flat prices with tax and nothing else. */
export function readMix(text = process.env.MIX ?? ''): Mix {
  if (text === 'plain') return { perUnit: 0, tiered: 0, discounts: 0, taxes: 100, credits: 0, ahead: 0 };
  const mix = { ...DEFAULT };
  for (const part of text.split(/\s+/).filter(Boolean)) {
    const [name, value] = part.split('=');
    if (!name || !Object.hasOwn(mix, name) || !/^\d+$/.test(value ?? '')) throw new Error(`MIX: ${part}`);
    mix[name as keyof Mix] = Number(value);
  }
  return mix;
}

export interface Traits {
  model: 'flat' | 'per_unit' | 'tiered';
  quantity: number;
  discount: 'percentage' | 'fixed_amount' | null;
  country: 'US' | 'DE' | null;
  /** Minor units. */
  credit: bigint;
  ahead: boolean;
}

/** What the `n`th subscription is like; the same in every run. */
export function traitsOf(mix: Mix, n: number): Traits {
  const draw = (salt: number) => (Math.imul(n + 1, 2_654_435_761) ^ Math.imul(n + salt, salt * 40_503 + 1)) >>> 8;
  const below = (salt: number, percent: number) => draw(salt) % 100 < percent;
  const model = draw(1) % 100;
  const tiered = model < mix.tiered;
  const perUnit = !tiered && model < mix.tiered + mix.perUnit;
  return {
    model: tiered ? 'tiered' : perUnit ? 'per_unit' : 'flat',
    quantity: tiered ? 1 + (draw(2) % 90) : perUnit ? 1 + (draw(2) % 20) : 1,
    discount: below(3, mix.discounts) ? (draw(4) % 2 ? 'percentage' : 'fixed_amount') : null,
    country: below(5, mix.taxes) ? (draw(6) % 2 ? 'US' : 'DE') : null,
    credit: below(7, mix.credits) ? (draw(8) % 5 ? 2_000n : 1_000_000n) : 0n,
    ahead: below(9, mix.ahead),
  };
}
