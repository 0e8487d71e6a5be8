import { AppError } from '../platform/errors.ts';
import type { Context } from '../platform/http/operations.ts';
import { verifyPassword } from './passwords.ts';
import { emailThrottleKey, refuseBlocked, throttleKeys } from './throttle.ts';
import { countFailure, findCounters, forgetFailures } from './throttle-store.ts';
import type { User } from './users.ts';

export const wrongCredentials = () => new AppError('invalid_credentials', 'The e-mail or the password is wrong.');

/**
 * Checks a password, outside any transaction, under the throttle of rules H3; a failure is counted in a transaction of its
 * own. An unknown user costs the same work. Throws AppError `rate_limited`, `invalid_credentials`.
 */
export async function checkPassword(
  context: Context,
  email: string,
  user: User | undefined,
  password: string,
): Promise<void> {
  const keys = throttleKeys(email, context.ip);
  refuseBlocked(await findCounters(context.db, keys), context.now);
  if (await verifyPassword(password, user?.passwordHash)) return;
  await context.transaction(({ db, now }) => countFailure(db, keys, now));
  throw wrongCredentials();
}

/** The other half of a success: to be called first in the transaction that uses it. Throws AppError `rate_limited`. */
export const passwordAccepted = (context: Pick<Context, 'db' | 'ip' | 'now'>, email: string): Promise<void> =>
  forgetFailures(context.db, throttleKeys(email, context.ip), emailThrottleKey(email), context.now);
