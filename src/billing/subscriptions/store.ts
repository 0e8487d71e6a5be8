import { insertRows, updateRows } from '../../platform/db/bulk.ts';
import { bool, int, json, optionalMoney } from '../../platform/db/columns.ts';
import type { Db } from '../../platform/db/connect.ts';
import { inList } from '../../platform/db/in-list.ts';
import type { PageRequest } from '../../platform/http/pagination.ts';
import type { Scope } from '../../platform/http/principal.ts';
import type { BillingPeriod, Subscription } from './subscription.ts';

// biome-ignore lint/suspicious/noExplicitAny: a row as either driver answers it; the mappers below give it its type
type Row = any;

/** A subscription with the names shown beside it. */
export interface NamedSubscription extends Subscription {
  customerName: string;
  planName: string;
  planVersion: number;
}

export function toSubscription(row: Row): Subscription {
  return {
    id: row.id,
    customerId: row.customer_id,
    planId: row.plan_id,
    planVersionId: row.plan_version_id,
    status: row.status,
    currency: row.currency,
    quantity: int(row.quantity),
    billingCycle: row.billing_cycle,
    anchorAt: row.anchor_at,
    periodIndex: int(row.period_index),
    currentPeriodStart: row.current_period_start,
    currentPeriodEnd: row.current_period_end,
    trialEnd: row.trial_end,
    trialNoticeAt: row.trial_notice_at,
    cancelAtPeriodEnd: bool(row.cancel_at_period_end),
    canceledAt: row.canceled_at,
    cancelReason: row.cancel_reason,
    pausedAt: row.paused_at,
    pauseReason: row.pause_reason,
    preRenewalInvoiceDays: int(row.pre_renewal_invoice_days),
    managedBy: row.managed_by,
    couponCode: row.coupon_code,
    nextActionAt: row.next_action_at,
    errorCount: int(row.error_count),
    lastError: row.last_error,
    metadata: json(row.metadata),
    version: int(row.version),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

function toRow(sub: Subscription): Record<string, unknown> {
  return {
    id: sub.id,
    customer_id: sub.customerId,
    plan_id: sub.planId,
    plan_version_id: sub.planVersionId,
    status: sub.status,
    currency: sub.currency,
    quantity: sub.quantity,
    billing_cycle: sub.billingCycle,
    anchor_at: sub.anchorAt,
    period_index: sub.periodIndex,
    current_period_start: sub.currentPeriodStart,
    current_period_end: sub.currentPeriodEnd,
    trial_end: sub.trialEnd,
    trial_notice_at: sub.trialNoticeAt,
    cancel_at_period_end: sub.cancelAtPeriodEnd,
    canceled_at: sub.canceledAt,
    cancel_reason: sub.cancelReason,
    paused_at: sub.pausedAt,
    pause_reason: sub.pauseReason,
    pre_renewal_invoice_days: sub.preRenewalInvoiceDays,
    coupon_code: sub.couponCode,
    next_action_at: sub.nextActionAt,
    error_count: sub.errorCount,
    last_error: sub.lastError,
    metadata: JSON.stringify(sub.metadata),
    version: sub.version,
    created_at: sub.createdAt,
    updated_at: sub.updatedAt,
  };
}

export const insertSubscription = (db: Db, sub: Subscription): Promise<unknown> =>
  insertRows(db, 'subscriptions', [toRow(sub)]);

/** Writes everything that can change after the creation. */
export async function updateSubscriptions(db: Db, subs: Subscription[]): Promise<void> {
  const rows = subs.map((sub) => {
    const { customer_id: _c, currency: _cur, coupon_code: _code, created_at: _at, ...rest } = toRow(sub);
    return rest;
  });
  await updateRows(db, 'subscriptions', 'id', rows);
}

const named = (db: Db) =>
  db('subscriptions as s')
    .join('customers as c', 'c.id', 's.customer_id')
    .join('plans as p', 'p.id', 's.plan_id')
    .join('plan_versions as v', 'v.id', 's.plan_version_id')
    .select('s.*', 'c.name as customer_name', 'p.name as plan_name', 'v.number as plan_version');

const toNamed = (row: Row): NamedSubscription => ({
  ...toSubscription(row),
  customerName: row.customer_name,
  planName: row.plan_name,
  planVersion: int(row.plan_version),
});

export interface SubscriptionFilter {
  status?: string | undefined;
  customerId?: string | undefined;
  planId?: string | undefined;
}

/** Newest first, up to `limit + 1` rows. */
export async function listSubscriptions(
  db: Db,
  scope: Scope,
  filter: SubscriptionFilter,
  page: PageRequest,
): Promise<NamedSubscription[]> {
  const query = named(db)
    .orderBy('s.id', 'desc')
    .limit(page.limit + 1);
  if (scope !== null) query.where('s.customer_id', scope);
  if (filter.status) query.where('s.status', filter.status);
  if (filter.customerId) query.where('s.customer_id', filter.customerId);
  if (filter.planId) query.where('s.plan_id', filter.planId);
  if (page.after) query.where('s.id', '<', page.after);
  return (await query).map(toNamed);
}

export async function findSubscription(db: Db, scope: Scope, id: string): Promise<NamedSubscription | undefined> {
  const query = named(db).where('s.id', id);
  if (scope !== null) query.where('s.customer_id', scope);
  const [row] = await query;
  return row && toNamed(row);
}

/** Locks the rows in id order (rules X3). */
export async function lockSubscriptions(db: Db, ids: string[]): Promise<Subscription[]> {
  const rows = await db('subscriptions').whereIn('id', inList(ids)).orderBy('id').forNoKeyUpdate();
  return rows.map(toSubscription);
}

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
    inForceFrom: row.in_force_from,
    inForceNet: optionalMoney(row.in_force_net),
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
    in_force_from: period.inForceFrom,
    in_force_net: period.inForceNet === null ? null : Number(period.inForceNet),
    dirty: false,
    created_at: period.createdAt,
  };
}

/** Open rows of these subscriptions, and the rows of their present and next period. */
export async function loadPeriods(db: Db, subscriptionIds: string[]): Promise<BillingPeriod[]> {
  const rows = await db('billing_periods as b')
    .join('subscriptions as s', 's.id', 'b.subscription_id')
    .whereIn('b.subscription_id', inList(subscriptionIds))
    .andWhere((where) => where.where('b.state', 'pending').orWhereRaw('b.period_start >= s.current_period_start'))
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

/** A withdrawn charge: the row is a plan again (rules Q9). */
export async function reopenPeriods(db: Db, ids: string[]): Promise<void> {
  for (let i = 0; i < ids.length; i += 1000)
    await db('billing_periods')
      .whereIn('id', inList(ids.slice(i, i + 1000)))
      .andWhere({ state: 'invoiced' })
      .update({ state: 'pending', invoice_id: null, in_force_from: null, in_force_net: null });
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
    .update({ ...waived, in_force_net: 0 });
  await db('billing_periods')
    .where({ ...mine, kind: 'usage' })
    .update(waived);
}
