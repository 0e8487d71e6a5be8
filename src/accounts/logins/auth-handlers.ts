import type { Instant } from '../../platform/calendar.ts';
import { AppError, conflict, invalid } from '../../platform/errors.ts';
import { type Context, type Handlers, reply } from '../../platform/http/operations.ts';
import { inTransaction, type Work } from '../../platform/work.ts';
import { presentUser } from '../users/user-handlers.ts';
import { findUser, findUserByEmail, lockUser, updateUserRow } from '../users/user-store.ts';
import { normalizeEmail, type User } from '../users/users.ts';
import { checkPassword, newHash, passwordAccepted, wrongCredentials } from './credentials.ts';
import { needsRehash } from './passwords.ts';
import { deleteSession, deleteSessionsOf, findSessionExpiry, insertSession } from './session-store.ts';
import { clearedCookie, hashToken, newSessionToken, sessionCookie, sessionExpiry } from './sessions.ts';

export const auth: Handlers<'auth'> = {
  async login({ body }, context) {
    const email = normalizeEmail(body.email);
    const known = await findUserByEmail(context.db, email);
    await checkPassword(context, email, known, body.password);
    if (!known?.passwordHash) throw wrongCredentials();
    const rehashed = needsRehash(known.passwordHash) ? await newHash(context, body.password) : known.passwordHash;
    const expiresAt = sessionExpiry(context.now, context.runtime.config);
    return asUser(context, known.id, async (work) => {
      await passwordAccepted(work, email);
      const user = await lockUnchanged(work, known);
      const saved = { ...user, passwordHash: rehashed, lastLoginAt: work.now };
      await updateUserRow(work.db, saved);
      work.audit({ entityType: 'user', entityId: user.id });
      return openSession(work, context.userAgent, saved, expiresAt);
    });
  },

  async logout(_, context) {
    const { sessionToken, runtime } = context;
    const userId = sessionToken && (await deleteSession(context.db, hashToken(sessionToken)));
    if (userId) context.audit({ entityType: 'user', entityId: userId });
    return reply(200, { redirectUrl: null }, { 'Set-Cookie': clearedCookie(runtime.config) });
  },

  async getMe(_, context) {
    const { userId, sessionHash } = caller(context);
    const user = await findUser(context.db, userId);
    const expiresAt = await findSessionExpiry(context.db, sessionHash);
    if (!user || !expiresAt) throw new AppError('unauthorized', 'Log in first.');
    return { user: presentUser(user), expiresAt };
  },

  async changePassword({ body }, context) {
    const { userId, sessionHash } = caller(context);
    const known = await findUser(context.db, userId);
    if (!known) throw new AppError('unauthorized', 'Log in first.');
    if (known.passwordHash === null) throw conflict('This account has no password: it logs in by single sign-on.');
    if (body.newPassword === body.currentPassword)
      throw invalid({ newPassword: 'must differ from the current password' });
    await checkPassword(context, known.email, known, body.currentPassword);
    const passwordHash = await newHash(context, body.newPassword);
    return context.transaction(async (work) => {
      await passwordAccepted(work, known.email);
      const user = await lockUnchanged(work, known);
      // The session of the caller lives on under another token; its life is not extended (rules H2).
      const expiresAt = await findSessionExpiry(work.db, sessionHash);
      if (!expiresAt) throw new AppError('unauthorized', 'Log in first.');
      const saved = { ...user, passwordHash, updatedAt: work.now };
      await updateUserRow(work.db, saved);
      await deleteSessionsOf(work.db, user.id);
      work.audit({ entityType: 'user', entityId: user.id });
      return openSession(work, context.userAgent, saved, expiresAt);
    });
  },
};

/** The transaction of a login: nobody is logged in yet, but it is the user who acts. */
function asUser<T>(context: Context, userId: string, run: (work: Work) => Promise<T>): Promise<T> {
  const { runtime, action, requestId, ip, now } = context;
  return inTransaction(runtime, { actor: { type: 'user', id: userId }, action, requestId, ip, now }, run);
}

/** The user, locked. Throws AppError `invalid_credentials` when the password was changed while it was checked. */
async function lockUnchanged(work: Work, known: User): Promise<User> {
  const user = await lockUser(work.db, known.id);
  if (!user || user.passwordHash !== known.passwordHash || user.email !== known.email) throw wrongCredentials();
  return user;
}

async function openSession(work: Work, userAgent: string | null, user: User, expiresAt: Instant) {
  const token = newSessionToken();
  await insertSession(work.db, {
    tokenHash: hashToken(token),
    userId: user.id,
    createdAt: work.now,
    expiresAt,
    ip: work.ip,
    userAgent,
  });
  const cookie = sessionCookie(token, work.runtime.config);
  return reply(200, { user: presentUser(user), expiresAt }, { 'Set-Cookie': cookie });
}

function caller({ principal }: Context) {
  if (principal.kind !== 'user') throw new AppError('unauthorized', 'Log in first.');
  return principal;
}
