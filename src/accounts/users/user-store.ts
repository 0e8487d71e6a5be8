import type { Instant } from '../../platform/calendar.ts';
import type { Db } from '../../platform/db/connect.ts';
import { lockNames } from '../../platform/db/locks.ts';
import type { PageRequest } from '../../platform/http/pagination.ts';
import type { User, UserRole } from './users.ts';

interface UserRow {
  id: string;
  email: string;
  email_key: string;
  name: string;
  role: UserRole;
  customer_id: string | null;
  auth_provider: 'local' | 'sso';
  password_hash: string | null;
  last_login_at: Instant | null;
  created_at: Instant;
  updated_at: Instant;
}

export async function findUser(db: Db, id: string): Promise<User | undefined> {
  const [row] = await db('users').where({ id });
  return row && toUser(row);
}

export async function findUserByEmail(db: Db, email: string): Promise<User | undefined> {
  const [row] = await db('users').where({ email_key: email });
  return row && toUser(row);
}

/** The user, locked until the commit. */
export async function lockUser(db: Db, id: string): Promise<User | undefined> {
  const [row] = await db('users').where({ id }).forNoKeyUpdate();
  return row && toUser(row);
}

/**
 * Makes the changes of users wait for each other, so that "there is another admin" and "this e-mail is free" stay true
 * until the commit. Every creation, every change of an e-mail or a role, and every deletion takes it.
 */
export const lockUsers = (db: Db): Promise<void> => lockNames(db, ['users']);

/** Whether there is an admin, this user left out. Certain until the commit only after `lockUsers`. */
export async function hasAdmin(db: Db, exceptId = ''): Promise<boolean> {
  return (await db('users').where({ role: 'admin' }).whereNot({ id: exceptId }).select('id').limit(1)).length > 0;
}

/** False when the e-mail is taken. */
export async function insertUser(db: Db, user: User): Promise<boolean> {
  const inserted = await db('users')
    .insert({ id: user.id, created_at: user.createdAt, ...columnsOf(user) })
    .onConflict('email_key')
    .ignore()
    .returning('id');
  return inserted.length > 0;
}

/** Whether another user has the e-mail. Certain until the commit only after `lockUsers`. */
export async function isEmailTaken(db: Db, email: string, exceptId: string): Promise<boolean> {
  const rows = await db('users').where({ email_key: email }).whereNot({ id: exceptId }).select('id');
  return rows.length > 0;
}

export async function updateUserRow(db: Db, user: User): Promise<void> {
  await db('users').where({ id: user.id }).update(columnsOf(user));
}

/** Deletes the user, and with the row all of the user's sessions. */
export async function deleteUserRow(db: Db, id: string): Promise<void> {
  await db('users').where({ id }).delete();
}

/** Newest first, one row more than the page shows. */
export async function listUserRows(
  db: Db,
  filter: { role?: UserRole | undefined; customerId?: string | undefined },
  page: PageRequest,
): Promise<User[]> {
  const query = db('users')
    .orderBy('id', 'desc')
    .limit(page.limit + 1);
  if (filter.role) query.where({ role: filter.role });
  if (filter.customerId) query.where({ customer_id: filter.customerId });
  if (page.after) query.where('id', '<', page.after);
  return (await query).map(toUser);
}

const columnsOf = (user: User): Omit<UserRow, 'id' | 'created_at'> => ({
  email: user.email,
  email_key: user.email,
  name: user.name,
  role: user.role,
  customer_id: user.customerId,
  auth_provider: user.authProvider,
  password_hash: user.passwordHash,
  last_login_at: user.lastLoginAt,
  updated_at: user.updatedAt,
});

const toUser = (row: UserRow): User => ({
  id: row.id,
  email: row.email,
  name: row.name,
  role: row.role,
  customerId: row.customer_id,
  authProvider: row.auth_provider,
  passwordHash: row.password_hash,
  lastLoginAt: row.last_login_at,
  createdAt: row.created_at,
  updatedAt: row.updated_at,
});
