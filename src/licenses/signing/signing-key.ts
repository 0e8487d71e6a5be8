import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import type { Instant } from '../../platform/calendar.ts';
import type { Vault } from '../../platform/secrets.ts';

/** An Ed25519 key. Retired ones verify for ever; only the active one has a private key (rules L9). */
export interface SigningKey {
  /** RFC 7638 thumbprint of the public key. */
  kid: string;
  /** SPKI PEM. */
  publicKey: string;
  status: 'active' | 'retired';
  createdAt: Instant;
  retiredAt: Instant | null;
}

const aad = (kid: string): string => `signing_keys.private_key_enc.${kid}`;

/** The public key as raw base64url, the `x` of its JWK. */
export const rawPublicKey = (publicKey: string): string => createPublicKey(publicKey).export({ format: 'jwk' }).x!;

export const thumbprint = (publicKey: string): string =>
  createHash('sha256')
    .update(JSON.stringify({ crv: 'Ed25519', kty: 'OKP', x: rawPublicKey(publicKey) }))
    .digest('base64url');

/** A new active key; `sealed` is its private key as it is stored. */
export function generateSigningKey(vault: Vault, now: Instant): { key: SigningKey; sealed: string } {
  const pair = generateKeyPairSync('ed25519');
  const publicKey = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const kid = thumbprint(publicKey);
  const secret = pair.privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64');
  return {
    key: { kid, publicKey, status: 'active', createdAt: now, retiredAt: null },
    sealed: vault.encrypt(secret, aad(kid)),
  };
}

/** A function that signs with a stored private key: base64 of the Ed25519 signature over the UTF-8 bytes. */
export function openSigner(vault: Vault, kid: string, sealed: string): (text: string) => string {
  const der = Buffer.from(vault.decrypt(sealed, aad(kid)), 'base64');
  const key = createPrivateKey({ key: der, type: 'pkcs8', format: 'der' });
  return (text) => sign(null, Buffer.from(text, 'utf8'), key).toString('base64');
}

/** The private key sealed under the present SECRET_KEY; undefined when it already is. */
export const renewSeal = (vault: Vault, kid: string, sealed: string): string | undefined =>
  vault.renew(sealed, aad(kid));

const MAX_KNOWN = 100;
const known = new Map<string, KeyObject>();

/** Whether the signature over exactly these bytes is of this key. */
export function isSignedBy(publicKey: string, payload: Buffer, signature: Buffer): boolean {
  return verify(null, payload, keyObject(publicKey), signature);
}

function keyObject(publicKey: string): KeyObject {
  const kept = known.get(publicKey);
  if (kept) return kept;
  const key = createPublicKey(publicKey);
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(publicKey, key);
  return key;
}
