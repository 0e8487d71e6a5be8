import type { UserUpdate } from '../../../generated/types.gen.ts';
import { lockCustomer } from '../../customers/store.ts';
import { changesOf } from '../../platform/changes.ts';
import { conflict, notFound, refuse } from '../../platform/errors.ts';
import type { Context, Handlers } from '../../platform/http/operations.ts';
import { type PageRequest, paged, readPage } from '../../platform/http/pagination.ts';
import { countActiveApiKeysOf } from '../keys/api-key-store.ts';
import { newHash } from '../logins/credentials.ts';
import { deleteSessionsOf } from '../logins/session-store.ts';
import * as store from './user-store.ts';
import { checkRole, endsSessions, normalizeEmail, type User } from './users.ts';

/** A password is hashed before the transaction begins, so that nobody waits for it. */
export const users: Handlers<'users'> = {
  async listUsers({ query }, { db }) {
    const read = (step: PageRequest) => store.listUserRows(db, query, step);
    return paged(await readPage('users', query, { keyOf: (user) => user.id, read }), presentUser);
  },

  async createUser({ body }, context) {
    const { now, newId } = context;
    const user: User = {
      id: newId(),
      email: normalizeEmail(body.email),
      name: body.name,
      role: body.role,
      customerId: body.customerId ?? null,
      authProvider: body.password ? 'local' : 'sso',
      passwordHash: body.password ? await newHash(context, body.password) : null,
      lastLoginAt: null,
      createdAt: now,
      updatedAt: now,
    };
    await context.transaction(async (work) => {
      await store.lockUsers(work.db);
      await checkUser(work, user);
      if (!(await store.insertUser(work.db, user))) throw emailTaken();
      work.audit({ entityType: 'user', entityId: user.id, changes: changesOf<object>({}, presentUser(user)) });
    });
    return presentUser(user);
  },

  async updateUser({ path, body }, context) {
    const passwordHash = body.password === undefined ? undefined : await newHash(context, body.password);
    return context.transaction((work) => changeUser(work, path.id, body, passwordHash));
  },

  async deleteUser({ path }, context) {
    const { db, principal } = context;
    await store.lockUsers(db);
    const user = await store.lockUser(db, path.id);
    if (!user) throw notFound('user');
    if (principal.kind === 'user' && principal.userId === user.id) throw conflict('You cannot delete yourself.');
    if (user.role === 'admin' && !(await store.hasAdmin(db, user.id))) throw lastAdmin();
    await store.deleteUserRow(db, user.id);
    context.audit({ entityType: 'user', entityId: user.id, reason: await keysThatGoOn(context, user) });
  },
};

async function changeUser(context: Context, id: string, body: UserUpdate, passwordHash: string | undefined) {
  const { db, now } = context;
  await store.lockUsers(db);
  const before = await store.lockUser(db, id);
  if (!before) throw notFound('user');
  const after: User = {
    ...before,
    email: body.email === undefined ? before.email : normalizeEmail(body.email),
    name: body.name ?? before.name,
    role: body.role ?? before.role,
    customerId: body.customerId === undefined ? before.customerId : body.customerId,
    ...(passwordHash === undefined ? {} : { passwordHash, authProvider: 'local' }),
  };
  await checkUser(context, after);
  if (before.role === 'admin' && after.role !== 'admin' && !(await store.hasAdmin(db, before.id))) throw lastAdmin();
  if (after.email !== before.email && (await store.isEmailTaken(db, after.email, after.id))) throw emailTaken();
  const changes = changesOf(presentUser(before), presentUser(after));
  if (Object.keys(changes).length === 0 && passwordHash === undefined) return presentUser(before);
  const saved = { ...after, updatedAt: now };
  await store.updateUserRow(db, saved);
  if (endsSessions(before, after)) await deleteSessionsOf(db, saved.id);
  const reasons = [passwordHash && 'password set', saved.role !== 'admin' && (await keysThatGoOn(context, before))];
  const reason = reasons.filter(Boolean).join('; ') || undefined;
  context.audit({ entityType: 'user', entityId: saved.id, changes, reason });
  return presentUser(saved);
}

/** For the audit row of an admin's demotion or deletion: the keys that the user has made outlive it (contract 2.4). */
async function keysThatGoOn({ db, now }: Context, { id, role }: User): Promise<string | undefined> {
  const active = role === 'admin' ? await countActiveApiKeysOf(db, id, now) : 0;
  return active > 0 ? `active API keys of this user that go on: ${active}` : undefined;
}

const emailTaken = () => refuse('already_exists', 'Another user has this e-mail.', { email: 'is taken' });
const lastAdmin = () => conflict('There must be an admin: this is the last one.');

/** Throws AppError `validation_error`, and `not_found` for a customer that does not exist. */
async function checkUser({ db }: Context, user: User): Promise<void> {
  checkRole(user);
  if (user.customerId !== null && !(await lockCustomer(db, null, user.customerId))) throw notFound('customer');
}

export const presentUser = (user: User) => ({
  id: user.id,
  email: user.email,
  name: user.name,
  role: user.role,
  customerId: user.customerId,
  authProvider: user.authProvider,
  lastLoginAt: user.lastLoginAt,
  createdAt: user.createdAt,
  updatedAt: user.updatedAt,
});
