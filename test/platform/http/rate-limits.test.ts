import { describe, expect, test } from '@jest/globals';
import type { Request, Response } from 'express';
import { AppError } from '../../../src/platform/errors.ts';
import { addressKey } from '../../../src/platform/http/address.ts';
import type { Operation } from '../../../src/platform/http/contract.ts';
import type { Principal } from '../../../src/platform/http/principal.ts';
import { createRateLimits } from '../../../src/platform/http/rate-limits.ts';

const operation = { limitedBy: 'licenseKey' } as Operation;
const req = { ip: '192.0.2.1' } as Request;
const answer = () => {
  const headers = new Map<string, unknown>();
  const set = (name: string, value: unknown) => headers.set(name, value);
  return { setHeader: set, set, getHeader: (name: string) => headers.get(name) } as unknown as Response;
};

/** How many are let through before the first refusal. */
async function allowed(take: () => Promise<unknown>): Promise<number> {
  for (let n = 0; n < 2000; n++) {
    const refused = await take().then(
      () => undefined,
      (error: unknown) => error,
    );
    if (refused === undefined) continue;
    expect(refused).toBeInstanceOf(AppError);
    expect((refused as AppError).code).toBe('rate_limited');
    return n;
  }
  throw new Error('never refused');
}

describe('requests per minute, unless something else is said (contract 1.12)', () => {
  const limits = createRateLimits(true);
  const as = (principal: Principal) => allowed(() => limits.consume(operation, principal, req, answer()));

  test('30 public checks per licence key, whoever asks', async () => {
    expect(await allowed(() => limits.consumeMember(operation, { licenseKey: 'RUSTBILL-1' }, answer()))).toBe(30);
  });

  test('60 public checks per address', async () => {
    expect(await as({ kind: 'anonymous' } as Principal)).toBe(60);
  });

  test('600 per API key, 1200 per user', async () => {
    expect(await as({ kind: 'apiKey', keyId: 'k', access: 'read', customerId: null })).toBe(600);
    expect(await as({ kind: 'user', userId: 'u' } as Principal)).toBe(1200);
  });
});

describe('bytes per minute, of bodies and answers', () => {
  const MIB = 1_048_576;
  const principals: [string, Principal, number][] = [
    ['32 MiB of a portal user', { kind: 'user', userId: 'p', role: 'customer', customerId: 'c', sessionHash: '' }, 32],
    ['32 MiB of a key with a customer', { kind: 'apiKey', keyId: 'own', access: 'write', customerId: 'c' }, 32],
    ['256 MiB of an admin', { kind: 'user', userId: 'a', role: 'admin', customerId: null, sessionHash: '' }, 256],
    ['256 MiB of an operator key', { kind: 'apiKey', keyId: 'op', access: 'write', customerId: null }, 256],
    ['4 MiB of an address', { kind: 'anonymous' }, 4],
  ];
  test.each(principals)('429 rate_limited after %s', async (_, principal, mib) => {
    const limits = createRateLimits(true);
    const meterOf = () => limits.consume(operation, principal, req, answer());
    const meter = await meterOf();
    expect(await allowed(() => meter.body(MIB))).toBe(mib);
    await expect(meterOf()).rejects.toMatchObject({
      code: 'rate_limited',
      headers: { 'Retry-After': expect.any(String) },
    });
  });

  test('an answer is sent whatever its size; the next request waits', async () => {
    const limits = createRateLimits(true);
    const portal: Principal = { kind: 'user', userId: 'p', role: 'customer', customerId: 'c', sessionHash: '' };
    const meter = await limits.consume(operation, portal, req, answer());
    meter.answer(32 * MIB);
    await expect(limits.consume(operation, portal, req, answer())).resolves.toBeDefined();
    meter.answer(1);
    await expect(limits.consume(operation, portal, req, answer())).rejects.toMatchObject({ code: 'rate_limited' });
  });
});

describe('an address', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:c000:0201', '192.0.2.1'],
    ['0:0:0:0:0:ffff:c000:201', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:db8:0:0:ffff::', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['1::', '1:0:0:0::/64'],
    ['64:ff9b::192.0.2.1', '64:ff9b:0:0::/64'],
    ['1:2:3:4:5:6:1.2.3.4', '1:2:3:4::/64'],
    ['', ''],
  ])('%j counts as %s', (ip, key) => {
    expect(addressKey(ip)).toBe(key);
  });

  test('429 for the 61st public check of a /64, whichever of its addresses asks; its neighbours are let in', async () => {
    const limits = createRateLimits(true);
    let n = 0;
    const check = (ip: string) => limits.consume(operation, { kind: 'anonymous' }, { ip } as Request, answer());
    expect(await allowed(() => check(`2001:db8:0:1::${(++n).toString(16)}`))).toBe(60);
    await expect(check('2001:db8:0:2::1')).resolves.toBeDefined();
    expect(await allowed(() => check(n++ % 2 ? '::ffff:192.0.2.7' : '192.0.2.7'))).toBe(60);
  });
});
