import { insertRows, updateRows } from '../../../platform/db/bulk.ts';
import { bool, int, json, optionalJson } from '../../../platform/db/columns.ts';
import type { Db } from '../../../platform/db/connect.ts';
import { inList } from '../../../platform/db/in-list.ts';
import type { PageRequest } from '../../../platform/http/pagination.ts';
import type { Scope } from '../../../platform/http/principal.ts';
import type { Subscription } from '../subscription.ts';

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
    endingBy: row.ending_by,
    canceledAt: row.canceled_at,
    cancelReason: row.cancel_reason,
    pausedAt: row.paused_at,
    pauseReason: row.pause_reason,
    pausedBy: row.paused_by,
    pendingChange: optionalJson(row.pending_change),
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
    ending_by: sub.endingBy,
    canceled_at: sub.canceledAt,
    cancel_reason: sub.cancelReason,
    paused_at: sub.pausedAt,
    pause_reason: sub.pauseReason,
    paused_by: sub.pausedBy,
    pending_change: sub.pendingChange && JSON.stringify(sub.pendingChange),
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

export const insertSubscriptions = (db: Db, subs: Subscription[]): Promise<unknown> =>
  insertRows(db, 'subscriptions', subs.map(toRow));

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

/** The ids of a customer's subscriptions, for a condition on rows that belong to one. */
export const ownSubscriptions = (db: Db, customerId: string) =>
  db('subscriptions').where({ customer_id: customerId }).select('id');

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
