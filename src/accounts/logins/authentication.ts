import type { Instant } from '../../platform/calendar.ts';
import { AppError } from '../../platform/errors.ts';
import { type Authentication, sessionTokenOf } from '../../platform/http/authentication.ts';
import type { Runtime } from '../../platform/work.ts';
import { findApiKeyByHash, isUseStale, markApiKeyUsed } from '../keys/api-key-store.ts';
import { hashKey, isWellFormed, statusOf } from '../keys/api-keys.ts';
import { findSessionUser } from './session-store.ts';
import { hashToken, isSessionToken } from './sessions.ts';

export interface AccountAuthentication extends Authentication {
  /** Resolves when the uses of keys noted so far are written. */
  settled(): Promise<void>;
}

/** Recognises sessions and API keys, by one statement each. */
export function createAuthentication(runtime: Runtime): AccountAuthentication {
  const { database, config } = runtime;
  const uses = createUseWriter(runtime);
  return {
    sessionToken: sessionTokenOf,
    cronSecret: config.cronSecret,
    metricsToken: config.metricsToken,
    settled: uses.settled,
    async session(token, now) {
      const sessionHash = isSessionToken(token) ? hashToken(token) : undefined;
      const found = sessionHash && (await findSessionUser(database.read, sessionHash));
      if (!found) throw new AppError('unauthorized', 'Log in first.');
      if (found.expires_at <= now) throw new AppError('session_expired', 'The session is over. Log in again.');
      return { kind: 'user', userId: found.user_id, role: found.role, customerId: found.customer_id, sessionHash };
    },
    async apiKey(key, now) {
      const found = isWellFormed(key) ? await findApiKeyByHash(database.read, hashKey(key)) : undefined;
      if (!found || statusOf(found, now) !== 'active')
        throw new AppError('invalid_api_key', 'The API key is unknown, revoked or expired.');
      if (isUseStale(found.lastUsedAt, now)) uses.note(found.id, now);
      return { kind: 'apiKey', keyId: found.id, access: found.access, customerId: found.customerId };
    },
  };
}

/** Writes `last_used_at` beside the request: nobody waits for it, and losing one use is harmless. */
function createUseWriter({ database, log }: Runtime) {
  const running = new Map<string, Promise<void>>();
  return {
    note(id: string, now: Instant): void {
      if (running.has(id)) return;
      const write = markApiKeyUsed(database.write, id, now)
        .catch((err: unknown) => log.warn({ err, apiKey: id }, 'the last use of an API key was not written'))
        .finally(() => running.delete(id));
      running.set(id, write);
    },
    settled: async (): Promise<void> => void (await Promise.all(running.values())),
  };
}
