import type { Retention } from '../platform/jobs/retention.ts';
import { FORGET_AFTER_DAYS } from './logins/throttle.ts';

/** An expired session is told apart from an unknown one for 30 days; a key's answer is kept as long as it says itself. */
export const accountRetentions: readonly Retention[] = [
  { name: 'sessions', table: 'sessions', key: ['token_hash'], since: 'expires_at', days: () => 30 },
  { name: 'throttle', table: 'login_throttle', key: ['key'], since: 'last_failure_at', days: () => FORGET_AFTER_DAYS },
  { name: 'idempotencyKeys', table: 'idempotency_keys', key: ['scope', 'key'], since: 'expires_at', days: () => 0 },
];
