import { decodeBase64, encodeBase64 } from './file.ts';

// Ed25519 and nothing else: the key decides the algorithm, never the file.

interface Jwk {
  kty?: string;
  crv?: string;
  x?: string;
  kid?: string;
  alg?: string;
  use?: string;
}

/**
 * The public keys that may sign licences: the JWKS of `/.well-known/jwks.json`, one of its keys, the `x` of one,
 * a PEM (`-----BEGIN PUBLIC KEY-----`), or a list of these.
 */
export type LicensePublicKeys = string | Jwk | { keys: readonly Jwk[] } | readonly (string | Jwk)[];

/** `SEQUENCE { SEQUENCE { OID 1.3.101.112 }, BIT STRING }`, before the 32 bytes of the key (RFC 8410). */
const SPKI_PREFIX = 'MCowBQYDK2VwAyEA';
const KEY_LENGTH = 32;

/** The `x` of each key, each once. Throws a TypeError for anything that is not a public Ed25519 key. */
export function readPublicKeys(keys: LicensePublicKeys): string[] {
  const list = listOf(keys);
  if (list.length === 0) throw new TypeError('publicKeys is empty: no licence could be valid.');
  return [...new Set(list.map(readKey))];
}

function listOf(keys: unknown): readonly unknown[] {
  if (Array.isArray(keys)) return keys;
  const members: unknown = typeof keys === 'object' && keys !== null && 'keys' in keys ? keys.keys : [keys];
  if (!Array.isArray(members)) throw new TypeError('publicKeys: the member keys of a JWKS is a list.');
  return members;
}

function readKey(key: unknown): string {
  if (typeof key === 'string') return /-----BEGIN/.test(key) ? fromPem(key) : checkX(key);
  if (typeof key !== 'object' || key === null) throw new TypeError('publicKeys: a JWK, a PEM or an x is expected.');
  const { kty, crv, x, alg, use } = key as Jwk;
  if ('d' in key) throw new TypeError('publicKeys holds a private key. It must never leave the server.');
  if (kty !== 'OKP' || crv !== 'Ed25519') throw new TypeError('publicKeys: only kty OKP with crv Ed25519 is trusted.');
  if (alg !== undefined && alg !== 'EdDSA' && alg !== 'Ed25519') throw new TypeError('publicKeys: alg is not EdDSA.');
  if (use !== undefined && use !== 'sig') throw new TypeError('publicKeys: use is not sig.');
  return checkX(x);
}

function fromPem(pem: string): string {
  if (/PRIVATE KEY/.test(pem)) throw new TypeError('publicKeys holds a private key. It must never leave the server.');
  const body = /^\s*-----BEGIN PUBLIC KEY-----([A-Za-z0-9+/=\s]*)-----END PUBLIC KEY-----\s*$/.exec(pem)?.[1];
  const der = body?.replace(/\s/g, '') ?? '';
  if (!der.startsWith(SPKI_PREFIX)) throw new TypeError('publicKeys: the PEM is not one public Ed25519 key.');
  return checkX(toBase64Url(der.slice(SPKI_PREFIX.length)));
}

function checkX(x: unknown): string {
  if (typeof x !== 'string' || !/^[\w-]{43}$/.test(x) || rawKey(x)?.length !== KEY_LENGTH)
    throw new TypeError('publicKeys: x is not the base64url of 32 bytes.');
  return x;
}

const toBase64Url = (base64: string): string => base64.replace(/=+$/, '').replaceAll('+', '-').replaceAll('/', '_');

const rawKey = (x: string): Uint8Array<ArrayBuffer> | undefined =>
  decodeBase64(`${x.replaceAll('-', '+').replaceAll('_', '/')}=`);

/** RFC 7638 thumbprint (rules L9): computed, so that no `kid` beside a key is believed. */
export async function thumbprint(subtle: SubtleCrypto, x: string): Promise<string> {
  const text = new TextEncoder().encode(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`);
  return toBase64Url(encodeBase64(new Uint8Array(await subtle.digest('SHA-256', text))));
}

/** Whether the signature over the bytes is that of the key. Rejects where the platform lacks Ed25519. */
export async function hasSigned(
  subtle: SubtleCrypto,
  x: string,
  { payload, signature }: { payload: Uint8Array<ArrayBuffer>; signature: Uint8Array<ArrayBuffer> },
): Promise<boolean> {
  const key = await subtle.importKey('raw', rawKey(x)!, { name: 'Ed25519' }, false, ['verify']);
  return (await subtle.verify({ name: 'Ed25519' }, key, signature, payload)) === true;
}
