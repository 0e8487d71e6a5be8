import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';

/** Encrypts small secrets at rest (rules H7). `aad` binds a value to the place it is stored in. */
export interface Vault {
  /** Names the key that encrypts; it stands in every value that was encrypted with it. */
  readonly keyId: string;
  encrypt(text: string, aad: string): string;
  /**
   * Keyed hashes for comparing: unlike a bare hash they cannot be guessed from by whoever reads the database.
   * The first, of the current key, is stored; what is stored may also be the one of the previous key.
   */
  fingerprints(data: string | Buffer): [current: string, previous?: string];
  /** HMAC-SHA256 with a key of its own per purpose, base64url: what a caller keeps for us and hands back. */
  sign(purpose: Purpose, text: string): string;
  /** Whether `sign` made it, with the present or the previous key; compared in constant time. */
  isSigned(purpose: Purpose, text: string, signature: string): boolean;
  /** Throws when the value was stored under another place, another key, or was changed. */
  decrypt(stored: string, aad: string): string;
  /** The same secret under the current key; undefined when it is stored under that one already. */
  renew(stored: string, aad: string): string | undefined;
}

export type Purpose = 'quote';

/** AES-256-GCM with a key derived from SECRET_KEY; the previous key still decrypts, never encrypts. */
export function createVault(secretKey: string, previous?: string, iv: () => Buffer = () => randomBytes(12)): Vault {
  const current = derive(secretKey);
  const keys = new Map([current, ...(previous ? [derive(previous)] : [])].map((key) => [key.id, key.bytes]));
  const fingerprint = fingerprinter(secretKey);
  const previousFingerprint = previous ? fingerprinter(previous) : undefined;
  const signed = (key: string, purpose: Purpose, text: string): string => {
    const bytes = Buffer.from(hkdfSync('sha256', key, '', `rustbill/v1/${purpose}`, 32));
    return createHmac('sha256', bytes).update(text).digest('base64url');
  };
  const vault: Vault = {
    keyId: current.id,
    fingerprints: (data) =>
      previousFingerprint ? [fingerprint(data), previousFingerprint(data)] : [fingerprint(data)],
    sign: (purpose, text) => signed(secretKey, purpose, text),
    isSigned: (purpose, text, signature) =>
      [secretKey, ...(previous ? [previous] : [])]
        .map((key) => sameSecret(signature, signed(key, purpose, text)))
        .includes(true),
    encrypt(text, aad) {
      const nonce = iv();
      const cipher = createCipheriv('aes-256-gcm', current.bytes, nonce).setAAD(Buffer.from(aad));
      const sealed = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
      return `v1.${current.id}.${sealed.toString('base64')}`;
    },
    decrypt(stored, aad) {
      const [version, keyId, body] = stored.split('.');
      const key = keys.get(keyId ?? '');
      if (version !== 'v1' || !key || !body) throw new Error(`No key for a stored secret (${aad}).`);
      const sealed = Buffer.from(body, 'base64');
      const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12)).setAAD(Buffer.from(aad));
      decipher.setAuthTag(sealed.subarray(-16));
      return Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()]).toString('utf8');
    },
    renew: (stored, aad) =>
      stored.split('.')[1] === current.id ? undefined : vault.encrypt(vault.decrypt(stored, aad), aad),
  };
  return vault;
}

/** Which key encrypted a stored value. */
export const keyIdOf = (stored: string): string => stored.split('.')[1] ?? '';

/** How a stored secret is shown: eight bullets and the last four characters, only bullets when it is short. */
export const mask = (secret: string): string => '•'.repeat(8) + (secret.length > 8 ? secret.slice(-4) : '');

export const sha256 = (data: string | Buffer): string => createHash('sha256').update(data).digest('hex');

/** Compares in a time that depends on neither value. */
export const sameSecret = (given: string, expected: string): boolean =>
  timingSafeEqual(createHash('sha256').update(given).digest(), createHash('sha256').update(expected).digest());

function fingerprinter(secretKey: string): (data: string | Buffer) => string {
  const key = Buffer.from(hkdfSync('sha256', secretKey, '', 'rustbill/v1/fingerprint', 32));
  return (data) => createHmac('sha256', key).update(data).digest('hex');
}

function derive(secretKey: string): { id: string; bytes: Buffer } {
  const bytes = Buffer.from(hkdfSync('sha256', secretKey, '', 'rustbill/v1/settings', 32));
  return { id: createHash('sha256').update(bytes).digest('hex').slice(0, 8), bytes };
}
