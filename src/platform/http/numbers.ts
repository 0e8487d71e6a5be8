/** Digits that tell every double from the next one: what programs write that give all they have. */
const ENOUGH_DIGITS = 17;
/** Digits that every double keeps, in the range where doubles have all of theirs. */
const SAFE_DIGITS = 15;
const LEAST_NORMAL = 2 ** -1022;

/**
 * Whether a number of JSON is answered as it was sent: the shortest text of its double has the same value. A fraction
 * may also be longer than the shortest one, up to 17 digits, as `0.10000000000000001` is 0.1 (contract 1.2).
 */
export function survives(literal: string): boolean {
  const kept = Number(literal);
  const size = Math.abs(kept);
  if (size === Number.POSITIVE_INFINITY) return false;
  if (size >= LEAST_NORMAL && literal.length <= SAFE_DIGITS) return true;
  const [sent, stored] = [significant(literal), significant(String(kept))];
  if (sent.digits === stored.digits && (sent.digits === '' || sent.exponent === stored.exponent)) return true;
  return sent.exponent < 0 && size >= LEAST_NORMAL && sent.digits.length <= ENOUGH_DIGITS;
}

/** A decimal literal as `digits` × 10 to the `exponent`, without zeros at either end; no digits for zero. */
function significant(literal: string): { digits: string; exponent: number } {
  const [mantissa = '', power = '0'] = literal.toLowerCase().replace('-', '').split('e');
  const [whole = '', fraction = ''] = mantissa.split('.');
  const all = whole + fraction;
  let [from, to] = [0, all.length];
  while (all[from] === '0') from++;
  while (to > from && all[to - 1] === '0') to--;
  return { digits: all.slice(from, to), exponent: Number(power) - fraction.length + (all.length - to) };
}
