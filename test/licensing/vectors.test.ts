import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { type LicenseState, verifyLicenseFile } from '../../generated/sdk/src/license.ts';
import { programPath, readVector, readVectorJson, VECTORS, vectors } from '../support/licensing.ts';

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

describe('the vectors', () => {
  test('are what the script writes', () => {
    const script = join(import.meta.dirname, '../../scripts/license-vectors.ts');
    const { status, stderr } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
  });

  test('begin with that of rules 16.4, byte for byte', () => {
    const file = readVector('files/rules.lic');
    expect([file.length, sha256(file)]).toEqual([
      807,
      'e0325d696c4106ef41ea83ac6ba019beb8e3053b6f5c2459679d6f36d2d7f34a',
    ]);
    const [, payload = '', signature = ''] =
      /^-----BEGIN LICENSE-----\n([^-]*)\n-----END LICENSE-----\n-----BEGIN SIGNATURE-----\n([^-]*)\n-----END SIGNATURE-----\n$/.exec(
        file.toString(),
      ) ?? [];
    const bytes = Buffer.from(payload, 'base64');
    expect([bytes.length, sha256(bytes)]).toEqual([
      457,
      '1042f4b55502a5703053f3593d8200dc3585216396df2cb6ac6d2a7ed1811046',
    ]);
    expect(signature.replace('\n', '')).toBe(
      'gBmUFW9ePffY8h+rOKjYbKOopVjvPg/BlCsWwlWPE0VxzmVDCVbNC32Rn97x27QXw+ppPuythwfwukUWYtPYAw==',
    );
    expect(readVectorJson('keys/one.jwks.json')).toEqual({
      keys: [
        {
          kty: 'OKP',
          crv: 'Ed25519',
          x: 'A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg',
          kid: '1IG2tMH7J2wbJZnOf8LJzQitKf7LMvoAElsuDMVM54Y',
          use: 'sig',
          alg: 'EdDSA',
        },
      ],
    });
    expect(readVector('keys/a.pem').toString()).toContain(
      'MCowBQYDK2VwAyEAA6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=',
    );
  });

  test('reach every answer but that of a platform without Ed25519', () => {
    expect([...new Set(vectors.map(({ expect }) => expect.reason ?? 'valid'))].sort()).toEqual([
      'bad_signature',
      'bad_state',
      'clock_rolled_back',
      'expired',
      'file_rolled_back',
      'malformed',
      'revoked',
      'unknown_key',
      'valid',
      'wrong_license',
      'wrong_product',
    ]);
  });
});

describe('verifyLicenseFile', () => {
  test.each(vectors)('$id: $title', async (vector) => {
    const { file, keys, now, productId, licenseKey, graceDays, expect: expected } = vector;
    const state = vector.state as LicenseState | null;
    const bytes = readVector(file);
    const options = {
      publicKeys: readVectorJson<{ keys: { kty: string }[] }>(keys),
      productId,
      ...(licenseKey === undefined ? {} : { licenseKey }),
      now: new Date(now),
      graceDays,
      state,
    };
    const result = await verifyLicenseFile(bytes, options);
    const { state: after, ...rest } = expected;
    expect(result).toMatchObject(rest);
    if (after) expect(result.state).toEqual(after);
    if (result.valid) {
      const payload = /LICENSE-----([^-]*)/.exec(bytes.toString('latin1'))![1]!;
      expect(result.license).toEqual(JSON.parse(Buffer.from(payload, 'base64').toString()));
    } else {
      expect(result).not.toHaveProperty('license');
    }
    expect(await verifyLicenseFile(bytes.toString('utf8'), options)).toEqual(result);
  });
});

// A second implementation, and none of ours: OpenSSL finds out which key has signed.
describe('openssl', () => {
  const openssl = programPath('openssl');
  const { stdout = '' } = openssl ? spawnSync(openssl, ['version'], { encoding: 'utf8' }) : {};
  const run = /^OpenSSL ([3-9]|\d\d)\./.test(stdout) ? test : test.skip;

  run('finds the signature of each file as the verifier does', () => {
    const folder = mkdtempSync(join(tmpdir(), 'license-'));
    try {
      const answers = vectors.map(({ id, file, keys, expect: expected }) => {
        if (expected.reason === 'malformed') return [id, 'malformed', 'malformed'];
        const [payload, signature] = readVector(file)
          .toString()
          .split(/-----[A-Z ]+-----/)
          .filter((part) => part.trim())
          .map((part) => Buffer.from(part.replace(/\s/g, ''), 'base64'));
        writeFileSync(join(folder, 'payload'), payload!);
        writeFileSync(join(folder, 'signature'), signature!);
        const trusted = keys.includes('rotated') ? ['a', 'b', 'c'] : ['a'];
        const kid = JSON.parse(payload!.toString()).kid as string | undefined;
        const chosen = trusted.filter((name) => kid === undefined || kid === kids[name]);
        const fits = chosen.some((name) => signedBy(folder, name));
        const ours = ['unknown_key', 'bad_signature'].includes(expected.reason ?? '') ? expected.reason : 'genuine';
        return [id, ours, fits ? 'genuine' : chosen.length === 0 ? 'unknown_key' : 'bad_signature'];
      });
      expect(answers.filter(([, ours, theirs]) => ours !== theirs)).toEqual([]);
      expect(answers.filter(([, , theirs]) => theirs === 'genuine').length).toBeGreaterThan(40);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  const kids = Object.fromEntries(
    readVectorJson<{ keys: { kid: string }[] }>('keys/rotated.jwks.json').keys.map(({ kid }, index) => [
      'cba'[index],
      kid,
    ]),
  );

  function signedBy(folder: string, name: string): boolean {
    const key = join(VECTORS, 'keys', `${name}.pem`);
    const files = ['-sigfile', join(folder, 'signature'), '-in', join(folder, 'payload')];
    const { status } = spawnSync(openssl!, ['pkeyutl', '-verify', '-pubin', '-inkey', key, '-rawin', ...files]);
    return status === 0;
  }
});

test('the keys have their names in two forms', () => {
  expect(readdirSync(join(VECTORS, 'keys')).sort()).toEqual([
    'a.pem',
    'b.pem',
    'c.pem',
    'foreign.pem',
    'one.jwks.json',
    'rotated.jwks.json',
  ]);
});
