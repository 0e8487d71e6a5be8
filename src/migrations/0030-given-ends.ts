import type { Migration } from './migration.ts';

const MADE = "a.action IN ('createLicense', 'v1CreateLicense')";
const CHANGED = "a.action IN ('updateLicense', 'v1UpdateLicense')";

/**
 * Whose end a licence has (rules L8), and since when one waits to be signed again (L15). Which ends a person gave follows
 * from the audit log: the latest row of a creation by hand, or of an update that changed the end. A licence of no
 * subscription has what a person gave it. An active or suspended one that its subscription had moved to before its given
 * end gets that end back, and is signed again; what has ended stays ended.
 */
export const givenEnds: Migration = {
  name: '0030-given-ends',
  up: [
    'ALTER TABLE licenses ADD COLUMN end_given {bool} NOT NULL DEFAULT false',
    'ALTER TABLE licenses ADD COLUMN unsigned_since {ts}',
    'ALTER TABLE licenses ADD COLUMN given_until {ts}',
    'UPDATE licenses SET end_given = true, given_until = expires_at WHERE subscription_id IS NULL',
    {
      postgres: `UPDATE licenses l SET end_given = true, given_until = CAST(g.until AS timestamptz)
        FROM (
          SELECT DISTINCT ON (a.entity_id) a.entity_id, a.changes -> 'expiresAt' ->> 1 AS until FROM audit_log a
          WHERE a.entity_type = 'license' AND (${MADE} OR ${CHANGED} AND a.changes -> 'expiresAt' IS NOT NULL)
          ORDER BY a.entity_id, a.id DESC
        ) g
        WHERE g.entity_id = l.id AND l.subscription_id IS NOT NULL`,
      sqlite: `UPDATE licenses SET end_given = true, given_until = g.until
        FROM (
          SELECT a.entity_id, json_extract(a.changes, '$.expiresAt[1]') AS until, max(a.id) FROM audit_log a
          WHERE a.entity_type = 'license'
            AND (${MADE} OR ${CHANGED} AND json_type(a.changes, '$.expiresAt') IS NOT NULL)
          GROUP BY a.entity_id
        ) g
        WHERE g.entity_id = licenses.id AND licenses.subscription_id IS NOT NULL`,
    },
    `UPDATE licenses SET expires_at = given_until, unsigned_since = CASE WHEN seq > 0 THEN updated_at END
      WHERE end_given AND status IN ('active', 'suspended') AND expires_at IS NOT NULL
        AND (given_until IS NULL OR expires_at < given_until)`,
    'UPDATE licenses SET given_until = expires_at WHERE end_given AND given_until IS NULL AND expires_at IS NOT NULL',
    'UPDATE licenses SET given_until = expires_at WHERE end_given AND expires_at < given_until',
    'UPDATE licenses SET end_given = true, given_until = NULL WHERE expires_at IS NULL',
    {
      postgres: `ALTER TABLE licenses ADD CONSTRAINT licenses_given_end CHECK (
        CASE WHEN end_given THEN (given_until IS NULL) = (expires_at IS NULL) AND coalesce(given_until <= expires_at, true)
        ELSE given_until IS NULL END)`,
    },
    ...['INSERT', 'UPDATE'].map((event) => ({
      sqlite: `CREATE TRIGGER licenses_given_end_${event.toLowerCase()} BEFORE ${event} ON licenses FOR EACH ROW WHEN (
          CASE WHEN NEW.end_given THEN (NEW.given_until IS NULL) <> (NEW.expires_at IS NULL) OR NEW.given_until > NEW.expires_at
          ELSE NEW.given_until IS NOT NULL END)
        BEGIN SELECT RAISE(ABORT, 'a licence never ends before its given end'); END`,
    })),
    `CREATE INDEX licenses_unsigned ON licenses (unsigned_since, id)
      WHERE unsigned_since IS NOT NULL AND status <> 'revoked'`,
  ],
  down: [
    'DROP INDEX licenses_unsigned',
    { sqlite: 'DROP TRIGGER licenses_given_end_update' },
    { sqlite: 'DROP TRIGGER licenses_given_end_insert' },
    { postgres: 'ALTER TABLE licenses DROP CONSTRAINT licenses_given_end' },
    'ALTER TABLE licenses DROP COLUMN given_until',
    'ALTER TABLE licenses DROP COLUMN unsigned_since',
    'ALTER TABLE licenses DROP COLUMN end_given',
  ],
};
