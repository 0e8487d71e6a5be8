import { addDays, addMilliseconds, type Instant, millisecondsBetween } from '../../platform/calendar.ts';
import { AppError } from '../../platform/errors.ts';
import { addressKey } from '../../platform/http/address.ts';
import { sha256 } from '../../platform/secrets.ts';

/** Consecutive failures of one e-mail or one address (rules H3). */
export interface Counter {
  key: string;
  failures: number;
  lastFailureAt: Instant;
  blockedUntil: Instant | null;
}

const FIRST_BLOCK = { email: 5, address: 20 };
const MAX_BLOCK_SECONDS = 3600;
export const FORGET_AFTER_DAYS = 1;

/** The keys a login attempt counts under, in the order they are locked in. The e-mail is kept as a hash only. */
export const throttleKeys = (emailKey: string, ip: string | null): string[] => [
  ...(ip === null ? [] : [`address:${addressKey(ip)}`]),
  emailThrottleKey(emailKey),
];
export const emailThrottleKey = (emailKey: string): string => `email:${sha256(emailKey)}`;

/** Seconds a key is blocked for after its n-th consecutive failure. */
export function blockSeconds(kind: keyof typeof FIRST_BLOCK, failures: number): number {
  const steps = failures - FIRST_BLOCK[kind];
  return steps < 0 ? 0 : Math.min(60 * 2 ** steps, MAX_BLOCK_SECONDS);
}

/** The counter after one more failure; it starts anew after 24 h without one. */
export function afterFailure(counter: Counter, now: Instant): Counter {
  const forgotten = addDays(counter.lastFailureAt, FORGET_AFTER_DAYS) <= now;
  const failures = (forgotten ? 0 : counter.failures) + 1;
  const seconds = blockSeconds(counter.key.startsWith('email:') ? 'email' : 'address', failures);
  return {
    key: counter.key,
    failures,
    lastFailureAt: now,
    blockedUntil: seconds > 0 ? addMilliseconds(now, seconds * 1000) : null,
  };
}

/** Throws AppError `rate_limited` with Retry-After (seconds) while one of the counters is blocked. */
export function refuseBlocked(counters: Counter[], now: Instant): void {
  const left = counters.map(({ blockedUntil }) => (blockedUntil === null ? 0 : millisecondsBetween(now, blockedUntil)));
  const seconds = Math.ceil(Math.max(0, ...left) / 1000);
  if (seconds > 0)
    throw new AppError('rate_limited', 'Too many failed attempts.', { headers: { 'Retry-After': String(seconds) } });
}
