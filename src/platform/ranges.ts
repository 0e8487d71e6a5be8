import { type Instant, parseInstant } from './calendar.ts';
import { invalid } from './errors.ts';

/** Canonical ends of a half-open range `from` <= t < `to` (contract 1.5). Throws AppError `validation_error` on `to`. */
export function checkRange(query: { from?: string; to?: string }): { from?: Instant; to?: Instant } {
  const from = query.from === undefined ? undefined : parseInstant(query.from);
  const to = query.to === undefined ? undefined : parseInstant(query.to);
  if (from !== undefined && to !== undefined && from >= to) throw invalid({ to: 'must be after from' });
  return { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
}
