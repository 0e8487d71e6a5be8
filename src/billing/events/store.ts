import { raiseCounters } from '../../platform/counters.ts';
import { insertRows } from '../../platform/db/bulk.ts';
import type { Db } from '../../platform/db/connect.ts';
import { inList } from '../../platform/db/in-list.ts';
import type { PageRequest } from '../../platform/http/pagination.ts';
import type { NewEvent, Work } from '../../platform/work.ts';
import { type EventType, eventBody, orderEvents } from './event.ts';

/** An event as it was written. */
export interface WrittenEvent extends NewEvent {
  id: string;
}

/** Writes the events of a unit of work as its last step; takes the sequence of each customer (rules E1, E2, X3). */
export async function writeEvents(work: Work): Promise<WrittenEvent[]> {
  if (work.events.length === 0) return [];
  const events = orderEvents(work.events);
  const counts = new Map<string, number>();
  for (const { customerId } of events) {
    if (customerId) counts.set(counterOf(customerId), (counts.get(counterOf(customerId)) ?? 0) + 1);
  }
  const next = new Map<string, number>();
  for (const [scope, value] of await raiseCounters(work.db, counts)) next.set(scope, value - counts.get(scope)!);
  const rows = events.map((event) => {
    const id = `evt_${work.newId()}`;
    const sequence = event.customerId ? next.get(counterOf(event.customerId))! + 1 : null;
    if (event.customerId) next.set(counterOf(event.customerId), sequence!);
    return {
      id,
      type: event.type,
      customer_id: event.customerId,
      sequence,
      resource_type: event.resourceType,
      resource_id: event.resourceId,
      body: eventBody(id, event, work.now, sequence),
      created_at: work.now,
    };
  });
  await insertRows(work.db, 'events', rows);
  return events.map((event, i) => ({ ...event, id: rows[i]!.id }));
}

const counterOf = (customerId: string) => `events:${customerId}`;

export interface StoredEvent {
  id: string;
  position: number;
  body: string;
}
export interface EventFilter {
  types?: EventType[] | undefined;
  resourceId?: string | undefined;
  customerId?: string | undefined;
}

/** Positioned events only (rules E2): newest first, or oldest first after a position. Up to `limit + 1` rows. */
export async function listEvents(
  db: Db,
  filter: EventFilter,
  page: PageRequest,
  order: 'newest' | 'oldest',
): Promise<StoredEvent[]> {
  const query = db('events')
    .select('id', 'position', 'body')
    .whereNotNull('position')
    .orderBy('position', order === 'newest' ? 'desc' : 'asc')
    .limit(page.limit + 1);
  if (page.after !== undefined) query.where('position', order === 'newest' ? '<' : '>', Number(page.after));
  if (filter.types) query.whereIn('type', filter.types);
  if (filter.resourceId) query.where({ resource_id: filter.resourceId });
  if (filter.customerId) query.where({ customer_id: filter.customerId });
  return await query;
}

export async function findEvent(db: Db, id: string): Promise<StoredEvent | undefined> {
  const rows: StoredEvent[] = await db('events')
    .select('id', 'position', 'body')
    .where({ id })
    .whereNotNull('position');
  return rows[0];
}

/** Events as they were written, positioned or not. */
export async function eventsById(
  db: Db,
  ids: string[],
): Promise<Pick<WrittenEvent, 'id' | 'type' | 'customerId' | 'data'>[]> {
  const rows: { id: string; type: string; customer_id: string | null; body: string }[] = await db('events')
    .whereIn('id', inList(ids))
    .orderBy('id')
    .select('id', 'type', 'customer_id', 'body');
  return rows.map(({ id, type, customer_id: customerId, body }) => ({
    id,
    type,
    customerId,
    data: JSON.parse(body).data,
  }));
}
