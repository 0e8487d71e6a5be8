import { insertRows } from '../platform/db/bulk.ts';
import { toJson } from '../platform/db/columns.ts';
import type { Work } from '../platform/work.ts';

/** Writes the collected audit entries with one statement; a failure fails the whole work (rules H8). */
export async function writeAudit(work: Work): Promise<void> {
  if (work.audits.length === 0) return;
  const rows = work.audits.map((entry) => ({
    id: work.newId(),
    at: work.now,
    actor_type: work.actor.type,
    actor_id: work.actor.id,
    action: work.action,
    entity_type: entry.entityType,
    entity_id: entry.entityId,
    changes: toJson(entry.changes ?? null),
    reason: entry.reason ?? null,
    request_id: work.requestId,
    ip: work.ip,
  }));
  await insertRows(work.db, 'audit_log', rows);
}
