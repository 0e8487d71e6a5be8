import type { Instant } from '../../platform/calendar.ts';
import type { Db } from '../../platform/db/connect.ts';
import { inList } from '../../platform/db/in-list.ts';
import { query } from '../../platform/db/sql.ts';
import { type Check, marks, pageCheck, sqlCheck } from './check.ts';

interface Changed {
  id: string;
  subscription_id: string;
  in_force_from: Instant;
}

/** INV12 for since when the present terms of a period count: from its start, or from a change that was told. */
export const inForceChecks: Check[] = [
  sqlCheck(
    'INV12',
    'what is in force for a period counts from outside of it',
    `select id from billing_periods where kind = 'advance' and (
       (in_force_from is null) <> (in_force_net is null) or in_force_from < period_start or in_force_from > period_end)`,
  ),
  pageCheck<Changed>(
    'INV12',
    'what is in force counts from an instant when nothing was changed',
    `select id, subscription_id, in_force_from from billing_periods where id > ? and in_force_from > period_start
       and subscription_id not in (select resource_id from events where position is null) order by id`,
    findUnchanged,
  ),
];

async function findUnchanged(db: Db, rows: Changed[]): Promise<string[]> {
  const ids = inList(rows.map(({ subscription_id: id }) => id));
  const events = await query<{ resource_id: string; body: string }>(
    db,
    `select resource_id, body from events where resource_id in (${marks(ids)}) and position is not null
       and type = 'subscription.plan_changed'`,
    ids,
  );
  const changes = new Set(events.map(({ resource_id: id, body }) => `${id} ${effectiveAt(body)}`));
  return rows.filter((row) => !changes.has(`${row.subscription_id} ${row.in_force_from}`)).map(({ id }) => id);
}

/** Of an event that cannot be read: INV26. */
function effectiveAt(body: string): unknown {
  try {
    return JSON.parse(body).data.effectiveAt;
  } catch {
    return undefined;
  }
}
