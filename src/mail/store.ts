import { addMilliseconds, type Instant } from '../platform/calendar.ts';
import { insertRows } from '../platform/db/bulk.ts';
import { int, json, toJson } from '../platform/db/columns.ts';
import { type Db, dialectOf } from '../platform/db/connect.ts';
import { query } from '../platform/db/sql.ts';

export type Template = 'invoice' | 'payment_received' | 'trial_ending' | 'subscription_canceled';

/** An e-mail to be sent: what it is about, not yet its words. */
export interface NewEmail {
  id: string;
  eventId: string | null;
  recipient: string;
  template: Template;
  data: Record<string, unknown>;
  at: Instant;
}

export interface ClaimedEmail {
  id: string;
  recipient: string;
  template: Template;
  data: Record<string, unknown>;
  /** Tries so far, this one included. */
  attempts: number;
  createdAt: Instant;
}

/** One row per event, template and recipient (rules E10); a row that is there already stays. */
export const insertEmails = (db: Db, emails: readonly NewEmail[]): Promise<number> =>
  insertRows(
    db,
    'emails',
    emails.map((email) => ({
      id: email.id,
      event_id: email.eventId,
      recipient: email.recipient,
      template: email.template,
      data: toJson(email.data),
      state: 'pending',
      attempts: 0,
      next_attempt_at: email.at,
      created_at: email.at,
    })),
    { ignoreConflictsOn: 'any' },
  );

/**
 * Takes the next due e-mails: for `leaseMs` nobody else takes them, and who dies meanwhile loses no more than a try.
 * One statement, which commits at once.
 */
export async function claimEmails(db: Db, now: Instant, leaseMs: number, limit: number): Promise<ClaimedEmail[]> {
  const skip = dialectOf(db) === 'postgres' ? 'for update skip locked' : '';
  // biome-ignore lint/suspicious/noExplicitAny: rows as either driver answers them
  const rows = await query<any>(
    db,
    `update emails set attempts = attempts + 1, next_attempt_at = ? where state = 'pending' and id in (
       select id from emails where state = 'pending' and next_attempt_at <= ?
       order by next_attempt_at, id limit ${limit} ${skip})
     returning id, recipient, template, data, attempts, created_at`,
    [addMilliseconds(now, leaseMs), now],
  );
  return rows.map((row) => ({
    id: row.id,
    recipient: row.recipient,
    template: row.template,
    data: json(row.data),
    attempts: int(row.attempts),
    createdAt: row.created_at,
  }));
}

export const markSent = (db: Db, id: string, now: Instant): Promise<number> =>
  db('emails')
    .where({ id, state: 'pending' })
    .update({ state: 'sent', sent_at: now, next_attempt_at: null, last_error: null });

/** Only of the try it was: a later one knows better. Without `nextAt` there is no further try. */
export const markFailed = (
  db: Db,
  { id, attempts }: Pick<ClaimedEmail, 'id' | 'attempts'>,
  error: string,
  nextAt: Instant | null,
): Promise<number> =>
  db('emails')
    .where({ id, state: 'pending', attempts })
    .update({ state: nextAt === null ? 'failed' : 'pending', next_attempt_at: nextAt, last_error: error });
