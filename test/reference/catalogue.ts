import type { Discount } from './documents.ts';
import type { Terms } from './periods.ts';
import type { Price, Tax } from './prices.ts';

export const METRIC = { name: 'calls', uniqueProperty: null };
const TIERS = [
  { upTo: 10, unit: '5' },
  { upTo: 20, unit: '3', fee: '7.5' },
  { upTo: null, unit: '1.005' },
];
const usage = (aggregation: Price['aggregation'], rest: Partial<Price>): Omit<Price, 'plan'> => ({
  model: 'usage_based',
  months: 1,
  base: '0',
  aggregation,
  ...rest,
});
type Catalogue = Omit<Price, 'plan'>[];
const DOLLARS: Catalogue = [
  { model: 'flat', base: '49.99', months: 1 },
  { model: 'flat', base: '79.95', months: 1 },
  { model: 'flat', base: '0', months: 1 },
  { model: 'flat', base: '1200', months: 12 },
  { model: 'per_unit', base: '0', unit: '33.333', months: 1 },
  { model: 'tiered', base: '0', tiers: TIERS, months: 1 },
  { model: 'tiered', base: '0', tiers: TIERS, volume: true, months: 3 },
  usage('sum', { base: '20', unit: '0.1' }),
  usage('sum', { unit: '0.0125' }),
  usage('max', { unit: '2.5' }),
  usage('last', { tiers: TIERS, volume: true }),
  usage('count', { base: '5', tiers: TIERS }),
  usage('sum', { tiers: TIERS }),
  usage('sum', { base: '3', tiers: TIERS, volume: true }),
  usage('sum', {
    tiers: [
      { upTo: 40, unit: '0.333', fee: '2' },
      { upTo: null, unit: '0.1' },
    ],
  }),
];
const YEN: Catalogue = [
  { model: 'flat', base: '1505', months: 1 },
  { model: 'per_unit', base: '0', unit: '333.3', months: 1 },
  usage('sum', { base: '100', unit: '0.5' }),
];
const DINARS: Catalogue = [
  { model: 'flat', base: '1.25', months: 1 },
  { model: 'per_unit', base: '0', unit: '0.0715', months: 1 },
];
export const MONEY = [
  { currency: 'USD', digits: 2, plans: DOLLARS },
  { currency: 'USD', digits: 2, plans: DOLLARS },
  { currency: 'JPY', digits: 0, plans: YEN },
  { currency: 'KWD', digits: 3, plans: DINARS },
];
export const TAXES: { country: string; tax: Tax | null }[] = [
  { country: 'FR', tax: null },
  { country: 'US', tax: { rate: '0.0725', inclusive: false } },
  { country: 'DE', tax: { rate: '0.19', inclusive: true } },
];
export const COUPONS: Omit<Discount, 'starts' | 'ends'>[] = [
  { percent: '33.3333', cycles: 1 },
  { percent: '12.5', cycles: 3 },
  { percent: '100', cycles: 2 },
  { percent: '20', cycles: null },
  { amount: 1001n, cycles: null },
  { amount: 750n, cycles: 5 },
];
export const MONTHS = [1, 3, 12] as const;
export const CYCLES = { 1: 'monthly', 3: 'quarterly', 12: 'yearly' };
const MODES = { true: 'volume', false: 'graduated' };

export function planBody(price: Omit<Price, 'plan'>, currency: string) {
  const { model, months, base, unit, tiers, volume, aggregation } = price;
  return {
    currency,
    pricingModel: model,
    billingCycle: CYCLES[months],
    basePrice: base ?? '0',
    ...(unit ? { unitPrice: unit } : {}),
    ...(tiers
      ? {
          tiers: tiers.map((tier) => ({
            upTo: tier.upTo,
            unitPrice: tier.unit,
            ...(tier.fee ? { flatFee: tier.fee } : {}),
          })),
        }
      : {}),
    ...(tiers ? { tierMode: MODES[`${Boolean(volume)}`] } : {}),
    ...(aggregation ? { usageMetric: { ...METRIC, aggregation } } : {}),
  };
}

/** A price as it may be sold: the cycle at least the plan's, tiers of usage in their own cycle (P5), usage one at a time. */
export function termsOf(prices: Price[], plan: number, months: number, quantity: number): Terms {
  const price = prices[plan % prices.length]!;
  const own = price.model === 'usage_based' && price.tiers;
  const sold = own ? price.months : MONTHS[Math.max(months, MONTHS.indexOf(price.months))]!;
  return { price, quantity: price.model === 'usage_based' ? 1 : quantity, months: sold };
}

const DIGITS: Record<string, number> = { USD: 2, JPY: 0, KWD: 3 };
export function text(minor: bigint, currency: string): string {
  const digits = DIGITS[currency]!;
  const plain = String(minor < 0n ? -minor : minor).padStart(digits + 1, '0');
  const point = digits === 0 ? plain : `${plain.slice(0, -digits)}.${plain.slice(-digits)}`;
  return minor < 0n ? `-${point}` : point;
}
