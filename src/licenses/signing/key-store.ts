import type { Instant } from '../../platform/calendar.ts';
import type { Db } from '../../platform/db/connect.ts';
import { lockNames } from '../../platform/db/locks.ts';
import { query } from '../../platform/db/sql.ts';
import type { SigningKey } from './signing-key.ts';

interface Row {
  kid: string;
  public_key: string;
  status: 'active' | 'retired';
  created_at: Instant;
  retired_at: Instant | null;
}

const COLUMNS = ['kid', 'public_key', 'status', 'created_at', 'retired_at'];

const fromRow = (row: Row): SigningKey => ({
  kid: row.kid,
  publicKey: row.public_key,
  status: row.status,
  createdAt: row.created_at,
  retiredAt: row.retired_at,
});

/** Every key there ever was, newest first. */
export async function listSigningKeys(db: Db): Promise<SigningKey[]> {
  const rows: Row[] = await db('signing_keys')
    .select(COLUMNS)
    .orderBy([{ column: 'created_at', order: 'desc' }, 'status', 'kid']);
  return rows.map(fromRow);
}

/** The SPKI PEM of one key, current or retired. */
export async function findPublicKey(db: Db, kid: string): Promise<string | undefined> {
  const [row] = await query<{ public_key: string }>(db, 'SELECT public_key FROM signing_keys WHERE kid = ?', [kid]);
  return row?.public_key;
}

/** The active key with its sealed private key. */
export async function findActiveKey(db: Db): Promise<{ kid: string; sealed: string } | undefined> {
  const [row] = await query<{ kid: string; private_key_enc: string }>(
    db,
    `SELECT kid, private_key_enc FROM signing_keys WHERE status = 'active'`,
  );
  return row && { kid: row.kid, sealed: row.private_key_enc };
}

/** Makes rotations wait for each other until the commit, also when there is no key yet. */
export const lockRotation = (db: Db): Promise<void> => lockNames(db, ['signing_keys']);

/** Keeps the public key and forgets the private one; answers the kid of the key that was active (rules L9). */
export async function retireActiveKey(db: Db, now: Instant): Promise<string | null> {
  const [row]: { kid: string }[] = await db('signing_keys')
    .where({ status: 'active' })
    .update({ status: 'retired', retired_at: now, private_key_enc: null })
    .returning('kid');
  return row?.kid ?? null;
}

export async function insertSigningKey(db: Db, key: SigningKey, sealed: string): Promise<void> {
  await db('signing_keys').insert({
    kid: key.kid,
    public_key: key.publicKey,
    private_key_enc: sealed,
    status: key.status,
    retired_at: key.retiredAt,
    created_at: key.createdAt,
  });
}

/** Stores another seal of the same private key, unless the key has been retired meanwhile. */
export async function updateSeal(db: Db, kid: string, sealed: string): Promise<void> {
  await db('signing_keys').where({ kid, status: 'active' }).update({ private_key_enc: sealed });
}
