import { hash, parseOptions, verify } from '@node-rs/argon2';

/** rules H1: argon2id (the library's default algorithm), 19 456 KiB, 2 passes, 1 lane, 16-byte salt, 32-byte tag. */
const POLICY = { memoryCost: 19_456, timeCost: 2, parallelism: 1, outputLen: 32 };

/** The hash of a password nobody knows, so that an unknown e-mail costs the same work as a wrong password. */
export const UNKNOWN_USER_HASH =
  '$argon2id$v=19$m=19456,t=2,p=1$kz1xhB/l0paQhDAxqYmCKA$ox0fJtQpILe9iLesIJYaxLq9x3HUTXQpBMWsQYkC/Ac';

/** A new PHC string of this password. */
export const hashPassword = (password: string): Promise<string> => hash(password, POLICY);

/** Whether the password fits. Does the same work when there is no stored hash, and is then false. */
export async function verifyPassword(password: string, stored: string | null | undefined): Promise<boolean> {
  const fits = await verify(stored ?? UNKNOWN_USER_HASH, password).catch(() => false);
  return fits && typeof stored === 'string';
}

/** Whether a stored hash was made with other parameters than new ones are. */
export function needsRehash(stored: string): boolean {
  if (!stored.startsWith('$argon2id$')) return true;
  const made = parseOptions(stored);
  return (Object.keys(POLICY) as (keyof typeof POLICY)[]).some((name) => made[name] !== POLICY[name]);
}
