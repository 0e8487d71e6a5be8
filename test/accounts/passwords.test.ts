import { describe, expect, test } from '@jest/globals';
import { hash, parseOptions } from '@node-rs/argon2';
import { hashPassword, needsRehash, UNKNOWN_USER_HASH, verifyPassword } from '../../src/accounts/logins/passwords.ts';

const PASSWORD = 'correct horse battery staple';
const stored = await hashPassword(PASSWORD);

describe('hashes (rules H1)', () => {
  test('are argon2id, 19 456 KiB, 2 passes, 1 lane, 16-byte salt, 32-byte tag', () => {
    expect(stored).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    expect(parseOptions(stored)).toMatchObject({ saltLen: 16, outputLen: 32 });
  });

  test('are salted', async () => {
    expect(await hashPassword(PASSWORD)).not.toBe(stored);
  });

  test('weaker and other ones are accepted and marked for a new hash', async () => {
    const weak = await hash(PASSWORD, { memoryCost: 4096, timeCost: 1 });
    const argon2i = await hash(PASSWORD, { algorithm: 1 });
    expect(await verifyPassword(PASSWORD, weak)).toBe(true);
    expect([weak, argon2i, stored].map(needsRehash)).toEqual([true, true, false]);
  });
});

describe('checking a password', () => {
  test('right, wrong, and nearly right', async () => {
    expect(await verifyPassword(PASSWORD, stored)).toBe(true);
    expect(await verifyPassword('wrong', stored)).toBe(false);
    expect(await verifyPassword(`${PASSWORD} `, stored)).toBe(false);
  });

  test('never fits a user without a password or a hash that is not one', async () => {
    expect(await verifyPassword(PASSWORD, null)).toBe(false);
    expect(await verifyPassword(PASSWORD, undefined)).toBe(false);
    expect(await verifyPassword(PASSWORD, 'garbage')).toBe(false);
  });

  test('an unknown user costs the same work as a wrong password', async () => {
    expect(parseOptions(UNKNOWN_USER_HASH)).toEqual(parseOptions(stored));
    const median = async (hashed: string | undefined): Promise<number> => {
      const times: number[] = [];
      for (let i = 0; i < 7; i++) {
        const start = performance.now();
        await verifyPassword('wrong', hashed);
        times.push(performance.now() - start);
      }
      return times.sort((a, b) => a - b)[3]!;
    };
    // Skipping the hash would be a thousand times faster; a busy machine is not.
    expect(await median(undefined)).toBeGreaterThan((await median(stored)) / 5);
  });
});
