import { insertRows, updateRows } from '../../../platform/db/bulk.ts';
import { bool, int, money, optionalDecimal, optionalMoney, toDecimal } from '../../../platform/db/columns.ts';
import type { Db } from '../../../platform/db/connect.ts';
import { inList } from '../../../platform/db/in-list.ts';
import type { BillingPeriod } from '../subscription.ts';

// biome-ignore lint/suspicious/noExplicitAny: a row as either driver answers it; the mapper below gives it its type
type Row = any;

export function toPeriod(row: Row): BillingPeriod {
  return {
    id: row.id,
    subscriptionId: row.subscription_id,
    kind: row.kind,
    periodStart: row.period_start,
    periodEnd: row.period_end,
    dueAt: row.due_at,
    state: row.state,
    reason: row.reason,
    planVersionId: row.plan_version_id,
    quantity: int(row.quantity),
    invoiceId: row.invoice_id,
    tiersFrom: row.tiers_from,
    inForceFrom: row.in_force_from,
    inForceNet: optionalMoney(row.in_force_net),
    givenBackBefore: money(row.given_back_before),
    billedQuantity: optionalDecimal(row.billed_quantity),
    billedAmount: optionalMoney(row.billed_amount),
    billedNet: optionalMoney(row.billed_net),
    dirty: bool(row.dirty),
    createdAt: row.created_at,
  };
}

function toPeriodRow(period: BillingPeriod): Record<string, unknown> {
  return {
    id: period.id,
    subscription_id: period.subscriptionId,
    kind: period.kind,
    period_start: period.periodStart,
    period_end: period.periodEnd,
    due_at: period.dueAt,
    state: period.state,
    reason: period.reason,
    plan_version_id: period.planVersionId,
    quantity: period.quantity,
    invoice_id: period.invoiceId,
    tiers_from: period.tiersFrom,
    in_force_from: period.inForceFrom,
    in_force_net: period.inForceNet === null ? null : Number(period.inForceNet),
    given_back_before: Number(period.givenBackBefore),
    billed_quantity: toDecimal(period.billedQuantity),
    billed_amount: period.billedAmount === null ? null : Number(period.billedAmount),
    billed_net: period.billedNet === null ? null : Number(period.billedNet),
    dirty: period.dirty,
    created_at: period.createdAt,
  };
}

/** Open and dirty rows of these subscriptions, and the rows of their present and next period. */
export async function loadPeriods(db: Db, subscriptionIds: string[]): Promise<BillingPeriod[]> {
  const rows = await db('billing_periods as b')
    .join('subscriptions as s', 's.id', 'b.subscription_id')
    .whereIn('b.subscription_id', inList(subscriptionIds))
    .andWhere((where) =>
      where.where('b.state', 'pending').orWhere('b.dirty', true).orWhereRaw('b.period_start >= s.current_period_start'),
    )
    .orderBy(['b.subscription_id', 'b.period_start', 'b.kind'])
    .select('b.*');
  return rows.map(toPeriod);
}

export const insertPeriods = (db: Db, periods: BillingPeriod[]): Promise<unknown> =>
  insertRows(db, 'billing_periods', periods.map(toPeriodRow));

/** The rows of a subscription as they shall be, and as they are stored. */
export interface Kept {
  periods: BillingPeriod[];
  stored: Map<string, BillingPeriod>;
}

/** Inserts the rows that are not stored yet: what bills them names them. */
export async function insertNewPeriods(db: Db, kept: readonly Kept[]): Promise<void> {
  const made: BillingPeriod[] = [];
  for (const { periods, stored } of kept)
    for (const row of periods) {
      if (stored.has(row.id)) continue;
      made.push(row);
      stored.set(row.id, { ...row });
    }
  await insertPeriods(db, made);
}

/** What the stored row must still be, so that nobody else has made a fact of it, or rated it (rules S5, U7). */
const GUARDS = ["state = 'pending'", 'dirty', "state <> 'pending'"] as const;
type Guard = (typeof GUARDS)[number];
const guardOf = ({ state, dirty }: BillingPeriod): Guard => GUARDS[state === 'pending' ? 0 : dirty ? 1 : 2];

/**
 * Compares the stored rows with those that shall be, by their id: changed ones are updated, those that are left out are
 * deleted; doing it again changes nothing. A fixed number of statements. Throws when a row is no longer what was read.
 */
export async function patchPeriods(db: Db, kept: readonly Kept[]): Promise<void> {
  const { changed, gone } = comparisonOf(kept);
  for (const [guard, rows] of changed) {
    const hit = await updateRows(db, 'billing_periods', 'id', rows, { onlyWhere: guard });
    if (hit !== rows.length) throw new Error(`${rows.length - hit} billing periods were billed by somebody else.`);
  }
  await deletePeriods(db, gone);
}

/** What is to be written, by what it is written over; from then on it counts as stored. */
function comparisonOf(kept: readonly Kept[]) {
  const changed = new Map<Guard, Record<string, unknown>[]>();
  const gone: string[] = [];
  for (const { periods, stored } of kept) {
    const left = new Set(stored.keys());
    for (const row of periods) {
      const before = stored.get(row.id)!;
      left.delete(row.id);
      if (!differs(row, before)) continue;
      const guard = guardOf(before);
      const rows = changed.get(guard);
      if (rows) rows.push(toPatch(row));
      else changed.set(guard, [toPatch(row)]);
      stored.set(row.id, { ...row });
    }
    for (const id of left) stored.delete(id);
    gone.push(...left);
  }
  return { changed, gone };
}

/** What never changes of a row stays out of its patch. */
function toPatch(period: BillingPeriod): Record<string, unknown> {
  const { subscription_id: _, kind: _kind, period_start: _start, created_at: _at, ...rest } = toPeriodRow(period);
  return rest;
}

function differs(a: BillingPeriod, b: BillingPeriod): boolean {
  for (const member of Object.keys(a) as (keyof BillingPeriod)[]) if (a[member] !== b[member]) return true;
  return false;
}

async function deletePeriods(db: Db, ids: string[]): Promise<void> {
  for (let i = 0; i < ids.length; i += 1000)
    await db('billing_periods')
      .whereIn('id', inList(ids.slice(i, i + 1000)))
      .delete();
}

/** A person voided the invoice: what it billed is given up and not billed again by itself (rules S4, I4). */
export async function waivePeriods(db: Db, invoiceId: string): Promise<void> {
  const waived = { state: 'waived', reason: 'waived', invoice_id: null };
  const mine = { invoice_id: invoiceId, state: 'invoiced' };
  await db('billing_periods')
    .where({ ...mine, kind: 'advance' })
    .update({ ...waived, in_force_net: 0, given_back_before: 0 });
  const unbilled = { billed_quantity: null, billed_amount: null, billed_net: null, dirty: false };
  await db('billing_periods')
    .where({ ...mine, kind: 'usage' })
    .update({ ...waived, ...unbilled });
}

/** Usage rows that this invoice billed late usage of, after another invoice had billed them: id and net billed so far. */
export async function lateUsageOn(db: Db, invoiceId: string): Promise<{ id: string; billedNet: bigint }[]> {
  const rows = await db('billing_periods as p')
    .join('invoice_lines as l', 'l.billing_period_id', 'p.id')
    .where({ 'l.invoice_id': invoiceId, 'p.kind': 'usage', 'p.state': 'invoiced' })
    .whereNot('p.invoice_id', invoiceId)
    .distinct('p.id', 'p.billed_net');
  return rows.map((row: Row) => ({ id: row.id, billedNet: money(row.billed_net) }));
}

export const updateBilledNet = (db: Db, rows: { id: string; billedNet: bigint }[]): Promise<number> =>
  updateRows(
    db,
    'billing_periods',
    'id',
    rows.map(({ id, billedNet }) => ({ id, billed_net: Number(billedNet) })),
  );
