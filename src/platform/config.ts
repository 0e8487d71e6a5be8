import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { isCurrency } from './currencies.ts';
import { type MailConfig, readMail, readSmtpUrl } from './mail-config.ts';
import { isOrigin, isPlain } from './origin.ts';
import {
  insecureAddresses,
  type ProviderConfig,
  type ProviderVariables,
  providerSchema,
  readProviders,
} from './provider-config.ts';

const flag = z.enum(['on', 'off']).transform((value) => value === 'on');
const bool = z.enum(['true', 'false']).transform((value) => value === 'true');
const integer = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d+$/, 'must be a whole number')
    .transform(Number)
    .refine((n) => n >= min && n <= max, `must be between ${min} and ${max}`);
const origin = z.string().refine(isOrigin, 'must be an http(s) origin such as https://billing.example.com');
const secretKey = z.string().min(32, 'must have at least 32 characters');

const schema = z.object({
  NODE_ENV: z.enum(['development', 'production', 'test']).default('development'),
  PORT: integer(0, 65535).default(3001),
  HOST: z.string().min(1).default('127.0.0.1'),
  DATABASE_URL: z
    .string()
    .regex(/^(sqlite:.+|postgres(ql)?:\/\/.+)/, 'must be sqlite:<path> or postgres://…')
    .default('sqlite:./data/rustbill.db'),
  DATABASE_POOL_SIZE: integer(2, 100).default(10),
  SECRET_KEY: secretKey.optional(),
  SECRET_KEY_PREVIOUS: secretKey.optional(),
  ADMIN_EMAIL: z.email().optional(),
  ADMIN_PASSWORD: z.string().min(12, 'must have at least 12 characters').max(128).optional(),
  CRON_SECRET: z.string().min(16, 'must have at least 16 characters').optional(),
  SCHEDULER: flag.default(true),
  TEST_CLOCK: flag.default(false),
  MIGRATE_ON_START: bool.default(true),
  CORS_ORIGINS: z
    .string()
    .transform((text) => text.split(',').map((part) => part.trim()))
    .pipe(z.array(origin))
    .default([]),
  PUBLIC_URL: origin.optional(),
  DEFAULT_CURRENCY: z.string().refine(isCurrency, 'must be an ISO 4217 code with 0, 2 or 3 decimals').default('USD'),
  SESSION_EXPIRY_DAYS: integer(1, 90).default(7),
  LICENSE_KEY_PREFIX: z
    .string()
    .regex(/^[A-Z0-9]{2,16}$/, 'must be 2 to 16 of A-Z and 0-9')
    .default('RUSTBILL'),
  LOG_LEVEL: z.enum(['error', 'warn', 'info', 'debug', 'silent']).default('info'),
  METRICS_TOKEN: z.string().min(16, 'must have at least 16 characters').optional(),
  RATE_LIMITS: flag.default(true),
  TRUST_PROXY: integer(0, 10).default(0),
  SMTP_URL: z
    .string()
    .refine((text) => readSmtpUrl(text) !== undefined, 'must be smtp://[user:password@]host[:port] or smtps://…')
    .optional(),
  SMTP_CA_FILE: z.string().refine(existsSync, 'must be a readable file').optional(),
  MAIL_FROM: z.email().max(255).optional(),
  EMAIL_RETENTION_DAYS: integer(1, 3650).default(90),
});

export interface Config {
  production: boolean;
  port: number;
  host: string;
  databaseUrl: string;
  databasePoolSize: number;
  secretKey: string;
  previousSecretKey: string | undefined;
  firstAdmin: { email: string; password: string } | undefined;
  cronSecret: string | undefined;
  scheduler: boolean;
  testClock: boolean;
  migrateOnStart: boolean;
  corsOrigins: string[];
  publicUrl: string;
  defaultCurrency: string;
  sessionExpiryDays: number;
  licenseKeyPrefix: string;
  logLevel: 'error' | 'warn' | 'info' | 'debug' | 'silent';
  metricsToken: string | undefined;
  rateLimits: boolean;
  /** Number of reverse proxies in front whose X-Forwarded-For entries are believed. */
  trustProxy: number;
  providers: ProviderConfig;
  /** How e-mails leave; undefined: none are sent. */
  mail: MailConfig | undefined;
  /** How long sent e-mails are kept. */
  emailRetentionDays: number;
}

/** Everything that is wrong with the environment, in one message. */
export class ConfigError extends Error {
  constructor(problems: string[]) {
    super(`The configuration is not usable:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`);
    this.name = 'ConfigError';
  }
}

/**
 * Reads the whole configuration once. An empty variable counts as unset.
 * Throws ConfigError listing every problem; nothing is guessed from garbage.
 */
export function readConfigWith(
  providers: ProviderVariables,
  env: Record<string, string | undefined> = process.env,
): Config {
  const outside = z.object(providerSchema(providers));
  const known = { ...schema.shape, ...outside.shape };
  const given = Object.fromEntries(Object.entries(env).filter(([name, value]) => name in known && value !== ''));
  const [parsed, services] = [schema.safeParse(given), outside.safeParse(given)];
  const problems = [parsed, services].flatMap(({ error }) =>
    (error?.issues ?? []).map(({ path, message }) => `${path.join('.')} ${message}`),
  );
  const production = given.NODE_ENV === 'production';
  problems.push(...contradictions(given, providers));
  if (!parsed.success || !services.success || problems.length > 0) throw new ConfigError(problems);
  const v = parsed.data;
  return {
    production,
    port: v.PORT,
    host: v.HOST,
    databaseUrl: v.DATABASE_URL,
    databasePoolSize: v.DATABASE_POOL_SIZE,
    secretKey: v.SECRET_KEY ?? developmentSecret('./data/secret.key'),
    previousSecretKey: v.SECRET_KEY_PREVIOUS,
    firstAdmin: v.ADMIN_EMAIL && v.ADMIN_PASSWORD ? { email: v.ADMIN_EMAIL, password: v.ADMIN_PASSWORD } : undefined,
    cronSecret: v.CRON_SECRET,
    scheduler: v.SCHEDULER,
    testClock: v.TEST_CLOCK,
    migrateOnStart: v.MIGRATE_ON_START,
    corsOrigins: v.CORS_ORIGINS,
    publicUrl: v.PUBLIC_URL ?? `http://localhost:${v.PORT}`,
    defaultCurrency: v.DEFAULT_CURRENCY,
    sessionExpiryDays: v.SESSION_EXPIRY_DAYS,
    licenseKeyPrefix: v.LICENSE_KEY_PREFIX,
    logLevel: v.LOG_LEVEL,
    metricsToken: v.METRICS_TOKEN,
    rateLimits: v.RATE_LIMITS,
    trustProxy: v.TRUST_PROXY,
    providers: readProviders(providers, services.data),
    mail: readMail(v.SMTP_URL, v.MAIL_FROM, v.SMTP_CA_FILE),
    emailRetentionDays: v.EMAIL_RETENTION_DAYS,
  };
}

/** What is wrong although each variable alone is right. */
function contradictions(given: Record<string, string | undefined>, providers: ProviderVariables): string[] {
  const problems: string[] = [];
  const production = given.NODE_ENV === 'production';
  if (production && !given.SECRET_KEY) problems.push('SECRET_KEY is required when NODE_ENV=production');
  if (production && given.TEST_CLOCK === 'on') problems.push('TEST_CLOCK=on is refused when NODE_ENV=production');
  if (production)
    problems.push(
      ...insecureAddresses(providers, given).map((name) => `${name} must be https when NODE_ENV=production`),
    );
  if (production && given.PUBLIC_URL && isOrigin(given.PUBLIC_URL) && isPlain(given.PUBLIC_URL))
    problems.push('PUBLIC_URL must be https when NODE_ENV=production, unless it is this machine (localhost)');
  if (Boolean(given.ADMIN_EMAIL) !== Boolean(given.ADMIN_PASSWORD))
    problems.push('ADMIN_EMAIL and ADMIN_PASSWORD must be set together');
  if (Boolean(given.SMTP_URL) !== Boolean(given.MAIL_FROM))
    problems.push('SMTP_URL and MAIL_FROM must be set together');
  return problems;
}

function developmentSecret(file: string): string {
  if (existsSync(file)) return readFileSync(file, 'utf8').trim();
  mkdirSync(dirname(file), { recursive: true });
  const secret = randomBytes(32).toString('base64url');
  writeFileSync(file, `${secret}\n`, { mode: 0o600, flag: 'wx' });
  return secret;
}
