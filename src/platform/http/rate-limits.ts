import type { Request, Response } from 'express';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import { AppError } from '../errors.ts';
import { addressKey } from './address.ts';
import type { Operation } from './contract.ts';
import { type Principal, scopeOf } from './principal.ts';

/** Fixed windows in the memory of this process (contract 1.12). */
export interface RateLimits {
  /** Counts a request. Throws AppError `rate_limited` with Retry-After. */
  consume(operation: Operation, principal: Principal, req: Request, res: Response): Promise<Meter>;
  /** Likewise, per value of the member that the operation names, whoever sends it. */
  consumeMember(operation: Operation, body: unknown, res: Response): Promise<void>;
}

/** Counts the bytes of one request. */
export interface Meter {
  /** Of its body, before anything is done with them. Throws AppError `rate_limited`. */
  body(bytes: number): Promise<void>;
  /** Of its answer; the next request is refused when they were too many. */
  answer(bytes: number): void;
}

/** Requests per minute of each caller. */
export interface PerMinute {
  session: number;
  apiKey: number;
  /** Without credentials, of an operation with `x-rate-limit`: per address, and per value of the member it names. */
  address?: number;
  member?: number;
  /** Bytes of bodies and answers: of a caller who sees every row, of one who sees a customer's, of an address. */
  operatorBytes?: number;
  customerBytes?: number;
  addressBytes?: number;
}
const MIB = 1_048_576;
export const SESSION_PER_MINUTE = 1200;
export const API_KEY_PER_MINUTE = 600;
const PER_MINUTE: Required<PerMinute> = {
  session: SESSION_PER_MINUTE,
  apiKey: API_KEY_PER_MINUTE,
  address: 60,
  member: 30,
  operatorBytes: 256 * MIB,
  customerBytes: 32 * MIB,
  addressBytes: 4 * MIB,
};

const UNLIMITED: Meter = { body: async () => {}, answer: () => {} };

export function createRateLimits(enabled: boolean, perMinute?: PerMinute): RateLimits {
  if (!enabled) return { consume: async () => UNLIMITED, consumeMember: async () => {} };
  const limits = { ...PER_MINUTE, ...perMinute };
  const limiter = (name: keyof PerMinute) =>
    new RateLimiterMemory({ keyPrefix: name, points: limits[name], duration: 60 });
  const [users, keys, addresses, members] = [
    limiter('session'),
    limiter('apiKey'),
    limiter('address'),
    limiter('member'),
  ];
  const bytes = {
    operator: limiter('operatorBytes'),
    customer: limiter('customerBytes'),
    address: limiter('addressBytes'),
  };
  return {
    async consume({ limitedBy }, principal, req, res) {
      if (principal.kind === 'user' || principal.kind === 'apiKey') {
        const [requests, id] = principal.kind === 'user' ? [users, principal.userId] : [keys, principal.keyId];
        await take(requests, id, 1, principal.kind === 'apiKey' ? res : undefined);
        return meterOf(scopeOf(principal) === null ? bytes.operator : bytes.customer, id);
      }
      if (!limitedBy) return UNLIMITED;
      const address = addressKey(req.ip ?? '');
      await take(addresses, address, 1, res);
      return meterOf(bytes.address, address);
    },
    async consumeMember({ limitedBy }, body, res) {
      const value = limitedBy && (body as Record<string, unknown>)[limitedBy];
      if (typeof value === 'string') await take(members, value.toUpperCase(), 1, res);
    },
  };
}

/** Throws AppError `rate_limited` when the caller's bytes of this minute are used up. */
async function meterOf(limiter: RateLimiterMemory, key: string): Promise<Meter> {
  await take(limiter, key, 0);
  return {
    body: (count) => take(limiter, key, count),
    answer: (count) => void limiter.penalty(key, count),
  };
}

async function take(limiter: RateLimiterMemory, key: string, points: number, shown?: Response): Promise<void> {
  const outcome = await limiter.consume(key, points).catch((refused: unknown) => {
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
