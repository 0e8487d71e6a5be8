import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { drawLicenseKey } from '../../src/licenses/license-key.ts';
import { decodeFile, encodeFile, readClaims } from '../../src/licenses/signing/license-file.ts';
import { composePayload, type Statement } from '../../src/licenses/signing/payload.ts';
import { isSignedBy, rawPublicKey, thumbprint } from '../../src/licenses/signing/signing-key.ts';
import { AppError } from '../../src/platform/errors.ts';
import { sha256 } from '../../src/platform/secrets.ts';

/** PKCS8 of an Ed25519 key is this head and its 32 bytes. */
const HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');
const SEED = Buffer.from(Array.from({ length: 32 }, (_, i) => i));
const PRIVATE = createPrivateKey({ key: Buffer.concat([HEAD, SEED]), type: 'pkcs8', format: 'der' });
const PEM = createPublicKey(PRIVATE).export({ type: 'spki', format: 'pem' }).toString();
const KID = '1IG2tMH7J2wbJZnOf8LJzQitKf7LMvoAElsuDMVM54Y';

const STATEMENT: Statement = {
  licenseKey: 'RUSTBILL-7K3F-9QWX-M2TB',
  customerId: '01JQX8Z5T6V7W8X9Y0Z1A2B3C6',
  customerName: 'Acme Corp',
  productId: '01JQX8Z5T6V7W8X9Y0Z1A2B3C7',
  productName: 'Desktop Pro',
  features: { enterprise: true, pro: true, beta: false, max_users: 50 },
  maxActivations: 5,
  signedAt: '2026-01-15T10:00:00.000Z',
  expiresAt: '2027-01-15T10:00:00.000Z',
  seq: 1,
  kid: KID,
};
const PAYLOAD =
  '{"licenseId":"RUSTBILL-7K3F-9QWX-M2TB","customerId":"01JQX8Z5T6V7W8X9Y0Z1A2B3C6","customerName":"Acme Corp","productId":"01JQX8Z5T6V7W8X9Y0Z1A2B3C7","productName":"Desktop Pro","features":["enterprise","max_users","pro"],"maxActivations":5,"issuedAt":"2026-01-15","expiresAt":"2027-01-15","entitlements":{"beta":false,"enterprise":true,"max_users":50,"pro":true},"iat":1768471200,"exp":1800007200,"seq":1,"kid":"1IG2tMH7J2wbJZnOf8LJzQitKf7LMvoAElsuDMVM54Y"}';
const SIGNATURE = 'gBmUFW9ePffY8h+rOKjYbKOopVjvPg/BlCsWwlWPE0VxzmVDCVbNC32Rn97x27QXw+ppPuythwfwukUWYtPYAw==';
const signed = (text: string | Buffer): string => sign(null, Buffer.from(text), PRIVATE).toString('base64');
const parse = (file: string) => {
  const { payload, signature } = decodeFile(file);
  return { payload, signature, claims: readClaims(payload) };
};

describe('the test vector of rules L, byte for byte', () => {
  test('key, thumbprint and PEM', () => {
    expect(PEM).toContain('\nMCowBQYDK2VwAyEAA6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=\n');
    expect(rawPublicKey(PEM)).toBe('A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg');
    expect(thumbprint(PEM)).toBe(KID);
  });

  test('payload', () => {
    const payload = composePayload(STATEMENT);
    expect(payload).toBe(PAYLOAD);
    expect(Buffer.byteLength(payload)).toBe(457);
    expect(sha256(payload)).toBe('1042f4b55502a5703053f3593d8200dc3585216396df2cb6ac6d2a7ed1811046');
  });

  test('signature and file', () => {
    expect(signed(PAYLOAD)).toBe(SIGNATURE);
    const file = encodeFile(PAYLOAD, SIGNATURE);
    expect(Buffer.byteLength(file)).toBe(807);
    expect(sha256(file)).toBe('e0325d696c4106ef41ea83ac6ba019beb8e3053b6f5c2459679d6f36d2d7f34a');
    const { payload, signature, claims } = parse(file);
    expect(isSignedBy(PEM, payload, signature)).toBe(true);
    expect(claims).toEqual({ licenseKey: STATEMENT.licenseKey, kid: KID });
  });

  test('any changed payload byte fails', () => {
    const signature = Buffer.from(SIGNATURE, 'base64');
    for (let at = 0; at < PAYLOAD.length; at++) {
      const bytes = Buffer.from(PAYLOAD);
      bytes[at]! ^= 1;
      expect([at, isSignedBy(PEM, bytes, signature)]).toEqual([at, false]);
    }
    expect(isSignedBy(PEM, Buffer.from(`${PAYLOAD} `), signature)).toBe(false);
  });

  test('the blocks swapped, or one of them twice, fail', () => {
    const [license, signature] = encodeFile(PAYLOAD, SIGNATURE).split(/(?<=END LICENSE-----\n)/) as [string, string];
    for (const file of [signature + license, license + license, signature + signature, license, signature, ''])
      expect(() => decodeFile(file)).toThrow(AppError);
    const renamed = (license + signature).replaceAll('LICENSE', 'X').replaceAll('SIGNATURE', 'LICENSE');
    expect(() => decodeFile(renamed.replaceAll('-----BEGIN X', '-----BEGIN SIGNATURE'))).toThrow(AppError);
  });
});

describe('the payload', () => {
  const entitlementsOf = (features: Statement['features']) =>
    /"features":(\[.*?\]),.*"entitlements":(\{.*?\}),"iat"/.exec(composePayload({ ...STATEMENT, features }))!.slice(1);

  test('sorts names as text, also those that look like numbers', () => {
    expect(entitlementsOf({ '9': true, '10': true, b: 1, B: 1, a: [2, 1] })).toEqual([
      '["10","9","B","a","b"]',
      '{"10":true,"9":true,"B":1,"a":[2,1],"b":1}',
    ]);
  });

  test('lists what is granted: neither false, 0 nor empty text', () => {
    expect(entitlementsOf({ a: false, b: 0, c: '', d: [], e: 'x', f: -1, g: true })[0]).toBe('["d","e","f","g"]');
  });

  test('a name like __proto__ is a name', () => {
    const features = JSON.parse('{"__proto__":true,"constructor":1}');
    expect(entitlementsOf(features)).toEqual(['["__proto__","constructor"]', '{"__proto__":true,"constructor":1}']);
  });

  test('without limit and date', () => {
    const payload = JSON.parse(composePayload({ ...STATEMENT, maxActivations: null, expiresAt: null }));
    expect(payload).not.toHaveProperty('maxActivations');
    expect(payload).not.toHaveProperty('exp');
    expect(payload.expiresAt).toBe('9999-12-31');
  });

  test('any names and values survive the file and the signature', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 });
    const value = fc.oneof(fc.boolean(), fc.double({ noNaN: true, noDefaultInfinity: true }), text, fc.array(text));
    const features = fc.dictionary(text, value, { maxKeys: 20 }) as fc.Arbitrary<Statement['features']>;
    fc.assert(
      fc.property(text, text, features, (customerName, productName, given) => {
        const statement = { ...STATEMENT, customerName, productName, features: given };
        const composed = composePayload(statement);
        const file = encodeFile(composed, signed(composed));
        expect(file.split('\n').every((line) => line.length <= 76)).toBe(true);
        const { payload, signature } = parse(file);
        expect(isSignedBy(PEM, payload, signature)).toBe(true);
        const read = JSON.parse(payload.toString('utf8'));
        expect(read).toMatchObject({ customerName, productName });
        expect(JSON.stringify(read.entitlements)).toBe(JSON.stringify(JSON.parse(composed).entitlements));
        expect(Object.keys(read.entitlements).sort()).toEqual(Object.keys(given).sort());
      }),
      { numRuns: 200 },
    );
  });
});

describe('reading a file', () => {
  const file = encodeFile(PAYLOAD, SIGNATURE);
  const readable = (text: string) => {
    const { payload, signature } = parse(text);
    return isSignedBy(PEM, payload, signature);
  };

  test.each([
    ['CRLF', file.replaceAll('\n', '\r\n')],
    ['no last line end', file.trimEnd()],
    ['blank lines around', `\n \t\n${file}\n\n`],
    ['one line per block', file.replace(/([\w+/=])\n(?=[\w+/])/g, '$1')],
    ['indented', file.replaceAll('\n', '\n   \t')],
  ])('takes it with %s', (_, text) => expect(readable(text)).toBe(true));

  test.each([
    ['nothing', ''],
    ['no end', file.slice(0, 300)],
    ['truncated base64', file.replace(/^(.{20}).*$/m, '$1')],
    ['base64 cut by one character', file.replace('==\n', '=\n')],
    ['base64 without padding', file.replace('==\n', '\n')],
    ['base64url', file.replace('+', '-')],
    ['letters of another script', file.replace(/^e/m, 'е')],
    ['full-width letters', file.replace(/^e/m, 'ｅ')],
    ['a byte order mark', `\uFEFF${file}`],
    ['a no-break space', file.replace('\n', '\u00a0\n')],
    ['a signature of 63 bytes', encodeFile(PAYLOAD, Buffer.alloc(63).toString('base64'))],
    ['a signature of 256 bytes', encodeFile(PAYLOAD, Buffer.alloc(256).toString('base64'))],
    ['a zero-width blank', file.replace(/^e/m, 'e\u200b')],
    ['a comment before', `Your licence:\n${file}`],
    ['something between', file.replace('-----BEGIN SIG', 'x\n-----BEGIN SIG')],
    ['something after', `${file}x`],
    ['other markers', file.replaceAll('LICENSE', 'CERTIFICATE')],
    ['markers in lower case', file.toLowerCase()],
    ['one dash less', file.replace('-----BEGIN', '----BEGIN')],
    ['an empty payload', encodeFile('', SIGNATURE)],
    ['an empty signature', encodeFile(PAYLOAD, '')],
    ['a payload that is not JSON', encodeFile('{"licenseId"', SIGNATURE)],
    ['a payload that is not UTF-8', encodeFile('', SIGNATURE).replace('LICENSE-----\n', 'LICENSE-----\n/w==\n')],
    ...['null', '[]', '1', '"x"', '{}', '{"licenseId":"A-B"}', '{"licenseId":1,"kid":"k"}', '{"kid":"k"}'].map(
      (payload) => [`the payload ${payload}`, encodeFile(payload, SIGNATURE)] as [string, string],
    ),
  ])('400 validation_error on file for %s', (_, text) => {
    expect(() => parse(text)).toThrow(
      expect.objectContaining({ code: 'validation_error', fields: { file: expect.any(String) } }),
    );
  });

  test('whatever is changed in it, it is refused or the same', () => {
    const original = parse(file);
    fc.assert(
      fc.property(
        fc.nat({ max: file.length - 1 }),
        fc.nat({ max: 12 }),
        fc.string({ unit: 'binary', maxLength: 4 }),
        (at, length, text) => {
          const changed = file.slice(0, at) + text + file.slice(at + length);
          try {
            const { payload, signature } = parse(changed);
            if (!isSignedBy(PEM, payload, signature)) return;
            expect(payload.equals(original.payload) && signature.equals(original.signature)).toBe(true);
          } catch (error) {
            expect(error).toMatchObject({ code: 'validation_error' });
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('a signature of another length or another algorithm fits no key', () => {
    for (const signature of [Buffer.alloc(0), Buffer.alloc(63), Buffer.alloc(64), Buffer.alloc(65), Buffer.alloc(256)])
      expect(isSignedBy(PEM, Buffer.from(PAYLOAD), signature)).toBe(false);
  });

  test('64 KiB of nothing useful is answered quickly with a refusal', () => {
    for (const text of ['-----BEGIN LICENSE-----'.repeat(2800), '\n'.repeat(65_536), '-'.repeat(65_536)])
      expect(() => decodeFile(text)).toThrow(AppError);
  });
});

test('a generated key has 60 random bits of symbols that are not mistaken for each other', () => {
  const symbols = new Set<string>();
  for (let n = 0; n < 500; n++) {
    const key = drawLicenseKey('R2D2');
    expect(key).toMatch(/^R2D2(-[A-HJ-NP-Z2-9]{4}){3}$/);
    for (const symbol of key.slice(5).replaceAll('-', '')) symbols.add(symbol);
  }
  expect(symbols.size).toBe(32);
  expect(drawLicenseKey('AB', () => 0)).toBe('AB-AAAA-AAAA-AAAA');
  expect(drawLicenseKey('AB', (below) => below - 1)).toBe('AB-9999-9999-9999');
});
