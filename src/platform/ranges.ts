import { type Instant, parseInstant } from './calendar.ts';
import { type Fields, invalid } from './errors.ts';
import { readMember, refuseFields } from './fields.ts';

/** Canonical ends of a half-open range `from` <= t < `to` (contract 1.5). Throws AppError `validation_error`. */
export function checkRange(query: { from?: string; to?: string }): { from?: Instant; to?: Instant } {
  const fields: Fields = {};
  const read = (name: string, text: string | undefined) =>
    text === undefined ? undefined : readMember(fields, name, () => parseInstant(text));
  const from = read('from', query.from);
  const to = read('to', query.to);
  refuseFields(fields);
  if (from !== undefined && to !== undefined && from >= to) throw invalid({ to: 'must be after from' });
  return { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
}
