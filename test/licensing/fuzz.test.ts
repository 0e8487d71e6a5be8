import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { verifyLicenseFile } from '../../generated/sdk/src/license.ts';
import { readVector, readVectorJson, vectors } from '../support/licensing.ts';

const genuine = readVector('files/rules.lic');
const publicKeys = readVectorJson<{ keys: { kty: string }[] }>('keys/rotated.jwks.json');
const now = new Date('2026-06-01T12:00:00Z');
const payload = JSON.parse(
  Buffer.from(
    genuine
      .toString()
      .split(/-----[A-Z ]+-----/)[1]!
      .replaceAll('\n', ''),
    'base64',
  ).toString(),
);
const verify = (file: unknown, state: unknown = null) =>
  verifyLicenseFile(file as string, { publicKeys, productId: payload.productId, now, state: state as null });

/** Valid only with exactly what was signed. */
async function neverForged(file: unknown): Promise<void> {
  const result = await verify(file);
  if (result.valid) expect(result.license).toEqual(payload);
  else expect(result.reason).toEqual(expect.any(String));
}

test('each byte, with one bit turned or replaced by a line end, is refused or has changed nothing', async () => {
  let refused = 0;
  for (let index = 0; index < genuine.length; index++) {
    for (const value of [genuine[index]! ^ 1, genuine[index]! ^ 0x20, 0x0a]) {
      const copy = Buffer.from(genuine);
      copy[index] = value;
      await neverForged(copy);
      if (!(await verify(copy)).valid) refused++;
    }
  }
  expect(refused).toBeGreaterThan(genuine.length * 2);
});

test('any byte made any other is never valid with another payload', async () => {
  const place = fc.integer({ min: 0, max: genuine.length - 1 });
  await fc.assert(
    fc.asyncProperty(place, fc.integer({ min: 0, max: 255 }), async (index, value) => {
      const copy = Buffer.from(genuine);
      copy[index] = value;
      await neverForged(copy);
    }),
    { numRuns: 1000 },
  );
});

test('bytes inserted, removed and moved are never valid with another payload', async () => {
  const place = fc.integer({ min: 0, max: genuine.length });
  const noise = fc.oneof(fc.uint8Array({ maxLength: 8 }), fc.constantFrom('=', '\n', '-----', 'A').map(Buffer.from));
  await fc.assert(
    fc.asyncProperty(place, place, noise, async (one, two, inserted) => {
      const [from, to] = one < two ? [one, two] : [two, one];
      const parts = [genuine.subarray(0, from), genuine.subarray(from, to), genuine.subarray(to)];
      await neverForged(Buffer.concat([parts[0]!, inserted, parts[2]!]));
      await neverForged(Buffer.concat([parts[0]!, inserted, parts[1]!, parts[2]!]));
      await neverForged(Buffer.concat([parts[1]!, parts[0]!, parts[2]!]));
    }),
    { numRuns: 500 },
  );
});

test('blocks of any bytes in a well-formed file are never valid', async () => {
  const block = (name: string, bytes: Uint8Array) =>
    `-----BEGIN ${name}-----\n${Buffer.from(bytes).toString('base64')}\n-----END ${name}-----\n`;
  const json = fc.oneof(
    fc.json(),
    fc
      .record(
        Object.fromEntries(
          Object.entries(payload).map(([name, value]) => [name, fc.oneof(fc.constant(value), fc.jsonValue())]),
        ),
        { requiredKeys: [] },
      )
      .map((value) => JSON.stringify(value)),
  );
  const bytes = fc.oneof(
    json.map((text) => new TextEncoder().encode(text)),
    fc.uint8Array(),
  );
  await fc.assert(
    fc.asyncProperty(bytes, fc.uint8Array({ minLength: 64, maxLength: 64 }), async (signed, signature) => {
      expect((await verify(block('LICENSE', signed) + block('SIGNATURE', signature))).valid).toBe(false);
    }),
    { numRuns: 500 },
  );
});

test('anything at all as a file or a state is answered, not thrown', async () => {
  const files = fc.oneof(fc.anything(), fc.string({ unit: 'binary' }), fc.uint8Array(), fc.constant(genuine));
  await fc.assert(
    fc.asyncProperty(files, fc.anything(), async (file, state) => {
      const result = await verify(file, state === undefined ? null : state);
      expect(typeof result.valid).toBe('boolean');
    }),
    { numRuns: 1000 },
  );
});

test('the state never falls, and what was expired is never valid again, whatever comes in whatever order', async () => {
  const ids = vectors.filter(({ expect: { reason } }) => reason !== 'malformed').map(({ file }) => file);
  const days = fc.integer({ min: 0, max: 800 });
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.constantFrom(...ids), days), { maxLength: 12 }), async (steps) => {
      let state: Awaited<ReturnType<typeof verify>>['state'] = null;
      const ended = new Set<string>();
      for (const [file, day] of steps) {
        const at = new Date(Date.UTC(2026, 0, 1 + day));
        const options = { publicKeys, productId: payload.productId as string, now: at, state };
        const result: Awaited<ReturnType<typeof verify>> = await verifyLicenseFile(readVector(file), options);
        for (const [key, seen] of Object.entries(state ?? {})) {
          expect(result.state![key]!.highestIat).toBeGreaterThanOrEqual(seen.highestIat);
          expect(result.state![key]!.highestSeq).toBeGreaterThanOrEqual(seen.highestSeq);
        }
        if (!result.valid && result.reason === 'expired') ended.add(file);
        if (result.valid) {
          expect(ended.has(file)).toBe(false);
          const seen = state?.[result.license.licenseId];
          expect(result.license.seq).toBeGreaterThanOrEqual(seen?.highestSeq ?? 0);
        }
        state = result.state;
      }
    }),
    { numRuns: 100 },
  );
});
