import { dropTables, fixed, type Migration } from './migration.ts';

/** What could not be made beside money, and is made later (rules X8). */
export const putOff: Migration = {
  name: '0031-put-off',
  up: [
    `CREATE TABLE put_off (
      id {id} PRIMARY KEY,
      kind {text} NOT NULL CHECK (kind IN ('license_follow', 'event_emails')),
      subject {text} NOT NULL,
      data {json} NOT NULL,
      error {text} NOT NULL,
      attempts {int} NOT NULL CHECK (attempts >= 1),
      next_attempt_at {ts} NOT NULL,
      created_at {ts} NOT NULL
    ) {strict}`,
    'CREATE UNIQUE INDEX put_off_subject ON put_off (kind, subject)',
    'CREATE INDEX put_off_due ON put_off (kind, next_attempt_at, id)',
    fixed('put_off', 'fixed', ['id', 'kind', 'subject', 'created_at'], 'what was put off never changes its subject'),
  ],
  down: dropTables('put_off'),
};
