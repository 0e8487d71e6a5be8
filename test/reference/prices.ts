/**
 * The arithmetic of rules M, P, C, D and K once more, as plainly as it can be written, for the reference model: it shares no
 * line with `src/`. Amounts are minor units, decimals are integers of 10^-12, instants are milliseconds.
 */

const ONE = 10n ** 12n;
const abs = (n: bigint): bigint => (n < 0n ? -n : n);
export const least = (a: bigint, b: bigint): bigint => (a < b ? a : b);
export const sum = (numbers: bigint[]): bigint => numbers.reduce((total, n) => total + n, 0n);

/** Half away from zero (M5). */
export function round(n: bigint, d: bigint): bigint {
  if (d < 0n) return round(-n, -d);
  const rounded = (2n * abs(n) + d) / (2n * d);
  return n < 0n ? -rounded : rounded;
}

/** "0.0125" as 10^-12. */
export function decimal(text: string): bigint {
  const [, sign, whole, fraction = ''] = /^(-?)(\d+)(?:\.(\d{1,12}))?$/.exec(text)!;
  const digits = BigInt(whole! + fraction.padEnd(12, '0'));
  return sign ? -digits : digits;
}

/** Largest remainder (M6). */
export function allocate(total: bigint, weights: bigint[]): bigint[] {
  const whole = sum(weights);
  if (whole === 0n)
    return weights.length === 0
      ? []
      : allocate(
          total,
          weights.map(() => 1n),
        );
  const shares = weights.map((weight) => (abs(total) * weight) / whole);
  const order = weights
    .map((weight, i) => ({ i, rest: (abs(total) * weight) % whole }))
    .sort((a, b) => (a.rest === b.rest ? a.i - b.i : a.rest > b.rest ? -1 : 1));
  const missing = Number(abs(total) - sum(shares));
  for (const { i } of order.slice(0, missing)) shares[i]! += 1n;
  return total < 0n ? shares.map((share) => -share) : shares;
}

/** A calendar month further from an anchor, the day clipped to the month (T4). */
export function addMonths(anchor: number, months: number): number {
  const from = new Date(anchor);
  const first = new Date(Date.UTC(from.getUTCFullYear(), from.getUTCMonth() + months, 1));
  const last = new Date(Date.UTC(first.getUTCFullYear(), first.getUTCMonth() + 1, 0)).getUTCDate();
  return first.getTime() + (Math.min(from.getUTCDate(), last) - 1) * 86_400_000 + (anchor % 86_400_000);
}

export interface Tier {
  upTo: number | null;
  unit: string;
  fee?: string;
}

/** A price version as it was sold. */
export interface Price {
  plan: string;
  months: 1 | 3 | 12;
  model: 'flat' | 'per_unit' | 'tiered' | 'usage_based';
  base?: string;
  unit?: string;
  tiers?: Tier[];
  volume?: boolean;
  aggregation?: 'sum' | 'max' | 'last' | 'count' | 'unique';
}

/** What graduated units cost that come after others (U8): of each tier what is above those, its fee where it begins. */
function graduatedAfter(tiers: Tier[], before: bigint, all: bigint): [bigint, bigint][] {
  const lines: [bigint, bigint][] = [];
  let below = 0n;
  for (const { upTo, unit, fee } of tiers) {
    const top = upTo === null ? all : least(BigInt(upTo) * ONE, all);
    if (top > before && top > below) lines.push([top - (before > below ? before : below), decimal(unit)]);
    if (fee && top > below && before <= below) lines.push([ONE, decimal(fee)]);
    if (upTo !== null) below = BigInt(upTo) * ONE;
  }
  return lines;
}

/** What each line of a price costs for a quantity (P3, P4, P6): pairs of quantity and unit price. */
function tierLines(price: Price, quantity: bigint): [bigint, bigint][] {
  const lines: [bigint, bigint][] = [];
  if (quantity <= 0n) return lines;
  let below = 0n;
  for (const { upTo, unit, fee } of price.tiers!) {
    const top = upTo === null ? quantity : least(BigInt(upTo) * ONE, quantity);
    if (price.volume && upTo !== null && quantity > BigInt(upTo) * ONE) continue;
    const units = price.volume ? quantity : top - below;
    if (units <= 0n) break;
    lines.push([units, decimal(unit)]);
    if (fee) lines.push([ONE, decimal(fee)]);
    if (price.volume) break;
    below = top;
  }
  return lines;
}

const priced = (lines: [bigint, bigint][], digits: number, ratio = 1n): bigint[] =>
  lines
    .map(([units, unit]) => round(units * unit * ratio * 10n ** BigInt(digits), ONE * ONE))
    .filter((cents) => cents !== 0n);

/** Amounts of the lines charged in advance for one period of `months` (P3, P5). */
export function advance(price: Price, quantity: number, months: number, digits: number): bigint[] {
  const ratio = BigInt(months / price.months);
  const many = BigInt(quantity) * ONE;
  if (price.model === 'flat') return priced([[ONE, decimal(price.base!)]], digits, ratio);
  if (price.model === 'per_unit') return priced([[many, decimal(price.unit ?? price.base!)]], digits, ratio);
  if (price.model === 'tiered') return priced(tierLines(price, many), digits, ratio);
  return billsInAdvance(price) ? priced([[ONE, decimal(price.base!)]], digits, ratio) : [];
}

/** Whether a price has a part that is paid before the period (P3). */
export const billsInAdvance = ({ model, base, unit, tiers }: Price): boolean =>
  model !== 'usage_based' || Boolean(base && decimal(base) > 0n && (unit || tiers));

/**
 * Amounts of the lines of a quantity used (P3, U4); a negative quantity costs nothing. After a change within the period
 * the tiers go on from what was used `before` (U8).
 */
export function used(price: Price, quantity: bigint, digits: number, before = 0n): bigint[] {
  if (quantity <= 0n) return [];
  if (price.tiers && before > 0n) {
    const all = before + quantity;
    if (!price.volume) return priced(graduatedAfter(price.tiers, before, all), digits);
    const exact = (units: bigint) => sum(tierLines(price, units).map(([n, unit]) => n * unit));
    const cents = round((exact(all) - exact(before)) * 10n ** BigInt(digits), ONE * ONE);
    return cents > 0n ? [cents] : [];
  }
  if (price.tiers) return priced(tierLines(price, quantity), digits);
  return priced([[quantity, decimal(price.unit ?? price.base!)]], digits);
}

export interface UsageEvent {
  at: number;
  /** 10^-12 */
  value: bigint;
  unique: string;
}

/** U4 over the events of one period, in the order in which they were recorded. */
export function aggregate(kind: NonNullable<Price['aggregation']>, events: UsageEvent[]): bigint {
  if (events.length === 0) return 0n;
  if (kind === 'sum') return sum(events.map(({ value }) => value));
  if (kind === 'count') return BigInt(events.length) * ONE;
  if (kind === 'unique') return BigInt(new Set(events.map(({ unique }) => unique)).size) * ONE;
  if (kind === 'max') return events.reduce((most, { value }) => (value > most ? value : most), events[0]!.value);
  return events.reduce((last, event) => (event.at >= last.at ? event : last)).value;
}

export interface Tax {
  /** 0.0725 */
  rate: string;
  inclusive: boolean;
}

/** C2, step 4. */
export function taxOf(taxable: bigint, tax: Tax | null): bigint {
  if (!tax) return 0n;
  const rate = decimal(tax.rate);
  return tax.inclusive ? round(taxable * rate, ONE + rate) : round(taxable * rate, ONE);
}
