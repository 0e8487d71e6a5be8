import type { Db } from '../../platform/db/connect.ts';
import { invalid, notFound } from '../../platform/errors.ts';
import type { Handlers } from '../../platform/http/operations.ts';
import { type PageRequest, paged, pageRequest, readPage, readRows } from '../../platform/http/pagination.ts';
import { typesOf } from './event.ts';
import * as store from './store.ts';

export const events: Handlers<'events'> = {
  async listEvents({ query }, { db }) {
    if (query.after && query.cursor) throw invalid({ after: 'cannot be used together with cursor' });
    const types = query.type === undefined ? undefined : typesOf(query.type);
    if (query.type !== undefined && !types)
      throw invalid({ type: 'is not an event type or a group such as invoice.*' });
    const filter = { types, resourceId: query.resourceId, customerId: query.customerId };
    if (query.after) return listAfter(db, filter, query.after, query);
    const read = (step: PageRequest) => store.listEvents(db, filter, step, 'newest');
    return paged(await readPage('events', query, { keyOf: positionOf, isKey: isPosition, read }), present);
  },

  async getEvent({ path }, { db }) {
    const event = await store.findEvent(db, path.id);
    if (!event) throw notFound('event');
    return present(event);
  },
};

/** Oldest first, strictly after an event; the next page goes on after the last event shown. */
async function listAfter(db: Db, filter: store.EventFilter, after: string, query: { limit?: number }) {
  const start = await store.findEvent(db, after);
  if (!start) throw invalid({ after: 'is not a known event' });
  const page = { ...pageRequest('events', { limit: query.limit }), after: String(start.position) };
  const read = (step: PageRequest) => store.listEvents(db, filter, step, 'oldest');
  const { rows, more } = await readRows(page, { keyOf: positionOf, read });
  const last = rows.at(-1);
  return paged({ rows, next: more && last ? { parameter: 'after', value: last.id } : undefined }, present);
}

const isPosition = (key: string) => /^[1-9]\d{0,14}$/.test(key);
const positionOf = (event: store.StoredEvent) => String(event.position);
const present = (event: store.StoredEvent) => JSON.parse(event.body);
