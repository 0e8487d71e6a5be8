import type { ClaimedRow, Queue } from '../outbox/store.ts';
import type { Instant } from '../platform/calendar.ts';
import { insertRows } from '../platform/db/bulk.ts';
import { json, toJson } from '../platform/db/columns.ts';
import type { Db } from '../platform/db/connect.ts';

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

/** Its claims and outcomes are the outbox's (rules E10, E11). */
export const EMAILS: Queue = { table: 'emails', state: 'state', done: 'sent', doneAt: 'sent_at' };

export const toEmail = ({ id, row }: ClaimedRow): ClaimedEmail => ({
  id,
  recipient: row.recipient as string,
  template: row.template as Template,
  data: json(row.data),
  createdAt: row.created_at as Instant,
});
