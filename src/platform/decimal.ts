/** The exact value `coefficient · 10^-scale`. Always normalised: scale >= 0 and no trailing zeros. */
export interface Decimal {
  readonly coefficient: bigint;
  readonly scale: number;
}

const PLAIN = /^(-?)(\d+)(?:\.(\d+))?$/;

export const ZERO: Decimal = { coefficient: 0n, scale: 0 };
export const ONE: Decimal = { coefficient: 1n, scale: 0 };

const POWERS = Array.from({ length: 40 }, (_, n) => 10n ** BigInt(n));

/** 10^n for n >= 0. */
export function powerOfTen(n: number): bigint {
  return POWERS[n] ?? 10n ** BigInt(n);
}

/** The normalised decimal `coefficient · 10^-scale`; a negative scale is allowed. */
export function decimal(coefficient: bigint, scale: number): Decimal {
  if (scale < 0) return { coefficient: coefficient * powerOfTen(-scale), scale: 0 };
  let [c, s] = [coefficient, scale];
  while (s > 0 && c % 10n === 0n) {
    c /= 10n;
    s -= 1;
  }
  return { coefficient: c, scale: s };
}

/** Plain notation (`-12.50`, no exponent, no `+`) -> decimal. Throws RangeError for anything else, also non-strings. */
export function parseDecimal(text: string): Decimal {
  const match = typeof text === 'string' ? PLAIN.exec(text) : null;
  if (match === null) throw new RangeError('must be a decimal number');
  const [, sign, whole, fraction = ''] = match;
  const magnitude = BigInt(`${whole}${fraction}`);
  return decimal(sign === '-' ? -magnitude : magnitude, fraction.length);
}

/** Plain notation with at least `minScale` decimals, never `-0`. */
export function formatDecimal(d: Decimal, minScale = 0): string {
  const digits = (d.coefficient < 0n ? -d.coefficient : d.coefficient).toString();
  const scale = Math.max(d.scale, minScale);
  const padded = (digits + '0'.repeat(scale - d.scale)).padStart(scale + 1, '0');
  const sign = d.coefficient < 0n ? '-' : '';
  return scale === 0 ? sign + padded : `${sign}${padded.slice(0, -scale)}.${padded.slice(-scale)}`;
}

/** A whole number as decimal. */
export function ofInteger(n: bigint | number): Decimal {
  return { coefficient: BigInt(n), scale: 0 };
}

function coefficientAt(d: Decimal, scale: number): bigint {
  return d.scale === scale ? d.coefficient : d.coefficient * powerOfTen(scale - d.scale);
}

/** Exact sum. */
export function add(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale);
  return decimal(coefficientAt(a, scale) + coefficientAt(b, scale), scale);
}

/** Exact difference `a − b`. */
export function subtract(a: Decimal, b: Decimal): Decimal {
  return add(a, negate(b));
}

/** `−d`. */
export function negate(d: Decimal): Decimal {
  return { coefficient: -d.coefficient, scale: d.scale };
}

/** Exact product. */
export function multiply(a: Decimal, b: Decimal): Decimal {
  return decimal(a.coefficient * b.coefficient, a.scale + b.scale);
}

/** -1, 0 or 1. */
export function compare(a: Decimal, b: Decimal): -1 | 0 | 1 {
  const scale = Math.max(a.scale, b.scale);
  const [x, y] = [coefficientAt(a, scale), coefficientAt(b, scale)];
  return x < y ? -1 : x > y ? 1 : 0;
}

/** Whether the value is 0. */
export function isZero(d: Decimal): boolean {
  return d.coefficient === 0n;
}

/** -1, 0 or 1. */
export function signOf(d: Decimal): -1 | 0 | 1 {
  return d.coefficient < 0n ? -1 : d.coefficient > 0n ? 1 : 0;
}
