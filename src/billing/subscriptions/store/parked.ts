import { int, json } from '../../../platform/db/columns.ts';
import type { Db } from '../../../platform/db/connect.ts';
import type { PageRequest } from '../../../platform/http/pagination.ts';

/** A subscription whose billing fails for a reason that a retry cannot cure (rules S12). */
export interface ParkedItem {
  id: string;
  subscriptionId: string;
  customerId: string;
  code: string;
  message: string;
  evidence: Record<string, unknown>;
  attempts: number;
  parkedAt: string;
  resolvedAt: string | null;
  createdAt: string;
}

interface Row {
  id: string;
  subscription_id: string;
  customer_id: string;
  code: string;
  message: string;
  evidence: string;
  attempts: number;
  parked_at: string;
  resolved_at: string | null;
  created_at: string;
}

const toItem = (row: Row): ParkedItem => ({
  id: row.id,
  subscriptionId: row.subscription_id,
  customerId: row.customer_id,
  code: row.code,
  message: row.message,
  evidence: json(row.evidence),
  attempts: int(row.attempts),
  parkedAt: row.parked_at,
  resolvedAt: row.resolved_at,
  createdAt: row.created_at,
});

/** Parks a subscription, or counts one more failed try of the one that is parked. */
export async function park(db: Db, item: ParkedItem): Promise<void> {
  const open = await findUnresolvedParked(db, item.subscriptionId);
  if (open) {
    const { message, evidence } = item;
    await db('parked_items')
      .where({ id: open.id })
      .update({ attempts: open.attempts + 1, message, evidence: JSON.stringify(evidence) });
    return;
  }
  await db('parked_items').insert({
    id: item.id,
    subscription_id: item.subscriptionId,
    customer_id: item.customerId,
    code: item.code,
    message: item.message,
    evidence: JSON.stringify(item.evidence),
    attempts: item.attempts,
    parked_at: item.parkedAt,
    resolved_at: null,
    created_at: item.createdAt,
  });
}

export async function findUnresolvedParked(db: Db, subscriptionId: string): Promise<ParkedItem | undefined> {
  const [row] = await db('parked_items').where({ subscription_id: subscriptionId }).whereNull('resolved_at');
  return row && toItem(row);
}

export async function findParked(db: Db, id: string): Promise<ParkedItem | undefined> {
  const [row] = await db('parked_items').where({ id });
  return row && toItem(row);
}

export const resolveParked = (db: Db, id: string, now: string): Promise<number> =>
  db('parked_items').where({ id }).whereNull('resolved_at').update({ resolved_at: now });

/** Newest first, resolved ones included; up to `limit + 1` rows. */
export async function listParked(db: Db, customerId: string | undefined, page: PageRequest): Promise<ParkedItem[]> {
  const query = db('parked_items')
    .orderBy('id', 'desc')
    .limit(page.limit + 1);
  if (customerId) query.where({ customer_id: customerId });
  if (page.after) query.where('id', '<', page.after);
  return (await query).map(toItem);
}
