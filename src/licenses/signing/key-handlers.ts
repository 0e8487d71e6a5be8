import { conflict } from '../../platform/errors.ts';
import { type Handlers, reply } from '../../platform/http/operations.ts';
import { sha256 } from '../../platform/secrets.ts';
import { requireLicense, unknownLicense } from '../checks/lookup.ts';
import { normalKey, refuseUnlessActive } from '../license.ts';
import { lockLicense } from '../store.ts';
import { insertSigningKey, listSigningKeys, lockRotation, retireActiveKey } from './key-store.ts';
import { encodeFile } from './license-file.ts';
import { statesNoMore } from './payload.ts';
import { signLicense as signAndWrite } from './sign.ts';
import { findSignature } from './signature-store.ts';
import { generateSigningKey, rawPublicKey, type SigningKey } from './signing-key.ts';

type Tag = Handlers<'licenses'>;

export const signLicense: Tag['signLicense'] = async ({ path }, context) => {
  const before = await lockLicense(context.db, context.scope, normalKey(path.key));
  if (!before) throw unknownLicense();
  refuseUnlessActive(before, context.now);
  const { license, payload, signature } = await signAndWrite(context, before);
  const { kid, seq, signedAt } = license;
  context.audit({
    entityType: 'license',
    entityId: license.id,
    changes: { seq: [before.seq, seq], kid: [before.kid, kid] },
    reason: 'signed',
  });
  const file = encodeFile(payload, signature);
  return { licenseKey: license.licenseKey, kid: kid!, payload, signature, file, signedAt: signedAt! };
};

export const exportLicense: Tag['exportLicense'] = async ({ path }, { db, scope, now }) => {
  const license = await requireLicense(db, scope, path.key);
  const { id, licenseKey } = license;
  const signed = await findSignature(db, id);
  if (!signed) throw conflict('The licence was never signed.');
  if (license.unsignedSince !== null && !statesNoMore(signed.payload, license, now))
    throw conflict('The licence has changed and waits to be signed again; its last file is not true any more.');
  return reply(200, Buffer.from(encodeFile(signed.payload, signed.signature)), {
    'Content-Type': 'application/octet-stream',
    'Content-Disposition': `attachment; filename="license-${licenseKey}.lic"`,
  });
};

export const getLicenseKeypair: Tag['getLicenseKeypair'] = async (_, { db }) => {
  const keys = (await listSigningKeys(db)).map(present);
  const active = keys.find(({ status }) => status === 'active') ?? null;
  return { exists: active !== null, active, keys };
};

export const rotateLicenseKeypair: Tag['rotateLicenseKeypair'] = async (_, context) => {
  const { db, now, runtime } = context;
  await lockRotation(db);
  const { key, sealed } = generateSigningKey(runtime.vault, now);
  const retired = await retireActiveKey(db, now);
  await insertSigningKey(db, key, sealed);
  context.audit({ entityType: 'signing_key', entityId: key.kid, changes: { active: [retired, key.kid] } });
  return present(key);
};

/** How long a JWKS may be taken from a cache; a verifier that meets an unknown kid asks again. */
const JWKS_SECONDS = 300;

export const getJwks: Tag['getJwks'] = async (_, { db }) => {
  const keys = (await listSigningKeys(db)).map(({ kid, publicKey }) => ({
    kty: 'OKP' as const,
    crv: 'Ed25519' as const,
    alg: 'EdDSA' as const,
    use: 'sig' as const,
    kid,
    x: rawPublicKey(publicKey),
  }));
  const etag = `"${sha256(keys.map(({ kid }) => kid).join()).slice(0, 32)}"`;
  return reply(200, { keys }, { 'Cache-Control': `public, max-age=${JWKS_SECONDS}`, ETag: etag });
};

const present = (key: SigningKey) => ({
  kid: key.kid,
  algorithm: 'Ed25519' as const,
  publicKey: key.publicKey,
  status: key.status,
  createdAt: key.createdAt,
  retiredAt: key.retiredAt,
});
