import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { type LicensePublicKeys, type VerifyOptions, verifyLicenseFile } from '../../generated/sdk/src/license.ts';
import { readVector, readVectorJson } from '../support/licensing.ts';

const file = readVector('files/rules.lic').toString();
const jwks = readVectorJson<{ keys: { kty: string; crv: string; x: string; kid: string }[] }>('keys/one.jwks.json');
const jwk = jwks.keys[0]!;
const pem = readVector('keys/a.pem').toString();
const options: VerifyOptions = {
  publicKeys: jwks,
  productId: '01JQX8Z5T6V7W8X9Y0Z1A2B3C7',
  state: null,
  now: new Date('2026-06-01T12:00:00Z'),
};
const verify = (changes: Record<string, unknown>, ...given: [unknown?]) =>
  verifyLicenseFile((given.length > 0 ? given[0] : file) as string, { ...options, ...changes } as VerifyOptions);

describe('the trusted keys', () => {
  test.each<[string, LicensePublicKeys]>([
    ['a JWKS', jwks],
    ['a JWK', jwk],
    ['a JWK without kid, use and alg', { kty: 'OKP', crv: 'Ed25519', x: jwk.x }],
    ['an x', jwk.x],
    ['a PEM', pem],
    ['a PEM with CRLF', pem.replaceAll('\n', '\r\n')],
    ['a list of all of these', [readVector('keys/b.pem').toString(), jwk, jwk.x, pem]],
  ])('valid with %s', async (_, publicKeys) => {
    expect(await verify({ publicKeys })).toMatchObject({ valid: true });
  });

  test('unknown_key when the kid beside a key lies: it is computed from the key', async () => {
    const [b] = readVectorJson<typeof jwks>('keys/rotated.jwks.json').keys.filter(({ x }) => x !== jwk.x);
    expect(await verify({ publicKeys: { keys: [{ ...b!, kid: jwk.kid }] } })).toMatchObject({ reason: 'unknown_key' });
    expect(await verify({ publicKeys: { keys: [{ ...jwk, kid: b!.kid }] } })).toMatchObject({ valid: true });
  });

  const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey;
  const x25519 = generateKeyPairSync('x25519').publicKey;
  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['an empty list', []],
    ['a JWKS without keys', { keys: [] }],
    ['a JWKS whose keys are no list', { keys: jwk }],
    ['a list with nothing in it', [undefined]],
    ['a JWKS in a list', [jwks]],
    ['an empty text', ''],
    ['a short x', jwk.x.slice(1)],
    ['an x in base64', jwk.x.replace('_', '/')],
    ['an x whose unused bits are set', `${jwk.x.slice(0, -1)}h`],
    ['kty RSA', rsa.export({ format: 'jwk' })],
    ['an RSA key beside a good one', { keys: [jwk, rsa.export({ format: 'jwk' })] }],
    ['kty oct with the x', { kty: 'oct', k: jwk.x, x: jwk.x, crv: 'Ed25519' }],
    ['crv X25519', x25519.export({ format: 'jwk' })],
    ['crv Ed448', { ...jwk, crv: 'Ed448' }],
    ['alg HS256', { ...jwk, alg: 'HS256' }],
    ['alg none', { ...jwk, alg: 'none' }],
    ['use enc', { ...jwk, use: 'enc' }],
    ['a private JWK', { ...jwk, d: jwk.x }],
    ['a private PEM', generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' })],
    ['a PEM of RSA', rsa.export({ format: 'pem', type: 'spki' })],
    ['a PEM of X25519', x25519.export({ format: 'pem', type: 'spki' })],
    ['two PEMs in one text', pem + pem],
    ['a PEM cut off', pem.slice(0, 60)],
  ])('TypeError for %s, whatever the file', async (_, publicKeys) => {
    await expect(verify({ publicKeys })).rejects.toThrow(TypeError);
    await expect(verify({ publicKeys }, 'garbage')).rejects.toThrow(TypeError);
  });
});

describe('the other options', () => {
  test.each<[string, Record<string, unknown>]>([
    ['no product', { productId: undefined }],
    ['an empty product', { productId: '' }],
    ['a state that was forgotten', { state: undefined }],
    ['now in milliseconds', { now: 1780315200000 }],
    ['now as a text', { now: '2026-06-01' }],
    ['now that is no time', { now: new Date('never') }],
    ['negative grace', { graceDays: -1 }],
    ['grace that is no number', { graceDays: Number.NaN }],
    ['endless grace', { graceDays: Number.POSITIVE_INFINITY }],
    ['grace as a text', { graceDays: '3' }],
    ['a licence key that is no text', { licenseKey: 7 }],
  ])('TypeError for %s', async (_, changes) => {
    await expect(verify(changes)).rejects.toThrow(TypeError);
  });

  test('wrong_license for an empty licence key: it is not the same as none', async () => {
    expect(await verify({ licenseKey: '' })).toMatchObject({ reason: 'wrong_license' });
  });

  test('the system clock when there is no now', async () => {
    const forever = readVector('files/never-expires.lic');
    expect(await verify({ now: undefined }, forever)).toMatchObject({ valid: true });
  });
});

describe('the file', () => {
  test('a text, bytes, a buffer, a part of a buffer', async () => {
    const bytes = new TextEncoder().encode(`xx${file}xx`);
    const part = bytes.subarray(2, -2);
    for (const form of [file, part, part.slice().buffer, Buffer.from(part)])
      expect(await verify({}, form)).toMatchObject({ valid: true });
  });

  test.each<[string, unknown]>([
    ['undefined', undefined],
    ['null', null],
    ['a number', 7],
    ['an object', { toString: () => file }],
    ['a list of texts', [file]],
    ['a String', Object(file)],
    ['wide numbers', Uint16Array.from(Buffer.from(file))],
    ['a lone surrogate', `${file}\ud800`],
    ['bytes that are not UTF-8', Buffer.concat([Buffer.from(file), Buffer.from([0xff])])],
  ])('malformed for %s', async (_, of) => {
    expect(await verify({}, of)).toEqual({ valid: false, reason: 'malformed', state: null });
  });

  test('malformed for a buffer that was given away', async () => {
    const { buffer } = new TextEncoder().encode(file);
    structuredClone(buffer, { transfer: [buffer] });
    expect(await verify({}, buffer)).toMatchObject({ reason: 'malformed' });
  });

  test('bytes that change while the signature is checked do not matter', async () => {
    const bytes = Buffer.from(file);
    const checked = verify({}, bytes);
    bytes.fill(readVector('files/tampered-exp.lic').toString());
    expect(await checked).toMatchObject({ valid: true, license: { exp: 1800007200 } });
  });
});

describe('the state', () => {
  test('is the same object while nothing changed', async () => {
    const first = await verify({});
    const second = await verify({ state: JSON.parse(JSON.stringify(first.state)) });
    expect(second.state).toEqual(first.state);
    expect((await verify({ state: second.state })).state).toBe(second.state);
  });

  test('a garbled one is given back as it was, so that storing it resets nothing', async () => {
    const state = { 'RUSTBILL-7K3F-9QWX-M2TB': { highestIat: -1, highestSeq: 1 } };
    const result = await verify({ state });
    expect(result).toEqual({ valid: false, reason: 'bad_state', state });
    expect(result.state).toBe(state);
  });

  test('a file with a forged signature leaves no trace', async () => {
    const forged = readVector('files/tampered-exp.lic');
    expect(await verify({}, forged)).toEqual({ valid: false, reason: 'bad_signature', state: null });
  });

  test('file_rolled_back for the old file, also after another licence was used in between', async () => {
    const two = await verify({}, readVector('files/newer.lic'));
    const other = await verify({ state: two.state }, readVector('files/other-license-seen.lic'));
    expect(other.valid).toBe(true);
    expect(await verify({ state: other.state })).toMatchObject({ valid: false, reason: 'file_rolled_back' });
  });

  test('expired still for a clock set back to escape the end', async () => {
    const atEnd = await verify({ now: new Date('2027-01-15T09:00:00Z') });
    const over = await verify({ now: new Date('2027-01-15T10:00:00Z'), state: atEnd.state });
    expect([atEnd.valid, over]).toMatchObject([true, { reason: 'expired' }]);
    const back = await verify({ now: new Date('2026-06-01T12:00:00Z'), state: over.state });
    expect(back).toMatchObject({ reason: 'expired' });
  });
});

describe('a platform without Ed25519', () => {
  async function on(crypto: unknown, of: unknown = file) {
    const own = Object.getOwnPropertyDescriptor(globalThis, 'crypto')!;
    Object.defineProperty(globalThis, 'crypto', { value: crypto, configurable: true });
    try {
      return await verify({}, of);
    } finally {
      Object.defineProperty(globalThis, 'crypto', own);
    }
  }
  const { subtle } = globalThis.crypto;
  const digest = subtle.digest.bind(subtle);
  const fails = () => Promise.reject(new DOMException('Unrecognized name.', 'NotSupportedError'));

  test.each<[string, unknown]>([
    ['no crypto', undefined],
    ['a page without TLS', {}],
    ['an unknown algorithm', { subtle: { digest, importKey: fails } }],
    ['a failing verification', { subtle: { digest, importKey: () => Promise.resolve({}), verify: fails } }],
    ['no digest', { subtle: { digest: fails } }],
  ])('unsupported_platform: %s', async (_, crypto) => {
    expect(await on(crypto)).toEqual({ valid: false, reason: 'unsupported_platform', state: null });
  });

  test('malformed comes first', async () => {
    expect(await on(undefined, 'garbage')).toMatchObject({ reason: 'malformed' });
  });

  test('bad_signature when the answer is not true itself', async () => {
    const odd = { subtle: { digest, importKey: () => Promise.resolve({}), verify: () => Promise.resolve('yes') } };
    expect(await on(odd)).toMatchObject({ reason: 'bad_signature' });
  });
});
