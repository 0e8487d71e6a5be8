import { AppError } from '../../platform/errors.ts';
import { addressKey } from '../../platform/http/address.ts';
import type { Context } from '../../platform/http/operations.ts';
import type { User } from '../users/users.ts';
import { hashPassword, verifyPassword } from './passwords.ts';
import { emailThrottleKey, refuseBlocked, throttleKeys } from './throttle.ts';
import { countFailure, findCounters, forgetFailures } from './throttle-store.ts';
import { createTurns } from './turns.ts';

/** Of this process (rules H3): each takes one of libuv's four threads and 19 MiB. */
const inTurn = createTurns({ atOnce: 2, waiting: 64, waitingOfOne: 16 });
const placeOf = ({ ip }: Pick<Context, 'ip'>): string => addressKey(ip ?? '');

export const wrongCredentials = () => new AppError('invalid_credentials', 'The e-mail or the password is wrong.');

/**
 * Checks a password, outside any transaction, under the throttle of rules H3; a failure is counted in a transaction of its
 * own. An unknown user costs the same work. Throws AppError `rate_limited` also when too many wait, `invalid_credentials`.
 */
export async function checkPassword(
  context: Context,
  email: string,
  user: User | undefined,
  password: string,
): Promise<void> {
  const keys = throttleKeys(email, context.ip);
  const refuse = async () => refuseBlocked(await findCounters(context.db, keys), context.now);
  await refuse();
  const fits = await inTurn(placeOf(context), async () => {
    await refuse(); // those who went before may have blocked it
    return verifyPassword(password, user?.passwordHash);
  });
  if (fits) return;
  await context.transaction(({ db, now }) => countFailure(db, keys, now));
  throw wrongCredentials();
}

/** A new hash, in turn with everybody's passwords. Throws AppError `rate_limited` when too many wait. */
export const newHash = (context: Pick<Context, 'ip'>, password: string): Promise<string> =>
  inTurn(placeOf(context), () => hashPassword(password));

/** The other half of a success: to be called first in the transaction that uses it. Throws AppError `rate_limited`. */
export const passwordAccepted = (context: Pick<Context, 'db' | 'ip' | 'now'>, email: string): Promise<void> =>
  forgetFailures(context.db, throttleKeys(email, context.ip), emailThrottleKey(email), context.now);
