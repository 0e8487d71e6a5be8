import { type DateOnly, startOfDate, wholeDaysBetween } from '../../platform/calendar.ts';
import { AppError, invalid } from '../../platform/errors.ts';
import { type Handlers, reply } from '../../platform/http/operations.ts';
import { nextOf, pageRequest } from '../../platform/http/pagination.ts';
import { isKey, keyOf, scanCoverage } from './scan.ts';

const MAX_DAYS = 400;
/** A request has 30 s (contract 1.15); a scan that would not make it ends while its answer is still awaited. */
const SCAN_MS = 25_000;

const getBillingCoverage: Handlers<'coverage'>['getBillingCoverage'] = async ({ query }, { db, now }) => {
  const { customerId, state } = query;
  const { from, to } = rangeOf(query);
  const page = pageRequest('coverage', query, isKey);
  const checkTime = timeLimit();
  const scan = { from, to, now, customerId, state, after: page.after, limit: page.limit, checkTime };
  const { counts, periods } = await scanCoverage(db, scan);
  const shown = { rows: periods.slice(0, page.limit), more: periods.length > page.limit };
  const next = nextOf('coverage', shown, keyOf);
  const { gap: gaps, ...others } = counts;
  return { ...reply(200, { from: query.from, to: query.to, counts: { ...others, gaps }, periods: shown.rows }), next };
};

export const coverage: Pick<Handlers<'coverage'>, 'getBillingCoverage'> = { getBillingCoverage };

/** Throws AppError `validation_error` for an empty range and for one that is too long. */
function rangeOf(query: { from: DateOnly; to: DateOnly }) {
  const [from, to] = [startOfDate(query.from), startOfDate(query.to)];
  if (from >= to) throw invalid({ to: 'must be after from' });
  if (wholeDaysBetween(from, to) > MAX_DAYS) throw invalid({ to: `must be at most ${MAX_DAYS} days after from` });
  return { from, to };
}

function timeLimit(): () => void {
  const started = performance.now();
  return () => {
    if (performance.now() - started < SCAN_MS) return;
    throw new AppError('service_unavailable', 'Too many subscriptions for one request; ask for one customer.', {
      headers: { 'Retry-After': '60' },
    });
  };
}
