import { describe, expect, test } from '@jest/globals';
import type { Request, Response } from 'express';
import { AppError } from '../../../src/platform/errors.ts';
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
async function allowed(take: () => Promise<void>): Promise<number> {
  for (let n = 0; n < 2000; n++) {
    const refused = await take().catch((error: unknown) => error);
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
