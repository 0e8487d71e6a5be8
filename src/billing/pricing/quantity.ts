import { compare, type Decimal, decimal, formatDecimal, parseDecimal, signOf } from '../../platform/decimal.ts';

const LIMIT: Decimal = decimal(1_000_000_000n, 0);

/** Whether a line may show this quantity: > 0, < 1 000 000 000, at most 4 decimals (rules P6, contract 1.4). */
export function isLineQuantity(quantity: Decimal): boolean {
  return signOf(quantity) > 0 && quantity.scale <= 4 && compare(quantity, LIMIT) < 0;
}

/**
 * A JSON number -> exact quantity, read through its shortest decimal text (rules M1).
 * Throws RangeError with a sentence for `fields`.
 */
export function parseLineQuantity(value: number): Decimal {
  const text = String(value);
  if (!/^\d+(\.\d+)?$/.test(text)) throw new RangeError('must be a positive number with at most 4 decimals');
  const quantity = parseDecimal(text);
  if (quantity.scale > 4) throw new RangeError('must have at most 4 decimals');
  if (!isLineQuantity(quantity)) throw new RangeError('must be greater than 0 and less than 1000000000');
  return quantity;
}

/** A line quantity as the JSON number of the contract; exact, because it has at most 13 digits. */
export function quantityNumber(quantity: Decimal): number {
  return Number(formatDecimal(quantity));
}
