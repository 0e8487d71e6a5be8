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

/** Throws when a row was no longer pending: somebody else made it a fact (rules S5). */
export async function updatePendingPeriods(db: Db, periods: BillingPeriod[]): Promise<void> {
  const rows = periods.map((period) => {
    const {
      subscription_id: _,
      kind: _kind,
      period_start: _start,
      dirty: _dirty,
      created_at: _at,
      ...rest
    } = toPeriodRow(period);
    return rest;
  });
  const hit = await updateRows(db, 'billing_periods', 'id', rows, { onlyWhere: "state = 'pending'" });
  if (hit !== periods.length) throw new Error(`${periods.length - hit} billing periods were billed by somebody else.`);
}

/** Throws when a row was not dirty any more: somebody else has rated it (rules U7). */
export async function updateRatedPeriods(db: Db, periods: BillingPeriod[]): Promise<void> {
  const rows = periods.map((period) => {
    const { id, state, reason, invoice_id, billed_quantity, billed_amount, billed_net, dirty } = toPeriodRow(period);
    return { id, state, reason, invoice_id, billed_quantity, billed_amount, billed_net, dirty };
  });
  const hit = await updateRows(db, 'billing_periods', 'id', rows, { onlyWhere: 'dirty' });
  if (hit !== periods.length) throw new Error(`${periods.length - hit} usage periods were rated by somebody else.`);
}

/** A charge that is taken back or made anew: the row is a plan again (rules Q3, Q9). */
export async function reopenPeriods(db: Db, ids: string[]): Promise<void> {
  for (let i = 0; i < ids.length; i += 1000)
    await db('billing_periods')
      .whereIn('id', inList(ids.slice(i, i + 1000)))
      .update({
        ...{ state: 'pending', reason: null, invoice_id: null },
        ...{ in_force_from: null, in_force_net: null, given_back_before: 0 },
      });
}

export async function deletePendingPeriods(db: Db, ids: string[]): Promise<void> {
  for (let i = 0; i < ids.length; i += 1000)
    await db('billing_periods')
      .whereIn('id', inList(ids.slice(i, i + 1000)))
      .andWhere({ state: 'pending' })
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
