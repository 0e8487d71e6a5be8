import { addMilliseconds, type Instant } from '../../platform/calendar.ts';
import { bool, money } from '../../platform/db/columns.ts';
import type { Db } from '../../platform/db/connect.ts';
import { inList } from '../../platform/db/in-list.ts';
import { roundRatio } from '../../platform/money.ts';
import { remainingRatio } from '../pricing/proration.ts';
import { type Check, MAX_IDS, pagesById } from './check.ts';

/*
 * INV12 where persons gave something back (rules Q13): computed from the documents alone. The share of a period in what
 * was given back of an invoice that billed other things, too, is known within bounds; of any other it is exact.
 */

interface Period {
  id: string;
  period_start: Instant;
  period_end: Instant;
  in_force_from: Instant;
  in_force_net: unknown;
  given_back_before: unknown;
  net: unknown;
}

/** What an invoice billed for a period, of which something was given back. */
interface Part {
  period: string;
  invoice: string;
  /** It billed what is in force; else an earlier billing of the period. */
  in_force: unknown;
  start: Instant;
  lines: unknown;
  subtotal: unknown;
}

interface Reversal {
  invoice_id: string;
  at: Instant;
  until: Instant | null;
  base: bigint;
}

interface Facts {
  period: Period;
  parts: { part: Part; reversals: Reversal[] }[];
}

const LIVE = `i.status in ('issued', 'overdue', 'paid') and i.origin <> 'manual' and l.kind in ('plan', 'proration')`;
/** A row in force of which something was given back. `net`: all that was billed for it, less the credit notes of changes. */
const PERIODS = (netBilled: string) => `select p.id, p.period_start, p.period_end, p.in_force_from, p.in_force_net,
    p.given_back_before, coalesce(b.net, 0) as net
  from billing_periods p left join (${netBilled}) b on b.id = p.id
  where p.id > ? and p.kind = 'advance' and p.in_force_net > 0 and exists (
    select 1 from invoice_lines l join invoices i on i.id = l.invoice_id
    where l.billing_period_id = p.id and i.reversed_amount > 0 and ${LIVE})
  order by p.id`;

async function factsOf(db: Db, periods: Period[]): Promise<Facts[]> {
  const inForce = `l.period_end = p.period_end and (l.kind = 'proration' or i.id = p.invoice_id)`;
  const parts: Part[] = await db('invoice_lines as l')
    .join('invoices as i', 'i.id', 'l.invoice_id')
    .join('billing_periods as p', 'p.id', 'l.billing_period_id')
    .whereIn('p.id', inList(periods.map(({ id }) => id)))
    .whereRaw(`i.reversed_amount > 0 and ${LIVE}`)
    .groupByRaw(`p.id, i.id, i.subtotal, ${inForce}`)
    .min('l.period_start as start')
    .sum('l.amount as lines')
    .select('p.id as period', 'i.id as invoice', 'i.subtotal', db.raw(`(${inForce}) as in_force`));
  const reversals = await reversalsOf(
    db,
    parts.map(({ invoice }) => invoice),
  );
  const byPeriod = Map.groupBy(parts, ({ period }) => period);
  return periods.map((period) => {
    const mine = byPeriod.get(period.id) ?? [];
    return { period, parts: mine.map((part) => ({ part, reversals: reversals.get(part.invoice) ?? [] })) };
  });
}

async function reversalsOf(db: Db, invoices: string[]): Promise<Map<string, Reversal[]>> {
  const ids = inList(invoices);
  const base = (gross: string) =>
    db.raw(`${gross} - case when i.tax_inclusive then 0 else d.tax_amount end as base, d.invoice_id`);
  const notes = await db('credit_notes as d')
    .join('invoices as i', 'i.id', 'd.invoice_id')
    .whereIn('d.invoice_id', ids)
    .where({ 'd.cause': 'manual' })
    .whereNotNull('d.issued_at')
    .select('d.issued_at as at', 'd.voided_at as until', base('d.amount'));
  const refunds = await db('refunds as d')
    .join('invoices as i', 'i.id', 'd.invoice_id')
    .whereIn('d.invoice_id', ids)
    .whereNot({ 'd.status': 'failed' })
    .select('d.created_at as at', db.raw('null as until'), base('d.applied_part'));
  return Map.groupBy(
    [...notes, ...refunds].map((row): Reversal => ({ ...row, base: money(row.base) })),
    ({ invoice_id }) => invoice_id,
  );
}

const sum = (amounts: bigint[]): bigint => amounts.reduce((total, amount) => total + amount, 0n);

/** The least and the most of a base given back that can be the period's, for the time from `from` on (null: all of it). */
function boundsOf({ part, reversals }: Facts['parts'][number], end: Instant, from: Instant | null): [bigint, bigint] {
  const base = sum(reversals.map((one) => one.base));
  const [lines, others] = [money(part.lines), money(part.subtotal) - money(part.lines)];
  const low = others <= 0n ? base : base > others ? base - others : 0n;
  const high = others <= 0n || base < lines ? base : lines;
  if (from === null) return [low, high];
  const { n, d } = remainingRatio(from, part.start, end);
  return [roundRatio(low * n, d), roundRatio(high * n, d)];
}

/** Requests that met at the change may have come before or after it; a quote is a quarter of an hour older. */
const SLACK_MS = 20 * 60_000;

/** What the last change counted must be what had been given back by then. */
function isMiscounted({ period, parts }: Facts): boolean {
  const { in_force_from: from, period_start: start, period_end: end } = period;
  if (from <= start) return false;
  const [early, late] = [addMilliseconds(from, -SLACK_MS), addMilliseconds(from, SLACK_MS)];
  const sure = ({ at, until }: Reversal) => at < early && (until === null || until > late);
  const may = ({ at, until }: Reversal) => at <= late && (until === null || until >= early);
  const mine = parts.filter(({ part }) => bool(part.in_force));
  const bound = (which: (one: Reversal) => boolean, side: 0 | 1) =>
    sum(mine.map(({ part, reversals }) => boundsOf({ part, reversals: reversals.filter(which) }, end, from)[side]));
  const counted = money(period.given_back_before);
  return counted < bound(sure, 0) || counted > bound(may, 1);
}

/** What is in force and not given back is at most what was billed for the period less all that was given back of it. */
function isTooMuch({ period, parts }: Facts): boolean {
  const { in_force_from: from, period_end: end } = period;
  const live = parts.map(({ part, reversals }) => ({
    part,
    reversals: reversals.filter(({ until }) => until === null),
  }));
  const inForce = live.filter(({ part }) => bool(part.in_force));
  const since = sum(inForce.map((one) => boundsOf(one, end, from)[1])) - money(period.given_back_before);
  const left = money(period.net) - sum(live.map((one) => boundsOf(one, end, null)[0]));
  return money(period.in_force_net) - since > (left > 0n ? left : 0n) + BigInt(parts.length); // each share is rounded
}

const check = (detail: string, netBilled: string, broken: (facts: Facts) => boolean): Check => ({
  invariant: 'INV12',
  detail,
  async find(db) {
    const wrong: string[] = [];
    for await (const page of pagesById<Period>(db, PERIODS(netBilled))) {
      wrong.push(...(await factsOf(db, page)).filter(broken).map(({ period }) => period.id));
      if (wrong.length > MAX_IDS) break;
    }
    return wrong.slice(0, MAX_IDS + 1);
  },
});

export const givenBackChecks = (netBilled: string): Check[] => [
  check('a change did not count what had been given back before it', netBilled, isMiscounted),
  check('what was given back by a person is in force', netBilled, isTooMuch),
];
