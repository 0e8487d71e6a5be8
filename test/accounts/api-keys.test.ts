import { describe, expect, test } from '@jest/globals';
import { checksum, composeKey, hashKey, isWellFormed, prefixOf, statusOf } from '../../src/accounts/keys/api-keys.ts';

const RANDOM = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcd';

describe('the key (rules H4)', () => {
  test('H.1: checksum, stored hash and prefix', () => {
    const key = composeKey(RANDOM);
    expect(checksum(RANDOM)).toBe('0omAup');
    expect(key).toBe(`rb_live_${RANDOM}0omAup`);
    expect(hashKey(key)).toBe('8a7eeefe5bd21ce6fd0169bb0ebb226b9dc0ddd916f062396b74533c7d6b3a01');
    expect(prefixOf(key)).toBe('rb_live_0123');
  });

  test('H.2: checksum of 40 times a', () => {
    expect(checksum('a'.repeat(40))).toBe('3gcfED');
  });

  test('a new key is well-formed, random, and uses every digit', () => {
    const keys = Array.from({ length: 200 }, () => composeKey());
    expect(keys.every(isWellFormed)).toBe(true);
    expect(new Set(keys).size).toBe(200);
    expect(new Set(keys.flatMap((key) => [...key.slice(8, 48)])).size).toBe(62);
  });

  test.each([
    ['one character mistyped', `rb_live_${RANDOM.replace('5', '6')}0omAup`],
    ['a wrong checksum', `rb_live_${RANDOM}0omAuq`],
    ['two characters swapped', `rb_live_10${RANDOM.slice(2)}0omAup`],
    ['another mark', `rb_test_${RANDOM}0omAup`],
    ['one character more', `rb_live_${RANDOM}0omAup0`],
    ['a line break at the end', `rb_live_${RANDOM}0omAup\n`],
    ['nothing', ''],
  ])('%s is not well-formed', (_, key) => {
    expect(isWellFormed(key)).toBe(false);
  });
});

describe('status', () => {
  const now = '2026-03-15T10:30:00.000Z';
  test.each([
    ['active', null, null],
    ['active', null, '2026-03-15T10:30:00.001Z'],
    ['expired', null, now],
    ['revoked', '2026-03-01T00:00:00.000Z', null],
    ['revoked', '2026-03-01T00:00:00.000Z', '2026-03-02T00:00:00.000Z'],
  ])('%s: revoked at %s, expires at %s', (status, revokedAt, expiresAt) => {
    expect(statusOf({ revokedAt, expiresAt }, now)).toBe(status);
  });
});
