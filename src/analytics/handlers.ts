import type { AnalyticsReconcile } from '../../generated/types.gen.ts';
import { type Reconciliation, unavailable } from '../billing/audit/isolated.ts';
import type { Violation } from '../billing/audit/reconcile.ts';
import { within } from '../platform/bounds.ts';
import { addDays, type DateOnly, startOfDate, utcDate } from '../platform/calendar.ts';
import { isCurrency } from '../platform/currencies.ts';
import { type Fields, invalid } from '../platform/errors.ts';
import { refuseFields } from '../platform/fields.ts';
import type { Handlers } from '../platform/http/operations.ts';
import { formatMoney } from '../platform/money.ts';
import { prove } from './prove.ts';

const DAYS = 30;
/** A request has 30 s (contract 1.15). */
const LIMIT_MS = 28_000;

const tooLarge = () => unavailable('The books are too large for one request; run the audit command.', 600);

type Status = AnalyticsReconcile['status'];
const statusOf = (ok: boolean): Status => (ok ? 'ok' : 'drift');

export const analytics: Handlers<'analytics'> = {
  async getAnalyticsReconcile({ query }, { runtime, now }) {
    const fields: Fields = {};
    if (query.currency !== undefined && !isCurrency(query.currency)) fields.currency = 'is not a currency';
    refuseFields(fields);
    const { from, to } = rangeOf(query, utcDate(now));
    const currency = query.currency ?? null;
    const asked = { from: startOfDate(from), to: startOfDate(to), currency, now };
    const found = await within(LIMIT_MS, () => prove(runtime, asked), tooLarge);
    return { currency, from, to, ...present(found) };
  },
};

/** The last 30 days up to and including today, unless said otherwise (contract 2.25). */
function rangeOf(query: { from?: DateOnly; to?: DateOnly }, today: DateOnly): { from: DateOnly; to: DateOnly } {
  const to = query.to ?? utcDate(addDays(startOfDate(today), 1));
  const from = query.from ?? utcDate(addDays(startOfDate(to), -DAYS));
  if (from >= to) throw invalid({ [query.to === undefined ? 'from' : 'to']: 'to must be after from' });
  return { from, to };
}

function present(found: Reconciliation): Omit<AnalyticsReconcile, 'currency' | 'from' | 'to'> {
  const rows = found.rows.map(({ ledgerTotal, sourceTotal, missing, ...row }) => ({
    ...row,
    ...sides(row.currency, ledgerTotal, sourceTotal),
    missing,
    status: statusOf(ledgerTotal === sourceTotal && missing === 0),
  })) as AnalyticsReconcile['rows'];
  const accounts = found.accounts.map(({ account, currency, ledgerTotal, sourceTotal }) => ({
    account,
    currency,
    ...sides(currency, ledgerTotal, sourceTotal),
    status: statusOf(ledgerTotal === sourceTotal),
  }));
  const trialBalance = found.trialBalance.map(({ currency, total }) => ({
    currency,
    total: formatMoney(total, currency),
    status: statusOf(total === 0n),
  }));
  const proved = [...rows, ...accounts, ...trialBalance].every(({ status }) => status === 'ok');
  const invariants = presentViolations(found.violations);
  return { status: statusOf(proved && invariants.length === 0), rows, accounts, trialBalance, invariants };
}

const sides = (currency: string, ledger: bigint, source: bigint) => ({
  ledgerTotal: formatMoney(ledger, currency),
  sourceTotal: formatMoney(source, currency),
  delta: formatMoney(ledger - source, currency),
});

/** The broken invariants, each with its findings. */
function presentViolations(violations: Violation[]): AnalyticsReconcile['invariants'] {
  return [...Map.groupBy(violations, ({ invariant }) => invariant)].map(([id, found]) => ({
    id,
    violations: found.reduce((sum, { ids }) => sum + ids.length, 0),
    findings: found.map(({ detail, ids, more }) => ({ detail, ids, more })),
  }));
}
