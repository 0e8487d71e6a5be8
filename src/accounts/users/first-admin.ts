import { inTransaction, type Runtime, type Work } from '../../platform/work.ts';
import { hashPassword } from '../logins/passwords.ts';
import { hasAdmin, insertUser, lockUsers } from './user-store.ts';
import { normalizeEmail, type User } from './users.ts';

/** Creates the admin of ADMIN_EMAIL and ADMIN_PASSWORD when there is no admin at all; true when it did (rules H1). */
export async function ensureFirstAdmin(runtime: Runtime): Promise<boolean> {
  const { firstAdmin } = runtime.config;
  if (!firstAdmin || (await hasAdmin(runtime.database.read))) return false;
  const passwordHash = await hashPassword(firstAdmin.password);
  const actor = { type: 'system' as const, id: null };
  return inTransaction(runtime, { actor, action: 'ensureFirstAdmin' }, async (work) => {
    await lockUsers(work.db);
    if (await hasAdmin(work.db)) return false;
    const admin = await insertAdmin(work, { email: firstAdmin.email, name: 'Administrator', passwordHash });
    if (!admin) runtime.log.error('ADMIN_EMAIL belongs to a user who is not an admin: no admin was created');
    return admin !== undefined;
  });
}

/** A new user with the role admin; undefined when the e-mail is taken. */
export async function insertAdmin(
  work: Work,
  { email, name, passwordHash }: { email: string; name: string; passwordHash: string },
): Promise<User | undefined> {
  const admin: User = {
    id: work.newId(),
    email: normalizeEmail(email),
    name,
    role: 'admin',
    customerId: null,
    authProvider: 'local',
    passwordHash,
    lastLoginAt: null,
    createdAt: work.now,
    updatedAt: work.now,
  };
  if (!(await insertUser(work.db, admin))) return undefined;
  work.audit({ entityType: 'user', entityId: admin.id });
  return admin;
}
