import type { Instant } from '../../platform/calendar.ts';
import { updateRows } from '../../platform/db/bulk.ts';
import { type Db, dialectOf } from '../../platform/db/connect.ts';
import { inList } from '../../platform/db/in-list.ts';
import type { License } from '../license.ts';
import { licensesOf, toLicense } from '../store.ts';

export interface Signed {
  license: License;
  payload: string;
  /** Base64. */
  signature: string;
}

export async function updateSignatures(db: Db, signed: Signed[]): Promise<void> {
  const rows = signed.map(({ license, payload, signature }) => ({
    id: license.id,
    seq: license.seq,
    kid: license.kid,
    signed_at: license.signedAt,
    signed_payload: payload,
    signature,
    unsigned_since: null,
  }));
  await updateRows(db, 'licenses', 'id', rows);
}

/** The stored payload and signature; undefined when it was never signed. */
export async function findSignature(db: Db, id: string): Promise<{ payload: string; signature: string } | undefined> {
  const [row]: { signed_payload: string | null; signature: string }[] = await db('licenses')
    .where({ id })
    .select('signed_payload', 'signature');
  return row?.signed_payload ? { payload: row.signed_payload, signature: row.signature } : undefined;
}

/** A place in the order of those that wait to be signed again. */
export interface Marked {
  id: string;
  unsignedSince: Instant;
}

/** Licences that wait to be signed again, the oldest mark first; revoked ones are left out (rules L15). */
export async function listUnsigned(db: Db, after: Marked, limit: number): Promise<Marked[]> {
  const rows: { id: string; unsigned_since: Instant }[] = await db('licenses')
    .whereNotNull('unsigned_since')
    .whereNot('status', 'revoked')
    .whereRaw('(unsigned_since, id) > (?, ?)', [after.unsignedSince, after.id])
    .orderBy(['unsigned_since', 'id'])
    .limit(limit)
    .select('id', 'unsigned_since');
  return rows.map((row) => ({ id: row.id, unsignedSince: row.unsigned_since }));
}

/** Those of them that still wait and that nobody else holds, locked. */
export async function claimUnsigned(db: Db, ids: string[]): Promise<License[]> {
  const marked = licensesOf(db)
    .whereIn('l.id', inList(ids))
    .whereNotNull('l.unsigned_since')
    .whereNot('l.status', 'revoked')
    .orderBy('l.id')
    .forNoKeyUpdate('l');
  return (await (dialectOf(db) === 'postgres' ? marked.skipLocked() : marked)).map(toLicense);
}
