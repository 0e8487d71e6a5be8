import { dropTables, fixed, type Migration, refuse } from './migration.ts';

export const emails: Migration = {
  name: '0015-emails',
  up: [
    `CREATE TABLE emails (
      id {id} PRIMARY KEY,
      event_id {id} REFERENCES events (id),
      recipient {text} NOT NULL,
      template {text} NOT NULL,
      data {json} NOT NULL,
      state {text} NOT NULL CHECK (state IN ('pending', 'sent', 'failed')),
      attempts {int} NOT NULL CHECK (attempts >= 0),
      next_attempt_at {ts},
      last_error {text},
      sent_at {ts},
      created_at {ts} NOT NULL,
      CHECK ((state = 'pending') = (next_attempt_at IS NOT NULL)),
      CHECK ((state = 'sent') = (sent_at IS NOT NULL)),
      CHECK (state <> 'failed' OR last_error IS NOT NULL)
    ) {strict}`,
    `CREATE UNIQUE INDEX emails_event ON emails (event_id, template, recipient) WHERE event_id IS NOT NULL`,
    `CREATE INDEX emails_pending ON emails (next_attempt_at, id) WHERE state = 'pending'`,
    `CREATE INDEX emails_failed ON emails (id) WHERE state = 'failed'`,
    fixed(
      'emails',
      'fixed',
      ['id', 'event_id', 'recipient', 'template', 'data', 'created_at'],
      'what an e-mail says and to whom never changes',
    ),
    refuse('emails', 'UPDATE', 'final', 'a sent e-mail is final', "OLD.state = 'sent' AND NEW.state <> 'sent'"),
  ],
  down: dropTables('emails'),
};
