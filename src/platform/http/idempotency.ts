import { addDays, addMilliseconds, type Instant } from '../calendar.ts';
import type { Db } from '../db/connect.ts';
import { AppError, invalid } from '../errors.ts';
import type { Vault } from '../secrets.ts';
import type { Operation } from './contract.ts';
import type { Principal } from './principal.ts';

/** What is replayed: exactly the answer that was sent. */
export interface StoredAnswer {
  status: number;
  headers: Record<string, string>;
  body: string;
}

export interface IdempotencyClaim {
  scope: string;
  key: string;
  method: string;
  path: string;
  /** By the current key, then by the previous one. */
  bodyHashes: readonly [string, string?];
}

const KEEP_DAYS = 30;
/** How long an operation that opens its own transactions may run before another request goes on with it (rules X5). */
const MANUAL_LOCK_MS = 60_000;

/** The claim of a POST with an `Idempotency-Key` and a known caller; undefined when there is none (contract 1.9). */
export function readClaim(
  header: string | undefined,
  operation: Operation,
  url: string,
  bytes: Buffer | undefined,
  principal: Principal,
  vault: Vault,
): IdempotencyClaim | undefined {
  if (header === undefined || operation.method !== 'POST') return undefined;
  const scope =
    principal.kind === 'user'
      ? `user:${principal.userId}`
      : principal.kind === 'apiKey'
        ? `key:${principal.keyId}`
        : undefined;
  if (!scope) return undefined;
  if (!/^[\x20-\x7e]{1,255}$/.test(header))
    throw invalid({ 'Idempotency-Key': 'must be 1 to 255 printable ASCII characters' });
  return { scope, key: header, method: 'POST', path: url, bodyHashes: vault.fingerprints(bytes ?? '') };
}

/**
 * Inserts the claim as the first write of the transaction; an equal request waits here for the first one.
 * Returns the stored answer when the work is already done. Throws `idempotency_key_reused`, `idempotency_in_progress`.
 */
export async function claimKey(
  db: Db,
  claim: IdempotencyClaim,
  now: Instant,
  vault: Vault,
  manual = false,
): Promise<StoredAnswer | undefined> {
  const lockedUntil = manual ? addMilliseconds(now, MANUAL_LOCK_MS) : null;
  const row = {
    scope: claim.scope,
    key: claim.key,
    method: claim.method,
    path: claim.path,
    body_hash: claim.bodyHashes[0],
    state: 'in_progress',
    locked_until: lockedUntil,
    created_at: now,
    expires_at: addDays(now, KEEP_DAYS),
  };
  const insert = () => db('idempotency_keys').insert(row).onConflict(['scope', 'key']).ignore().returning('key');
  if ((await insert()).length > 0) return undefined;
  const mine = { scope: claim.scope, key: claim.key };
  const [known] = await db('idempotency_keys').where(mine);
  if (!known) return claimKey(db, claim, now, vault, manual); // given back between the two statements
  if (known.expires_at <= now) {
    await db('idempotency_keys').where(mine).andWhere('expires_at', '<=', now).delete();
    if ((await insert()).length > 0) return undefined;
  }
  if (known.method !== claim.method || known.path !== claim.path || !claim.bodyHashes.includes(known.body_hash))
    throw new AppError('idempotency_key_reused', 'This Idempotency-Key was used for another request.');
  if (known.state !== 'done' && known.locked_until !== null && known.locked_until <= now) {
    const taken = await db('idempotency_keys')
      .where({ ...mine, locked_until: known.locked_until })
      .update({ locked_until: lockedUntil });
    if (taken > 0) return undefined;
  }
  if (known.state !== 'done')
    throw new AppError('idempotency_in_progress', 'A request with this Idempotency-Key is running.', {
      headers: { 'Retry-After': '1' },
    });
  const body = String(known.body);
  return {
    status: Number(known.status_code),
    headers: JSON.parse(known.headers ?? '{}'),
    body: body.startsWith('v1.') ? vault.decrypt(body, aad(claim)) : body,
  };
}

/** Completes the claim with the answer, in the transaction of the effect (rules X5). */
export async function storeAnswer(
  db: Db,
  claim: IdempotencyClaim,
  answer: StoredAnswer,
  vault: Vault | undefined,
): Promise<void> {
  await db('idempotency_keys')
    .where({ scope: claim.scope, key: claim.key })
    .update({
      state: 'done',
      status_code: answer.status,
      headers: JSON.stringify(answer.headers),
      body: vault ? vault.encrypt(answer.body, aad(claim)) : answer.body,
    });
}

/** A failed operation that opens its own transactions gives its key back: only 2xx answers are kept. */
export const releaseKey = (db: Db, { scope, key }: IdempotencyClaim): Promise<number> =>
  db('idempotency_keys').where({ scope, key, state: 'in_progress' }).delete();

const aad = (claim: IdempotencyClaim) => `idempotency_keys.body.${claim.scope}.${claim.key}`;
