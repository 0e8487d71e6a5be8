import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';

const FILE = 'data/development.json';

interface Secrets {
  email: string;
  password: string;
  cronSecret: string;
}

/**
 * The environment of the development server: test clock on, and a login and a cron secret that are made once and kept
 * in a file only its owner can read. Variables that are set win. `isNew`: the login was made just now.
 */
export function developmentEnvironment(given: Record<string, string | undefined>) {
  const kept = readSecrets();
  const secrets = kept ?? newSecrets();
  const ownLogin = Boolean(given.ADMIN_EMAIL || given.ADMIN_PASSWORD);
  const login = ownLogin ? {} : { ADMIN_EMAIL: secrets.email, ADMIN_PASSWORD: secrets.password };
  const env: Record<string, string | undefined> = {
    ...given,
    ...login,
    CRON_SECRET: given.CRON_SECRET || secrets.cronSecret,
    TEST_CLOCK: given.TEST_CLOCK || 'on',
  };
  return { env, isNew: !kept && !ownLogin };
}

function readSecrets(): Secrets | undefined {
  try {
    return JSON.parse(readFileSync(FILE, 'utf8'));
  } catch {
    return undefined;
  }
}

function newSecrets(): Secrets {
  const secret = (bytes: number): string => randomBytes(bytes).toString('base64url');
  const secrets = { email: 'admin@rustbill.localhost', password: secret(12), cronSecret: secret(18) };
  mkdirSync('data', { recursive: true });
  writeFileSync(FILE, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 });
  return secrets;
}
