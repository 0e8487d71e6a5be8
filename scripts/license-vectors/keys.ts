import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign as signBytes } from 'node:crypto';

/** A signing key from a published seed: for tests and examples only. */
export interface SigningKey {
  name: string;
  privateKey: KeyObject;
  jwk: { kty: 'OKP'; crv: 'Ed25519'; x: string; kid: string; use: 'sig'; alg: 'EdDSA' };
  pem: string;
}

const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

/** The seed is 32 bytes that count up from `first`. */
function keyFrom(name: string, first: number): SigningKey {
  const seed = Uint8Array.from({ length: 32 }, (_, index) => first + index);
  const privateKey = createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey(privateKey);
  const x = publicKey.export({ format: 'jwk' }).x!;
  const kid = createHash('sha256').update(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`).digest('base64url');
  const pem = publicKey.export({ format: 'pem', type: 'spki' }).toString();
  return { name, privateKey, jwk: { kty: 'OKP', crv: 'Ed25519', x, kid, use: 'sig', alg: 'EdDSA' }, pem };
}

/** `a` is the key of rules 16.4. It is followed by `b`, then by `c`; `foreign` is nobody's. */
export const keys = {
  a: keyFrom('a', 0x00),
  b: keyFrom('b', 0x20),
  c: keyFrom('c', 0x40),
  foreign: keyFrom('foreign', 0x80),
};

export const sign = (key: SigningKey, bytes: Buffer): Buffer => signBytes(null, bytes, key.privateKey);
