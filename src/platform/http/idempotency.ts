import { randomUUID } from 'node:crypto';
import { addDays, addMilliseconds, type Instant } from '../calendar.ts';
import type { Db, Query } from '../db/connect.ts';
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
  /** Tells this request from another one that goes on with the same key. */
  claim: string;
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
  return {
    scope,
    key: header,
    claim: randomUUID(),
    method: 'POST',
    path: url,
    bodyHashes: vault.fingerprints(bytes ?? ''),
  };
}

/**
 * Takes the key as the first write of the transaction; an equal request waits here for the first one. A key that is
 * free, expired, or left by a request that never answered is taken by one statement, so that one of many gets it.
 * Returns the stored answer when the work is already done. Throws `idempotency_key_reused`, `idempotency_in_progress`.
 */
export async function claimKey(
  db: Db,
  claim: IdempotencyClaim,
  now: Instant,
  vault: Vault,
  manual = false,
): Promise<StoredAnswer | undefined> {
  const { bodyHashes, ...mine } = claim;
  const row = {
    ...mine,
    body_hash: bodyHashes[0],
    state: 'in_progress',
    locked_until: manual ? addMilliseconds(now, MANUAL_LOCK_MS) : null,
    status_code: null,
    headers: null,
    body: null,
    created_at: now,
    expires_at: addDays(now, KEEP_DAYS),
  };
  const taken = await db('idempotency_keys')
    .insert(row)
    .onConflict(['scope', 'key'])
    .merge()
    .where((free) => free.where('idempotency_keys.expires_at', '<=', now).orWhere((left) => isLeft(left, claim, now)))
    .returning('key');
  if (taken.length > 0) return undefined;
  const [known] = await db('idempotency_keys').where({ scope: claim.scope, key: claim.key });
  if (!known) return claimKey(db, claim, now, vault, manual); // given back between the two statements
  if (!isSame(known, claim))
    throw new AppError('idempotency_key_reused', 'This Idempotency-Key was used for another request.');
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

/** The same request was here and has not answered in its time: this one goes on with it. */
const isLeft = (query: Query, { method, path, bodyHashes }: IdempotencyClaim, now: Instant) =>
  query
    .where({
      'idempotency_keys.state': 'in_progress',
      'idempotency_keys.method': method,
      'idempotency_keys.path': path,
    })
    .whereIn(
      'idempotency_keys.body_hash',
      bodyHashes.filter((hash) => hash !== undefined),
    )
    .where('idempotency_keys.locked_until', '<=', now);

const isSame = (known: Record<string, string>, { method, path, bodyHashes }: IdempotencyClaim): boolean =>
  known.method === method && known.path === path && bodyHashes.includes(known.body_hash!);

/** The row of the claim as long as it is this request's: another one may have gone on with its key since. */
const own = (db: Db, { scope, key, claim }: IdempotencyClaim) =>
  db('idempotency_keys').where({ scope, key, claim, state: 'in_progress' });

/** Completes the claim with the answer, in the transaction of the effect (rules X5). */
export async function storeAnswer(
  db: Db,
  claim: IdempotencyClaim,
  answer: StoredAnswer,
  vault: Vault | undefined,
): Promise<void> {
  await own(db, claim).update({
    state: 'done',
    status_code: answer.status,
    headers: JSON.stringify(answer.headers),
    body: vault ? vault.encrypt(answer.body, aad(claim)) : answer.body,
  });
}

/** A failed operation that opens its own transactions gives its key back: only 2xx answers are kept. */
export const releaseKey = (db: Db, claim: IdempotencyClaim): Promise<number> => own(db, claim).delete();

const aad = (claim: IdempotencyClaim) => `idempotency_keys.body.${claim.scope}.${claim.key}`;
