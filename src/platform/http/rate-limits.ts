import type { Request, Response } from 'express';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { AppError } from '../errors.ts';
import type { Operation } from './contract.ts';
import type { Principal } from './principal.ts';

/** Fixed windows in the memory of this process (contract 1.12). */
export interface RateLimits {
  /** Throws AppError `rate_limited` with Retry-After. */
  consume(operation: Operation, principal: Principal, req: Request, res: Response): Promise<void>;
}

/** Requests per minute of each caller. */
export interface PerMinute {
  session: number;
  apiKey: number;
}
export const SESSION_PER_MINUTE = 1200;
export const API_KEY_PER_MINUTE = 600;
const PER_MINUTE: PerMinute = { session: SESSION_PER_MINUTE, apiKey: API_KEY_PER_MINUTE };

export function createRateLimits(enabled: boolean, perMinute = PER_MINUTE): RateLimits {
  if (!enabled) return { consume: async () => {} };
  const users = new RateLimiterMemory({ keyPrefix: 'user', points: perMinute.session, duration: 60 });
  const keys = new RateLimiterMemory({ keyPrefix: 'key', points: perMinute.apiKey, duration: 60 });
  return {
    async consume(_operation, principal, _req, res) {
      if (principal.kind === 'user') await take(users, principal.userId, undefined);
      else if (principal.kind === 'apiKey') await take(keys, principal.keyId, res);
    },
  };
}

async function take(limiter: RateLimiterMemory, key: string, shown: Response | undefined): Promise<void> {
  const outcome = await limiter.consume(key).catch((refused: unknown) => {
    if (refused instanceof RateLimiterRes) return refused;
    throw refused;
  });
  const seconds = Math.max(1, Math.ceil(outcome.msBeforeNext / 1000));
  if (shown) {
    shown.setHeader('RateLimit-Limit', limiter.points);
    shown.setHeader('RateLimit-Remaining', Math.max(0, outcome.remainingPoints));
    shown.setHeader('RateLimit-Reset', seconds);
  }
  if (outcome.consumedPoints > limiter.points)
    throw new AppError('rate_limited', 'Too many requests.', { headers: { 'Retry-After': String(seconds) } });
}
