import type { Answer, Api, TestApp } from '../support/app.ts';

export const PASSWORD = 'a password that is long';

/** The session token of an answer with a new cookie. */
export function tokenOf(answer: Answer): string {
  const token = /^session=([^;]+)/.exec(String(answer.headers['set-cookie']))?.[1];
  if (!token) throw new Error(`no session cookie in an answer ${answer.status}: ${answer.text}`);
  return token;
}

let addresses = 0;

/** A caller with an address of its own, for apps started with `trustProxy: 1`. */
export function fromNewAddress(): Record<string, string> {
  addresses += 1;
  return { 'X-Forwarded-For': `10.1.${addresses >> 8}.${addresses & 255}` };
}

/** The session of a user who logs in now. */
export async function loggedIn(app: TestApp, email: string, password = PASSWORD): Promise<Api> {
  return app.withSession(tokenOf(await app.anonymous.post('/api/auth/login', { email, password })));
}

interface AuditRow {
  actor_type: string;
  actor_id: string | null;
  action: string;
  entity_type: string;
  entity_id: string;
  changes: Record<string, [unknown, unknown]> | null;
  reason: string | null;
  request_id: string | null;
  ip: string | null;
  at: string;
}

/** The audit rows of an entity, oldest first. */
export async function auditOf(app: TestApp, entityId: string): Promise<AuditRow[]> {
  const rows = await app.database.read('audit_log').where({ entity_id: entityId }).orderBy('id');
  return rows.map((row) => ({ ...row, changes: row.changes && JSON.parse(row.changes) }));
}
