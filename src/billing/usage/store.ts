import type { Instant } from '../../platform/calendar.ts';
import { insertRows } from '../../platform/db/bulk.ts';
import { big, int, json } from '../../platform/db/columns.ts';
import { type Db, dialectOf } from '../../platform/db/connect.ts';
import { query } from '../../platform/db/sql.ts';
import type { PageRequest } from '../../platform/http/pagination.ts';
import type { Scope } from '../../platform/http/principal.ts';
import { joinValue, splitValue } from '../metering/value.ts';
import { ownSubscriptions } from '../subscriptions/store/subscriptions.ts';
import type { Authority } from '../subscriptions/subscription.ts';
import type { SentEvent, UsageEvent } from './usage-event.ts';

/** An event that is about to be stored. */
export interface NewUsageEvent extends SentEvent {
  id: string;
  uniqueValue: string | null;
}

/** An event already stored under a key. */
export interface KnownKey {
  id: string;
  payloadHash: string;
}

/**
 * Stores the events but those whose key is taken, also by a request that has not committed yet: it is waited for.
 * Answers how many were stored. Written in the order of the keys, so that two batches never wait for each other.
 */
export function insertEvents(
  db: Db,
  reportedBy: Authority,
  events: readonly NewUsageEvent[],
  now: Instant,
): Promise<number> {
  const rows = events.map((event) => {
    const { whole, frac } = splitValue(event.value);
    return {
      id: event.id,
      subscription_id: event.subscriptionId,
      metric: event.metric,
      timestamp: event.timestamp,
      value_whole: whole,
      value_frac: Number(frac),
      unique_value: event.uniqueValue,
      reported_by: reportedBy,
      idempotency_key: event.idempotencyKey,
      payload_hash: event.payloadHash,
      properties: JSON.stringify(event.properties),
      voided_at: null,
      created_at: now,
    };
  });
  rows.sort((a, b) => order(a.subscription_id, b.subscription_id) || order(a.idempotency_key, b.idempotency_key));
  return insertRows(db, 'usage_events', rows, { ignoreConflictsOn: 'any' });
}

const order = (a: string | null, b: string | null): number => ((a ?? '') < (b ?? '') ? -1 : a === b ? 0 : 1);

/** `${subscriptionId} ${key}` -> the stored event, for the pairs that this reporter has used; one statement. */
export async function findByKeys(
  db: Db,
  reportedBy: Authority,
  pairs: readonly { subscriptionId: string; key: string }[],
): Promise<Map<string, KnownKey>> {
  if (pairs.length === 0) return new Map();
  const [wanted, values] = pairsOf(db, pairs);
  const rows = await query<{ id: string; subscription_id: string; idempotency_key: string; payload_hash: string }>(
    db,
    `select e.id, e.subscription_id, e.idempotency_key, e.payload_hash from ${wanted}
     join usage_events e on e.subscription_id = w.subscription_id and e.idempotency_key = w.key
     where e.reported_by = ?`,
    [...values, reportedBy],
  );
  return new Map(
    rows.map((row) => [`${row.subscription_id} ${row.idempotency_key}`, { id: row.id, payloadHash: row.payload_hash }]),
  );
}

function pairsOf(db: Db, pairs: readonly { subscriptionId: string; key: string }[]): [sql: string, values: unknown[]] {
  const columns = [pairs.map(({ subscriptionId }) => subscriptionId), pairs.map(({ key }) => key)];
  if (dialectOf(db) === 'postgres') return ['unnest(?::text[], ?::text[]) as w(subscription_id, key)', columns];
  const list = JSON.stringify(pairs.map(({ subscriptionId, key }) => [subscriptionId, key]));
  const sql = `(select j.value ->> 0 as subscription_id, j.value ->> 1 as key from json_each(?) j)`;
  return [`${sql} as w`, [list]];
}

export interface UsageFilter {
  subscriptionId?: string | undefined;
  metricName?: string | undefined;
  from?: Instant | undefined;
  to?: Instant | undefined;
}

const COLUMNS = `id, subscription_id, metric, timestamp, cast(value_whole as text) as value_whole, value_frac,
  idempotency_key, properties, voided_at, created_at`;

/** Newest first, up to `limit + 1` rows. */
export async function listEvents(db: Db, scope: Scope, filter: UsageFilter, page: PageRequest): Promise<UsageEvent[]> {
  const rows = db('usage_events')
    .select(db.raw(COLUMNS))
    .orderBy('id', 'desc')
    .limit(page.limit + 1);
  if (scope !== null) rows.whereIn('subscription_id', ownSubscriptions(db, scope));
  if (filter.subscriptionId) rows.where({ subscription_id: filter.subscriptionId });
  if (filter.metricName) rows.where({ metric: filter.metricName });
  if (filter.from) rows.where('timestamp', '>=', filter.from);
  if (filter.to) rows.where('timestamp', '<', filter.to);
  if (page.after) rows.where('id', '<', page.after);
  return (await rows).map(toEvent);
}

/** Events of each metric of a subscription with `from` <= timestamp < `to`, voided ones left out. */
export async function countByMetric(db: Db, subscriptionId: string, from: Instant, to: Instant) {
  const rows = await query<{ metric: string; found: unknown }>(
    db,
    `select metric, count(*) as found from usage_events where subscription_id = ? and timestamp >= ? and timestamp < ?
       and voided_at is null group by metric`,
    [subscriptionId, from, to],
  );
  return new Map(rows.map(({ metric, found }) => [metric, int(found)]));
}

/** For callers who see every row. */
export async function findEvent(db: Db, id: string): Promise<UsageEvent | undefined> {
  const [row] = await query<object>(db, `select ${COLUMNS} from usage_events where id = ?`, [id]);
  return row && toEvent(row);
}

/** False when it is voided already. */
export async function voidEvent(db: Db, id: string, now: Instant): Promise<boolean> {
  return (await db('usage_events').where({ id, voided_at: null }).update({ voided_at: now })) === 1;
}

// biome-ignore lint/suspicious/noExplicitAny: a row as either driver answers it; this gives it its type
const toEvent = (row: any): UsageEvent => ({
  id: row.id,
  subscriptionId: row.subscription_id,
  metric: row.metric,
  value: joinValue(big(row.value_whole), big(row.value_frac)),
  timestamp: row.timestamp,
  idempotencyKey: row.idempotency_key,
  properties: json(row.properties),
  voidedAt: row.voided_at,
  createdAt: row.created_at,
});
