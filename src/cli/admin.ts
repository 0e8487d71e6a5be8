import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { text as readAll } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { hashPassword } from '../accounts/logins/passwords.ts';
import { deleteSessionsOf } from '../accounts/logins/session-store.ts';
import { emailThrottleKey } from '../accounts/logins/throttle.ts';
import { forgetCounter } from '../accounts/logins/throttle-store.ts';
import { insertAdmin } from '../accounts/users/first-admin.ts';
import { findUserByEmail, lockUser, lockUsers, updateUserRow } from '../accounts/users/user-store.ts';
import { normalizeEmail } from '../accounts/users/users.ts';
import { readConfig } from '../config.ts';
import { TestClock } from '../platform/clock.ts';
import { migrationState } from '../platform/db/migrate.ts';
import { inTransaction, type Runtime } from '../platform/work.ts';
import { createRuntime } from '../runtime.ts';

const USAGE = `Usage:
  npm run admin -- create --email you@example.com [--name "Your Name"]
  npm run admin -- reset-password --email you@example.com
The password is asked for, or read from standard input when that is a pipe.`;

/** A mistake of the caller, told without a stack. */
export class AdminError extends Error {}

type ReadPassword = () => Promise<string>;

/** Runs one command and returns what to tell the person. Throws AdminError. */
export async function runAdmin(args: string[], runtime: Runtime, readPassword: ReadPassword): Promise<string> {
  const { command, email, name } = readArguments(args);
  const { pending } = await migrationState(runtime.database.read);
  if (pending.length > 0) throw new AdminError('The database is not migrated. Run: npm run migrate');
  if (runtime.clock instanceof TestClock) await runtime.clock.refresh(runtime.database.read);
  if (command === 'create') return createAdmin(runtime, email, name, readPassword);
  return resetPassword(runtime, email, readPassword);
}

const actor = { type: 'cli' as const, id: null };

async function createAdmin(runtime: Runtime, email: string, name: string, ask: ReadPassword): Promise<string> {
  const passwordHash = await hashPassword(checkedPassword(await ask()));
  const admin = await inTransaction(runtime, { actor, action: 'admin.create' }, async (work) => {
    await lockUsers(work.db);
    return insertAdmin(work, { email, name, passwordHash });
  });
  if (!admin) throw new AdminError(`A user with the e-mail ${email} exists already.`);
  return `Created the admin ${email}.`;
}

async function resetPassword(runtime: Runtime, email: string, ask: ReadPassword): Promise<string> {
  const known = await findUserByEmail(runtime.database.read, email);
  if (!known) throw new AdminError(`There is no user with the e-mail ${email}.`);
  const passwordHash = await hashPassword(checkedPassword(await ask()));
  await inTransaction(runtime, { actor, action: 'admin.resetPassword' }, async (work) => {
    const user = await lockUser(work.db, known.id);
    if (!user) throw new AdminError(`There is no user with the e-mail ${email}.`);
    await updateUserRow(work.db, { ...user, passwordHash, authProvider: 'local', updatedAt: work.now });
    await deleteSessionsOf(work.db, user.id);
    await forgetCounter(work.db, emailThrottleKey(user.email));
    work.audit({ entityType: 'user', entityId: user.id, reason: 'password set' });
  });
  return `The password of ${email} is set, and all sessions are ended.`;
}

function readArguments(args: string[]): { command: string; email: string; name: string } {
  const options = { email: { type: 'string' }, name: { type: 'string' } } as const;
  const read = () => {
    try {
      return parseArgs({ args, options, allowPositionals: true });
    } catch (error) {
      throw new AdminError(`${(error as Error).message}\n${USAGE}`);
    }
  };
  const { values, positionals } = read();
  const [command] = positionals;
  if (positionals.length !== 1 || (command !== 'create' && command !== 'reset-password')) throw new AdminError(USAGE);
  const email = z.email().max(255).safeParse(values.email?.trim());
  if (!email.success) throw new AdminError(`--email must be an e-mail address.\n${USAGE}`);
  const name = values.name?.trim() || 'Administrator';
  if (name.length > 255) throw new AdminError('--name may have at most 255 characters.');
  return { command, email: normalizeEmail(email.data), name };
}

function checkedPassword(password: string): string {
  if (password.length < 12 || password.length > 128)
    throw new AdminError('The password must have 12 to 128 characters.');
  return password;
}

/** From a pipe: everything but the last line break. From a terminal: asked twice, not shown. */
async function readPasswordFromStdin(): Promise<string> {
  if (!process.stdin.isTTY) return (await readAll(process.stdin)).replace(/\r?\n$/, '');
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  const ask = async (prompt: string): Promise<string> => {
    process.stderr.write(prompt);
    const line = await lines.question('');
    process.stderr.write('\n');
    return line;
  };
  try {
    const password = await ask('Password: ');
    if ((await ask('Once more: ')) !== password) throw new AdminError('The two passwords differ.');
    return password;
  } finally {
    lines.close();
  }
}

async function main(): Promise<void> {
  const runtime = createRuntime(readConfig());
  try {
    console.log(await runAdmin(process.argv.slice(2), runtime, readPasswordFromStdin));
  } finally {
    await runtime.database.close();
  }
}

if (import.meta.main)
  main().catch((error: unknown) => {
    console.error(error instanceof AdminError ? error.message : error);
    process.exitCode = 1;
  });
