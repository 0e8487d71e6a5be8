import { lockCustomer } from '../../customers/store.ts';
import type { Instant } from '../../platform/calendar.ts';
import { parseInstant } from '../../platform/calendar.ts';
import { changesOf } from '../../platform/changes.ts';
import { type Fields, notFound } from '../../platform/errors.ts';
import { readMember, refuseFields } from '../../platform/fields.ts';
import type { Handlers } from '../../platform/http/operations.ts';
import { type PageRequest, paged, readPage } from '../../platform/http/pagination.ts';
import * as store from './api-key-store.ts';
import { type ApiKey, composeKey, creatorStatusOf, hashKey, prefixOf, statusOf } from './api-keys.ts';

export const apiKeys: Handlers<'apiKeys'> = {
  async listApiKeys({ query }, { db, now }) {
    const read = (step: PageRequest) => store.listApiKeyRows(db, query, now, step);
    return paged(await readPage('apiKeys', query, { keyOf: (key) => key.id, read }), (key) => present(key, now));
  },

  async createApiKey({ body }, context) {
    const { db, now, newId, principal } = context;
    const key = composeKey();
    const apiKey: ApiKey = {
      id: newId(),
      name: body.name,
      keyHash: hashKey(key),
      keyPrefix: prefixOf(key),
      access: body.access ?? 'write',
      customerId: body.customerId ?? null,
      createdBy: principal.kind === 'user' ? principal.userId : null,
      expiresAt: readExpiry(body.expiresAt ?? null, now),
      lastUsedAt: null,
      revokedAt: null,
      createdAt: now,
    };
    if (apiKey.customerId !== null && !(await lockCustomer(db, null, apiKey.customerId))) throw notFound('customer');
    await store.insertApiKey(db, apiKey);
    const creatorStatus = creatorStatusOf(apiKey.createdBy, principal.kind === 'user' ? principal.role : undefined);
    const shown = present({ ...apiKey, creatorStatus }, now);
    context.audit({ entityType: 'api_key', entityId: apiKey.id, changes: changesOf<object>({}, shown) });
    return { ...shown, key };
  },

  async revokeApiKey({ path }, context) {
    const { db, now } = context;
    if (await store.revokeApiKeyRow(db, path.id, now)) context.audit({ entityType: 'api_key', entityId: path.id });
    else if (!(await store.apiKeyExists(db, path.id))) throw notFound('API key');
  },

  async revokeApiKeysOfUser({ body }, context) {
    const revoked = await store.revokeApiKeyRowsOf(context.db, body.createdBy, context.now);
    if (revoked.length === 0 && !(await store.isCreator(context.db, body.createdBy))) throw notFound('user');
    const reason = 'all keys of one user';
    for (const entityId of revoked) context.audit({ entityType: 'api_key', entityId, reason });
    return { revoked: revoked.length };
  },
};

/** Throws AppError `validation_error` on `expiresAt`. */
function readExpiry(text: string | null, now: Instant): Instant | null {
  if (text === null) return null;
  const fields: Fields = {};
  const expiresAt = readMember(fields, 'expiresAt', () => parseInstant(text));
  if (expiresAt !== undefined && expiresAt <= now) fields.expiresAt = 'must be in the future';
  refuseFields(fields);
  return expiresAt!;
}

const present = (key: store.ListedApiKey, now: Instant) => ({
  id: key.id,
  name: key.name,
  customerId: key.customerId,
  access: key.access,
  expiresAt: key.expiresAt,
  keyPrefix: key.keyPrefix,
  status: statusOf(key, now),
  createdBy: key.createdBy,
  creatorStatus: key.creatorStatus,
  lastUsedAt: key.lastUsedAt,
  createdAt: key.createdAt,
});
