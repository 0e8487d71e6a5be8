import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createLicenseChecker, verifyLicenseFile } from '../../generated/sdk/src/license.ts';
import { decodeFile, readClaims } from '../../src/licenses/signing/license-file.ts';
import { isSignedBy, thumbprint } from '../../src/licenses/signing/signing-key.ts';
import { AppError } from '../../src/platform/errors.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { readVector, readVectorJson, vectors } from '../support/licensing.ts';
import { devicesOf, exported, putLicense, rotate, sign } from './support.ts';

describe('the vectors of docs/licensing, read by the server', () => {
  /** Undefined when the file is refused before any key is asked. */
  const isGenuine = (file: string, pems: string[]): boolean | undefined => {
    try {
      const { payload, signature } = decodeFile(file);
      const { kid } = readClaims(payload);
      return pems.some((pem) => thumbprint(pem) === kid && isSignedBy(pem, payload, signature));
    } catch (error) {
      if (error instanceof AppError && error.code === 'validation_error') return undefined;
      throw error;
    }
  };
  const pemsOf = (path: string): string[] =>
    readVectorJson<{ keys: { x: string }[] }>(path).keys.map(({ x }) => {
      const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), Buffer.from(x, 'base64url')]);
      return `-----BEGIN PUBLIC KEY-----\n${der.toString('base64')}\n-----END PUBLIC KEY-----\n`;
    });

  /** Files that a server of ours never writes: they do not name their key. */
  const namesItsKey = (file: string): boolean => {
    try {
      return JSON.parse(decodeFile(file).payload.toString()).kid !== undefined;
    } catch {
      return true;
    }
  };

  test.each(vectors.map((vector) => [vector.id, vector] as const))('%s', (_, { file, keys, expect: expected }) => {
    const text = readVector(file).toString('utf8');
    const genuine = isGenuine(text, pemsOf(keys));
    const { reason } = expected;
    if (reason === 'unknown_key' || reason === 'bad_signature') expect(genuine ?? false).toBe(false);
    else if (reason !== 'malformed' && namesItsKey(text)) expect(genuine).toBe(true);
    else expect(genuine).not.toBe(false); // what is malformed inside a genuine file is not the server's question
  });
});

describe('what the server signs, checked by the SDK', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp();
    await rotate(app);
  });
  afterAll(() => app.close());

  test('offline with the JWKS of the server, through changes and rotations', async () => {
    const features = { pro: true, '10': 1, '9': 2, motto: 'Größe 😀', off: false };
    const license = await app.given.license({ features, expiresAt: '2030-01-01T00:00:00Z' });
    const files = [(await sign(app, license.licenseKey)).file];
    await rotate(app);
    await putLicense(app, license.licenseKey, { maxActivations: 7 });
    files.push(await exported(app, license.licenseKey));
    const publicKeys = (await app.anonymous.get('/.well-known/jwks.json')).body;
    const { productId, licenseKey } = license;
    for (const file of files) {
      const now = new Date(app.clock.now());
      const result = await verifyLicenseFile(file, { publicKeys, productId, licenseKey, state: null, now });
      expect(result).toMatchObject({ valid: true, license: { licenseId: licenseKey, entitlements: features } });
    }
  });

  test('online, where it registers the device', async () => {
    const { licenseKey, productId } = await app.given.license({ maxActivations: 1 });
    const { port } = app.server.address() as { port: number };
    const checkerOf = (deviceId: string) =>
      createLicenseChecker({
        baseUrl: `http://127.0.0.1:${port}`,
        ...{ licenseKey, productId, deviceId },
        publicKeys: {
          keys: [{ kty: 'OKP', crv: 'Ed25519', x: 'A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg' }],
        },
        storage: { load: () => null, save: () => {} },
      });
    expect(await checkerOf('a').check()).toMatchObject({ valid: true, source: 'online' });
    expect(await checkerOf('b').check()).toMatchObject({ valid: false, reason: 'activation_limit_reached' });
    expect(await devicesOf(app, licenseKey)).toHaveLength(1);
  });
});
