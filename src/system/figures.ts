import { addMilliseconds, type Instant } from '../platform/calendar.ts';
import type { Db } from '../platform/db/connect.ts';
import { query } from '../platform/db/sql.ts';
import type { Figure } from './metrics.ts';

const OVERDUE_AFTER_MS = 3_600_000;

const FIGURES = {
  events_unpositioned: {
    help: 'Events that have no position yet',
    sql: 'SELECT count(*) FROM events WHERE position IS NULL',
  },
  billing_periods_overdue: {
    help: 'Billing periods that have been due for more than an hour',
    sql: "SELECT count(*) FROM billing_periods WHERE state = 'pending' AND due_at < ?",
  },
  billing_parked: {
    help: 'Subscriptions that are not billed until somebody looks at them',
    sql: 'SELECT count(*) FROM parked_items WHERE resolved_at IS NULL',
  },
  licenses_unsigned: {
    help: 'Licences that wait to be signed again',
    sql: "SELECT count(*) FROM licenses WHERE unsigned_since IS NOT NULL AND status <> 'revoked'",
  },
  put_off_work: {
    help: 'What could not be made beside money and is made later',
    sql: 'SELECT count(*) FROM put_off',
  },
  emails_pending: {
    help: 'E-mails that are still to be sent',
    sql: "SELECT count(*) FROM emails WHERE state = 'pending'",
  },
  emails_failed: {
    help: 'E-mails that could not be sent and are not tried again',
    sql: "SELECT count(*) FROM emails WHERE state = 'failed'",
  },
};

/** The business figures of rules §22, by one statement. */
export async function readFigures(db: Db, now: Instant): Promise<Figure[]> {
  const names = Object.keys(FIGURES) as (keyof typeof FIGURES)[];
  const columns = names.map((name) => `(${FIGURES[name].sql}) AS ${name}`);
  const dueBefore = addMilliseconds(now, -OVERDUE_AFTER_MS);
  const [row] = await query<Record<string, unknown>>(db, `SELECT ${columns.join(', ')}`, [dueBefore]);
  return names.map((name) => ({ name, help: FIGURES[name].help, value: Number(row?.[name]) }));
}
