import { createPublicKey, generateKeyPairSync, sign as signBytes, verify as verifyBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { checkInvariants } from '../../src/billing/audit/invariants.ts';
import { encodeFile } from '../../src/licenses/signing/license-file.ts';
import { createVault } from '../../src/platform/secrets.ts';
import { startApp, type TestApp, testConfig } from '../support/app.ts';
import { type Entity, exported, licenseOf, putLicense, rotate, sign, verify, verifyFile } from './support.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
  await rotate(app);
});
afterEach(async () => {
  await app.drain();
  expect(await checkInvariants(app.database.read, app.clock.now())).toEqual([]);
});
afterAll(() => app.close());

const FORGED = {
  ...{ valid: false, status: null, features: {}, expiresAt: null, error: 'license_signature_invalid' },
  checkedAt: expect.any(String),
};
const blocks = (file: string) => file.split(/(?<=END LICENSE-----\n)/) as [string, string];

describe('signing keys (rules L9)', () => {
  test('a rotation keeps the public key and erases the private one', async () => {
    const before = (await app.api.get('/api/licenses/keypair')).body;
    const made = await rotate(app);
    const after = (await app.api.get('/api/licenses/keypair')).body;
    expect(after).toEqual({
      exists: true,
      active: made,
      keys: expect.arrayContaining([made, { ...before.active, status: 'retired', retiredAt: app.clock.now() }]),
    });
    const rows: Entity[] = await app.database.read('signing_keys');
    for (const row of rows) expect(row.private_key_enc === null).toBe(row.status === 'retired');
    const { body } = await app.anonymous.get('/.well-known/jwks.json');
    expect(body.keys.map(({ kid }: Entity) => kid).sort()).toEqual(rows.map(({ kid }) => kid).sort());
  });

  test('the JWKS may be cached, says when it changes, and is what verifiers need', async () => {
    const first = await app.anonymous.get('/.well-known/jwks.json');
    expect(first.headers).toMatchObject({ 'cache-control': 'public, max-age=300', 'access-control-allow-origin': '*' });
    expect((await app.anonymous.get('/.well-known/jwks.json')).headers.etag).toBe(first.headers.etag);
    const { kid, publicKey } = await rotate(app);
    const second = await app.anonymous.get('/.well-known/jwks.json');
    expect(second.headers.etag).not.toBe(first.headers.etag);
    const jwk = second.body.keys.find((one: Entity) => one.kid === kid);
    expect(jwk).toEqual({ kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', use: 'sig', kid, x: expect.any(String) });
    expect(createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' })).toBe(publicKey);
  });

  test('no answer, audit row or log line has a private key; at rest it is encrypted', async () => {
    const lines: string[] = [];
    const log = new Proxy(app.runtime.log, {
      get: (target, name) =>
        typeof name === 'string' && ['info', 'warn', 'error', 'debug'].includes(name)
          ? (...args: unknown[]) => void lines.push(JSON.stringify(args))
          : Reflect.get(target, name),
    });
    const told = await startApp({ log });
    const { kid } = await rotate(told);
    const { licenseKey } = await told.given.license();
    const texts = [JSON.stringify(await sign(told, licenseKey)), ...lines];
    const [row] = await told.database.read('signing_keys');
    const secret = told.runtime.vault.decrypt(row.private_key_enc, `signing_keys.private_key_enc.${kid}`);
    expect(Buffer.from(secret, 'base64').length).toBe(48);
    expect(row.private_key_enc).toMatch(/^v1\.[0-9a-f]{8}\./);
    texts.push(
      JSON.stringify(await told.database.read('audit_log')),
      (await told.api.get('/api/licenses/keypair')).text,
    );
    for (const text of texts) {
      expect(text).not.toContain(secret.slice(20, 60));
      expect(text).not.toContain(row.private_key_enc.slice(12, 60));
    }
    await told.close();
  });

  test('a key that is moved to another row cannot be used', async () => {
    const moved = await startApp();
    const { kid } = await rotate(moved);
    const [row] = await moved.database.read('signing_keys');
    expect(() => moved.runtime.vault.decrypt(row.private_key_enc, `signing_keys.private_key_enc.${kid}x`)).toThrow();
    await moved.close();
  });

  test('after a change of SECRET_KEY the job seals the key anew, and the old secret may go', async () => {
    const old = await startApp();
    await rotate(old);
    const { licenseKey } = await old.given.license();
    const SECRET = 'another secret key, long enough for it';
    const run = () => old.cron.post('/api/billing/cron/licenses');
    old.runtime.vault = createVault(SECRET, testConfig.secretKey);
    expect((await run()).body.errors).toEqual([]);
    const [sealed] = await old.database.read('signing_keys');
    await run();
    expect(await old.database.read('signing_keys')).toEqual([sealed]);
    old.runtime.vault = createVault(SECRET);
    expect((await verifyFile(old, (await sign(old, licenseKey)).file)).body.valid).toBe(true);
    old.runtime.vault = createVault('a third secret key that knows nothing');
    expect((await run()).status).toBe(200); // it says so in the log, and expires what is due all the same
    const refused = await old.api.post(`/api/licenses/${licenseKey}/sign`);
    expect([refused.status, refused.body.error]).toEqual([409, 'conflict']);
    expect(refused.body.message).toContain('SECRET_KEY');
    await old.close();
  });
});

describe('sign and export (rules L10)', () => {
  test('the answer holds payload, signature and file, which is the one that is exported', async () => {
    const license = await app.given.license({
      maxActivations: 5,
      features: { pro: true },
      expiresAt: '2030-05-06T07:08:09Z',
    });
    const signed = await sign(app, license.licenseKey);
    const { active } = (await app.api.get('/api/licenses/keypair')).body;
    expect(signed).toMatchObject({ licenseKey: license.licenseKey, kid: active.kid, signedAt: app.clock.now() });
    const bytes = Buffer.from(signed.payload);
    expect(verifyBytes(null, bytes, active.publicKey, Buffer.from(signed.signature, 'base64'))).toBe(true);
    expect(JSON.parse(signed.payload)).toEqual({
      licenseId: license.licenseKey,
      customerId: license.customerId,
      customerName: license.customerName,
      productId: license.productId,
      productName: license.productName,
      features: ['pro'],
      maxActivations: 5,
      issuedAt: '2026-03-15',
      expiresAt: '2030-05-06',
      entitlements: { pro: true },
      iat: 1773570600,
      exp: 1904281689,
      seq: 1,
      kid: active.kid,
    });
    expect(await exported(app, license.licenseKey)).toBe(signed.file);
    const { headers } = await app.api.get(`/api/licenses/${license.licenseKey}/export`);
    expect(headers['content-type']).toBe('application/octet-stream');
    expect(headers['content-disposition']).toBe(`attachment; filename="license-${license.licenseKey}.lic"`);
    expect(await licenseOf(app, license.licenseKey)).toMatchObject({
      signingKeyId: active.kid,
      signedAt: signed.signedAt,
    });
  });

  test('a changed member is signed again at once; others are not', async () => {
    const { licenseKey } = await app.given.license();
    await sign(app, licenseKey);
    let file = await exported(app, licenseKey);
    for (const body of [{ features: { a: 1 } }, { maxActivations: 3 }, { expiresAt: '2031-01-01T00:00:00Z' }]) {
      await putLicense(app, licenseKey, body);
      const next = await exported(app, licenseKey);
      expect(next).not.toBe(file);
      file = next;
    }
    for (const body of [{ features: { a: 1 } }, { status: 'suspended' }, { status: 'active' }]) {
      await putLicense(app, licenseKey, body);
      expect(await exported(app, licenseKey)).toBe(file);
    }
    const [row] = await app.database.read('licenses').where({ license_key: licenseKey });
    expect(Number(row.seq)).toBe(4);
  });

  test('a rotation signs nothing again', async () => {
    const { licenseKey } = await app.given.license();
    await sign(app, licenseKey);
    const file = await exported(app, licenseKey);
    await rotate(app);
    expect(await exported(app, licenseKey)).toBe(file);
  });
});

describe('verify a file (rules L14)', () => {
  test('old files verify after two rotations, and by the present state of the licence', async () => {
    const { licenseKey } = await app.given.license({ features: { pro: true } });
    const { file } = await sign(app, licenseKey);
    await rotate(app);
    await rotate(app);
    expect((await verifyFile(app, file)).body).toEqual({
      valid: true,
      status: 'active',
      features: { pro: true },
      expiresAt: null,
      checkedAt: app.clock.now(),
    });
    await putLicense(app, licenseKey, { features: { pro: false } });
    expect((await verifyFile(app, file)).body.features).toEqual({ pro: false });
    const productId = (await app.given.product()).id;
    expect((await verifyFile(app, file, { productId })).body.error).toBe('license_product_mismatch');
    await putLicense(app, licenseKey, { status: 'revoked' });
    expect((await verifyFile(app, file)).body).toMatchObject({ valid: false, error: 'license_revoked' });
  });

  test('200 license_signature_invalid: a foreign key, a swapped signature, a changed payload, another kid', async () => {
    const [one, two] = [await app.given.license(), await app.given.license()];
    const [a, b] = [await sign(app, one.licenseKey), await sign(app, two.licenseKey)];
    const foreign = generateKeyPairSync('ed25519').privateKey;
    const forgedBy = (payload: string) => signBytes(null, Buffer.from(payload), foreign).toString('base64');
    const files = [
      encodeFile(a.payload, forgedBy(a.payload)),
      blocks(a.file)[0] + blocks(b.file)[1],
      encodeFile(a.payload.replace('"seq":1', '"seq":2'), a.signature),
      encodeFile(a.payload.replace(a.kid, 'x'.repeat(43)), a.signature),
      encodeFile(a.payload.replace(a.kid, "' or 1=1 --"), a.signature),
      encodeFile(`${a.payload} `, a.signature),
      encodeFile(a.payload, Buffer.alloc(64).toString('base64')),
      encodeFile(a.payload, Buffer.alloc(64, 1).toString('base64')),
    ];
    for (const file of files) {
      const { status, body } = await verifyFile(app, file);
      expect([status, body]).toEqual([200, FORGED]);
    }
  });

  test('a file of another server is not genuine here, though the licence key exists', async () => {
    const other = await startApp();
    await rotate(other);
    const { licenseKey } = await app.given.license();
    await other.given.license({ licenseKey });
    const { file } = await sign(other, licenseKey);
    expect((await verifyFile(other, file)).body.valid).toBe(true);
    expect((await verifyFile(app, file)).body).toEqual(FORGED);
    await other.close();
  });

  test('other algorithms: RSA, EC and Ed448 signatures fit no key', async () => {
    const { licenseKey } = await app.given.license();
    const { payload } = await sign(app, licenseKey);
    const keys = [
      generateKeyPairSync('ed448').privateKey,
      generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
      generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
    ];
    for (const key of keys) {
      const algorithm = key.asymmetricKeyType === 'ed448' ? null : 'sha256';
      const signature = signBytes(algorithm, Buffer.from(payload), key).toString('base64');
      const { status, body } = await verifyFile(app, encodeFile(payload, signature));
      expect([status, Object.keys(body.fields)]).toEqual([400, ['file']]); // not 64 bytes
    }
  });

  test('the largest file there can be is taken; a larger one is refused', async () => {
    const values = Object.fromEntries(Array.from({ length: 34 }, (_, n) => [`feature-${n}`, 'é'.repeat(225)]));
    const { licenseKey } = await app.given.license({ features: values });
    const { file } = await sign(app, licenseKey);
    expect(file.length).toBeGreaterThan(20_000);
    expect((await verifyFile(app, file)).body).toMatchObject({ valid: true, features: values });
    expect((await verifyFile(app, 'x'.repeat(65_537))).body.fields).toHaveProperty('file');
    expect((await verifyFile(app, 'x'.repeat(140_000))).status).toBe(413);
  });

  test('anything at all is answered 400 on file, never with a failure', async () => {
    const { licenseKey } = await app.given.license();
    const { file } = await sign(app, licenseKey);
    const noise = fc.string({ unit: 'binary', maxLength: 200 });
    const cut = fc.tuple(fc.nat({ max: file.length }), fc.nat({ max: 40 }), fc.string({ maxLength: 3 }));
    const changed = cut.map(([at, length, text]) => file.slice(0, at) + text + file.slice(at + length));
    await fc.assert(
      fc.asyncProperty(fc.oneof(noise, changed), async (text) => {
        const { status, body } = await verifyFile(app, text);
        if (status === 200) expect(body.valid || body.error === 'license_signature_invalid').toBe(true);
        else expect([status, body.error, Object.keys(body.fields)]).toEqual([400, 'validation_error', ['file']]);
      }),
      { numRuns: 150 },
    );
  });

  test('404 license_not_found: no licence of a genuine file is left', async () => {
    const { licenseKey } = await app.given.license();
    const { file } = await sign(app, licenseKey);
    expect((await verify(app, licenseKey)).status).toBe(200);
    const elsewhere = await startApp();
    await elsewhere.database.write('signing_keys').insert(await app.database.read('signing_keys'));
    const { status, body } = await verifyFile(elsewhere, file);
    expect([status, body.error]).toEqual([404, 'license_not_found']);
    await elsewhere.close();
  });
});
