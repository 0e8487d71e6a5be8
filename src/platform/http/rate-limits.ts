import type { Request, Response } from 'express';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { AppError } from '../errors.ts';
import type { Operation } from './contract.ts';
import type { Principal } from './principal.ts';

/** Fixed windows in the memory of this process (contract 1.12). */
export interface RateLimits {
  /** Throws AppError `rate_limited` with Retry-After. */
  consume(operation: Operation, principal: Principal, req: Request, res: Response): Promise<void>;
  /** Likewise, per value of the member that the operation names, whoever sends it. */
  consumeMember(operation: Operation, body: unknown, res: Response): Promise<void>;
}

/** Requests per minute of each caller. */
export interface PerMinute {
  session: number;
  apiKey: number;
  /** Without credentials, of an operation with `x-rate-limit`: per address, and per value of the member it names. */
  address?: number;
  member?: number;
}
export const SESSION_PER_MINUTE = 1200;
export const API_KEY_PER_MINUTE = 600;
const ADDRESS_PER_MINUTE = 60;
const MEMBER_PER_MINUTE = 30;
const PER_MINUTE: PerMinute = { session: SESSION_PER_MINUTE, apiKey: API_KEY_PER_MINUTE };

export function createRateLimits(enabled: boolean, perMinute = PER_MINUTE): RateLimits {
  if (!enabled) return { consume: async () => {}, consumeMember: async () => {} };
  const users = new RateLimiterMemory({ keyPrefix: 'user', points: perMinute.session, duration: 60 });
  const keys = new RateLimiterMemory({ keyPrefix: 'key', points: perMinute.apiKey, duration: 60 });
  const { address = ADDRESS_PER_MINUTE, member = MEMBER_PER_MINUTE } = perMinute;
  const addresses = new RateLimiterMemory({ keyPrefix: 'address', points: address, duration: 60 });
  const members = new RateLimiterMemory({ keyPrefix: 'member', points: member, duration: 60 });
  return {
    async consume({ limitedBy }, principal, req, res) {
      if (principal.kind === 'user') await take(users, principal.userId, undefined);
      else if (principal.kind === 'apiKey') await take(keys, principal.keyId, res);
      else if (limitedBy) await take(addresses, req.ip ?? '', res);
    },
    async consumeMember({ limitedBy }, body, res) {
      const value = limitedBy && (body as Record<string, unknown>)[limitedBy];
      if (typeof value === 'string') await take(members, value.toUpperCase(), res);
    },
  };
}

async function take(limiter: RateLimiterMemory, key: string, shown: Response | undefined): Promise<void> {
  const outcome = await limiter.consume(key).catch((refused: unknown) => {
    if (refused instanceof RateLimiterRes) return refused;
    throw refused;
  });
  const seconds = Math.max(1, Math.ceil(outcome.msBeforeNext / 1000));
  const left = Math.max(0, limiter.points - outcome.consumedPoints);
  if (shown && left < Number(shown.getHeader('RateLimit-Remaining') ?? Number.POSITIVE_INFINITY)) {
    shown.setHeader('RateLimit-Limit', limiter.points);
    shown.setHeader('RateLimit-Remaining', left);
    shown.setHeader('RateLimit-Reset', seconds);
  }
  if (outcome.consumedPoints > limiter.points)
    throw new AppError('rate_limited', 'Too many requests.', { headers: { 'Retry-After': String(seconds) } });
}
