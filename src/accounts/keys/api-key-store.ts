import { addMilliseconds, type Instant } from '../../platform/calendar.ts';
import { int } from '../../platform/db/columns.ts';
import type { Db } from '../../platform/db/connect.ts';
import { query } from '../../platform/db/sql.ts';
import type { PageRequest } from '../../platform/http/pagination.ts';
import type { UserRole } from '../users/users.ts';
import { type ApiKey, type ApiKeyAccess, type ApiKeyStatus, type CreatorStatus, creatorStatusOf } from './api-keys.ts';

interface ApiKeyRow {
  id: string;
  name: string;
  key_hash: string;
  key_prefix: string;
  access: ApiKeyAccess;
  customer_id: string | null;
  created_by: string | null;
  expires_at: Instant | null;
  last_used_at: Instant | null;
  revoked_at: Instant | null;
  created_at: Instant;
}

const USE_PRECISION_MS = 60_000;

/** One statement: it runs on every request with an API key. */
export async function findApiKeyByHash(db: Db, keyHash: string): Promise<ApiKey | undefined> {
  const [row] = await query<ApiKeyRow>(db, 'SELECT * FROM api_keys WHERE key_hash = ?', [keyHash]);
  return row && toApiKey(row);
}

export async function apiKeyExists(db: Db, id: string): Promise<boolean> {
  return (await db('api_keys').where({ id }).select('id')).length > 0;
}

export async function insertApiKey(db: Db, key: ApiKey): Promise<void> {
  await db('api_keys').insert({
    id: key.id,
    name: key.name,
    key_hash: key.keyHash,
    key_prefix: key.keyPrefix,
    access: key.access,
    customer_id: key.customerId,
    created_by: key.createdBy,
    expires_at: key.expiresAt,
    last_used_at: key.lastUsedAt,
    revoked_at: key.revokedAt,
    created_at: key.createdAt,
  } satisfies ApiKeyRow);
}

/** False when there is no such key or it is revoked already. */
export async function revokeApiKeyRow(db: Db, id: string, now: Instant): Promise<boolean> {
  return (await db('api_keys').where({ id }).whereNull('revoked_at').update({ revoked_at: now })) > 0;
}

/** Whether the use at `now` is to be written: at most once a minute (rules H4). */
export const isUseStale = (lastUsedAt: Instant | null, now: Instant): boolean =>
  lastUsedAt === null || lastUsedAt <= addMilliseconds(now, -USE_PRECISION_MS);

/** Writes the use unless another process has written one within the last minute. */
export async function markApiKeyUsed(db: Db, id: string, now: Instant): Promise<void> {
  await db('api_keys')
    .where({ id })
    .where((one) =>
      one.whereNull('last_used_at').orWhere('last_used_at', '<=', addMilliseconds(now, -USE_PRECISION_MS)),
    )
    .update({ last_used_at: now });
}

/** Revokes what the user has made and is not revoked; answers the ids. */
export async function revokeApiKeyRowsOf(db: Db, userId: string, now: Instant): Promise<string[]> {
  const mine = db('api_keys').where({ created_by: userId }).whereNull('revoked_at');
  return (await mine.update({ revoked_at: now }).returning('id')).map(({ id }) => id);
}

/** Whether the id is a user's, or was: of one who is gone, the keys tell. */
export async function isCreator(db: Db, userId: string): Promise<boolean> {
  const sql = `SELECT 1 FROM users WHERE id = ? UNION ALL SELECT 1 FROM api_keys WHERE created_by = ? LIMIT 1`;
  return (await query(db, sql, [userId, userId])).length > 0;
}

/** How many keys that the user has made are active at `now`. */
export async function countActiveApiKeysOf(db: Db, userId: string, now: Instant): Promise<number> {
  const [row] = await query<{ n: unknown }>(
    db,
    `SELECT count(*) AS n FROM api_keys
     WHERE created_by = ? AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?)`,
    [userId, now],
  );
  return int(row!.n);
}

export interface ApiKeyFilter {
  status?: ApiKeyStatus | undefined;
  customerId?: string | undefined;
  createdBy?: string | undefined;
  creatorStatus?: CreatorStatus | undefined;
}

/** A key with what has become of its creator. */
export interface ListedApiKey extends ApiKey {
  creatorStatus: CreatorStatus | null;
}

/** Newest first, one row more than the page shows. */
export async function listApiKeyRows(
  db: Db,
  filter: ApiKeyFilter,
  now: Instant,
  page: PageRequest,
): Promise<ListedApiKey[]> {
  const list = db('api_keys')
    .leftJoin('users', 'users.id', 'api_keys.created_by')
    .select('api_keys.*', 'users.role as creator_role')
    .orderBy('api_keys.id', 'desc')
    .limit(page.limit + 1);
  if (filter.customerId) list.where('api_keys.customer_id', filter.customerId);
  if (filter.createdBy) list.where('api_keys.created_by', filter.createdBy);
  if (filter.creatorStatus === 'deleted') list.whereNotNull('api_keys.created_by').whereNull('users.id');
  else if (filter.creatorStatus) list.where('users.role', filter.creatorStatus === 'admin' ? '=' : '<>', 'admin');
  if (filter.status === 'revoked') list.whereNotNull('revoked_at');
  else if (filter.status) list.whereNull('revoked_at');
  if (filter.status === 'expired') list.where('expires_at', '<=', now);
  if (filter.status === 'active') list.where((one) => one.whereNull('expires_at').orWhere('expires_at', '>', now));
  if (page.after) list.where('api_keys.id', '<', page.after);
  const rows: (ApiKeyRow & { creator_role: UserRole | null })[] = await list;
  return rows.map((row) => ({
    ...toApiKey(row),
    creatorStatus: creatorStatusOf(row.created_by, row.creator_role ?? undefined),
  }));
}

const toApiKey = (row: ApiKeyRow): ApiKey => ({
  id: row.id,
  name: row.name,
  keyHash: row.key_hash,
  keyPrefix: row.key_prefix,
  access: row.access,
  customerId: row.customer_id,
  createdBy: row.created_by,
  expiresAt: row.expires_at,
  lastUsedAt: row.last_used_at,
  revokedAt: row.revoked_at,
  createdAt: row.created_at,
});
