import type { Instant } from '../../platform/calendar.ts';
import type { Db } from '../../platform/db/connect.ts';
import { inList } from '../../platform/db/in-list.ts';
import { query } from '../../platform/db/sql.ts';
import { type Check, marks, pageCheck } from './check.ts';
import { TOLD } from './told-members.ts';

interface Event {
  id: string;
  type: string;
  customer_id: string | null;
  sequence: unknown;
  resource_id: string;
  body: string;
  created_at: Instant;
}

/** The text that was sent, read; undefined when it cannot be. */
interface Body {
  id: unknown;
  type: unknown;
  createdAt: unknown;
  sequence: unknown;
  data: Record<string, unknown>;
}

// biome-ignore lint/suspicious/noExplicitAny: a row as either driver answers it
type Row = any;

/** INV26: what was told is what happened. */
export const toldChecks: Check[] = [
  pageCheck<Event>(
    'INV26',
    'an event says something else than its row',
    'select id, type, customer_id, sequence, resource_id, body, created_at from events where id > ? order by id',
    findMistold,
  ),
];

async function findMistold(db: Db, events: Event[]): Promise<string[]> {
  const facts = await factsOf(db, events);
  return events
    .filter((event) => !isTold(event, facts.get(`${TOLD[event.type]?.table} ${event.resource_id}`)))
    .map(({ id }) => id);
}

/** The rows that events of a page tell of, by table and id; one statement per table. */
async function factsOf(db: Db, events: Event[]): Promise<Map<string, Row>> {
  const facts = new Map<string, Row>();
  const byTable = Map.groupBy(events, ({ type }) => TOLD[type]?.table);
  for (const [table, told] of byTable) {
    if (table === undefined) continue;
    const ids = inList(told.map(({ resource_id: id }) => id));
    const rows: Row[] = await query(db, `select * from ${table} where id in (${marks(ids)})`, ids);
    for (const row of rows) facts.set(`${table} ${row.id}`, row);
  }
  return facts;
}

function bodyOf({ body }: Event): Body | undefined {
  try {
    const read = JSON.parse(body);
    return typeof read?.data === 'object' && read.data !== null ? read : undefined;
  } catch {
    return undefined;
  }
}

/** A row that is gone, or was never there, is a matter of INV16. */
function isTold(event: Event, row: Row | undefined): boolean {
  const body = bodyOf(event);
  if (!body || !isHead(event, body)) return false;
  const told = TOLD[event.type];
  if (!told || !row) return true;
  if (told.at && told.at(row) !== event.created_at) return false;
  return Object.entries(told.members(row, body.data)).every(([member, value]) => body.data[member] === value);
}

const isHead = (event: Event, body: Body): boolean =>
  body.id === event.id &&
  body.type === event.type &&
  body.createdAt === event.created_at &&
  body.sequence === (event.sequence === null ? null : Number(event.sequence)) &&
  (body.data.customerId === undefined || body.data.customerId === event.customer_id);
