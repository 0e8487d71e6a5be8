import { addMilliseconds, type Instant } from '../platform/calendar.ts';
import type { Db } from '../platform/db/connect.ts';
import { query } from '../platform/db/sql.ts';
import type { PageRequest } from '../platform/http/pagination.ts';
import type { ApiKey, ApiKeyAccess, ApiKeyStatus } from './api-keys.ts';

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

/** Newest first, one row more than the page shows. */
export async function listApiKeyRows(
  db: Db,
  filter: { status?: ApiKeyStatus | undefined; customerId?: string | undefined },
  now: Instant,
  page: PageRequest,
): Promise<ApiKey[]> {
  const list = db('api_keys')
    .orderBy('id', 'desc')
    .limit(page.limit + 1);
  if (filter.customerId) list.where({ customer_id: filter.customerId });
  if (filter.status === 'revoked') list.whereNotNull('revoked_at');
  else if (filter.status) list.whereNull('revoked_at');
  if (filter.status === 'expired') list.where('expires_at', '<=', now);
  if (filter.status === 'active') list.where((one) => one.whereNull('expires_at').orWhere('expires_at', '>', now));
  if (page.after) list.where('id', '<', page.after);
  return (await list).map(toApiKey);
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
