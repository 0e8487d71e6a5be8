import type { Instant } from '../../platform/calendar.ts';
import type { Db } from '../../platform/db/connect.ts';
import { query } from '../../platform/db/sql.ts';
import type { UserRole } from '../users/users.ts';
import type { Session } from './sessions.ts';

/** What authentication needs of a session and its user. */
export interface SessionUser {
  user_id: string;
  role: UserRole;
  customer_id: string | null;
  expires_at: Instant;
}

/** One statement: it runs on every request of the session surface. */
export async function findSessionUser(db: Db, tokenHash: string): Promise<SessionUser | undefined> {
  const [found] = await query<SessionUser>(db, SESSION_USER, [tokenHash]);
  return found;
}

const SESSION_USER = `SELECT s.user_id, s.expires_at, u.role, u.customer_id
  FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.token_hash = ?`;

export async function findSessionExpiry(db: Db, tokenHash: string): Promise<Instant | undefined> {
  const [row] = await db('sessions').where({ token_hash: tokenHash }).select('expires_at');
  return row?.expires_at;
}

export async function insertSession(db: Db, session: Session): Promise<void> {
  await db('sessions').insert({
    token_hash: session.tokenHash,
    user_id: session.userId,
    created_at: session.createdAt,
    expires_at: session.expiresAt,
    ip: session.ip,
    user_agent: session.userAgent,
  });
}

/** Ends one session; the id of its user when there was one. */
export async function deleteSession(db: Db, tokenHash: string): Promise<string | undefined> {
  // Not by Knex: on SQLite its delete() forgets what RETURNING answers.
  const sql = 'DELETE FROM sessions WHERE token_hash = ? RETURNING user_id';
  const [row] = await query<{ user_id: string }>(db, sql, [tokenHash]);
  return row?.user_id;
}

/** Ends all sessions of a user (rules H2). */
export async function deleteSessionsOf(db: Db, userId: string): Promise<void> {
  await db('sessions').where({ user_id: userId }).delete();
}
