import type { InvoiceLineItemCreate } from '../../../generated/types.gen.ts';
import { type Instant, parseInstant } from '../../platform/calendar.ts';
import { parseDecimal } from '../../platform/decimal.ts';
import type { Fields } from '../../platform/errors.ts';
import { readMember, refuseFields } from '../../platform/fields.ts';
import type { LineInput } from '../pricing/lines.ts';
import { parseLineQuantity } from '../pricing/quantity.ts';
import type { InvoiceLine } from './invoice.ts';

/** Lines sent by a caller (rules I5). Throws AppError `validation_error` naming every failing member. */
export function readLines(items: InvoiceLineItemCreate[]): LineInput[] {
  const fields: Fields = {};
  const lines = items.map((item, i) => {
    const at = `lineItems.${i}`;
    const quantity = readMember(fields, `${at}.quantity`, () => parseLineQuantity(item.quantity));
    const unitPrice = readMember(fields, `${at}.unitPrice`, () => parseDecimal(item.unitPrice));
    const period = readPeriod(fields, at, item);
    return {
      kind: 'custom' as const,
      description: item.description,
      quantity: quantity!,
      unitPrice: unitPrice!,
      ...period,
    };
  });
  refuseFields(fields);
  return lines;
}

function readPeriod(fields: Fields, at: string, item: InvoiceLineItemCreate) {
  const periodStart = readInstant(fields, `${at}.periodStart`, item.periodStart);
  const periodEnd = readInstant(fields, `${at}.periodEnd`, item.periodEnd);
  if ((periodStart === null) !== (periodEnd === null))
    fields[periodStart === null ? `${at}.periodStart` : `${at}.periodEnd`] ??=
      'is required together with the other end';
  else if (periodStart !== null && periodEnd !== null && periodStart >= periodEnd)
    fields[`${at}.periodEnd`] ??= 'must be after periodStart';
  return { periodStart, periodEnd };
}

/** An optional instant of a body. */
export function readInstant(fields: Fields, name: string, text: string | null | undefined): Instant | null {
  if (text === null || text === undefined) return null;
  return readMember(fields, name, () => parseInstant(text)) ?? null;
}

/** The lines of a stored draft, to be computed again. */
export const linesOfDraft = (lines: InvoiceLine[]): LineInput[] =>
  lines.map(({ description, quantity, unitPrice, periodStart, periodEnd }) => ({
    kind: 'custom' as const,
    description,
    quantity,
    unitPrice,
    periodStart,
    periodEnd,
  }));
