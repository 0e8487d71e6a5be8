import { updateRows } from '../platform/db/bulk.ts';
import type { Db } from '../platform/db/connect.ts';
import type { License } from './license.ts';

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
