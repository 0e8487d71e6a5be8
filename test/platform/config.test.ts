import { describe, expect, test } from '@jest/globals';
import { readConfig } from '../../src/config.ts';
import { ConfigError } from '../../src/platform/config.ts';

const SECRET = '0123456789abcdef0123456789abcdef';
const base = { SECRET_KEY: SECRET };

function problemsOf(env: Record<string, string>): string {
  try {
    readConfig(env);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as Error).message;
  }
  return '';
}

describe('defaults', () => {
  test('are those of the documentation', () => {
    expect(readConfig(base)).toMatchObject({
      production: false,
      port: 3001,
      host: '127.0.0.1',
      databaseUrl: 'sqlite:./data/rustbill.db',
      publicUrl: 'http://localhost:3001',
      scheduler: true,
      testClock: false,
      migrateOnStart: true,
      defaultCurrency: 'USD',
      sessionExpiryDays: 7,
      emailRetentionDays: 90,
      licenseKeyPrefix: 'RUSTBILL',
      logLevel: 'info',
      corsOrigins: [],
      rateLimits: true,
      cronSecret: undefined,
      firstAdmin: undefined,
    });
  });

  test('an empty variable counts as unset, a foreign one is ignored', () => {
    const config = readConfig({ ...base, PORT: '', DATABASE_URL: '', HOME: '/root', PORTS: 'x' });
    expect(config.port).toBe(3001);
    expect(config.databaseUrl).toBe('sqlite:./data/rustbill.db');
  });

  test('the public URL follows the port', () => {
    expect(readConfig({ ...base, PORT: '8080' }).publicUrl).toBe('http://localhost:8080');
  });
});

describe('values', () => {
  test('are read into their types', () => {
    const config = readConfig({
      ...base,
      NODE_ENV: 'production',
      PORT: '0',
      DATABASE_URL: 'postgres://rustbill@db/rustbill',
      SCHEDULER: 'off',
      MIGRATE_ON_START: 'false',
      RATE_LIMITS: 'off',
      CORS_ORIGINS: 'https://a.example, https://b.example:8443',
      PUBLIC_URL: 'https://billing.acme.example',
      SESSION_EXPIRY_DAYS: '90',
      EMAIL_RETENTION_DAYS: '3650',
      ADMIN_EMAIL: 'ada@acme.example',
      ADMIN_PASSWORD: 'a password of length',
    });
    expect(config).toMatchObject({
      production: true,
      port: 0,
      scheduler: false,
      migrateOnStart: false,
      rateLimits: false,
      corsOrigins: ['https://a.example', 'https://b.example:8443'],
      publicUrl: 'https://billing.acme.example',
      sessionExpiryDays: 90,
      emailRetentionDays: 3650,
      firstAdmin: { email: 'ada@acme.example', password: 'a password of length' },
    });
  });

  test.each([
    ['PORT', '80a'],
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['DATABASE_URL', 'mysql://localhost/x'],
    ['DATABASE_URL', 'sqlite:'],
    ['SECRET_KEY', 'too short'],
    ['SECRET_KEY_PREVIOUS', 'too short'],
    ['CRON_SECRET', 'short'],
    ['METRICS_TOKEN', 'short'],
    ['SCHEDULER', 'true'],
    ['TEST_CLOCK', '1'],
    ['MIGRATE_ON_START', 'on'],
    ['CORS_ORIGINS', '*'],
    ['CORS_ORIGINS', 'https://a.example/'],
    ['PUBLIC_URL', 'billing.acme.example'],
    ['PUBLIC_URL', 'https://billing.acme.example/path'],
    ['PUBLIC_URL', 'ftp://billing.acme.example'],
    ['DEFAULT_CURRENCY', 'usd'],
    ['DEFAULT_CURRENCY', 'XAU'],
    ['SESSION_EXPIRY_DAYS', '0'],
    ['SESSION_EXPIRY_DAYS', '91'],
    ['EMAIL_RETENTION_DAYS', '0'],
    ['EMAIL_RETENTION_DAYS', '3651'],
    ['LICENSE_KEY_PREFIX', 'acme'],
    ['LOG_LEVEL', 'trace'],
    ['NODE_ENV', 'prod'],
  ])('%s=%s is refused by name', (name, value) => {
    expect(problemsOf({ ...base, [name]: value })).toContain(`  - ${name}`);
  });

  test('garbage is refused with all problems at once, and without the values', () => {
    const message = problemsOf({ ...base, PORT: 'garbage', LOG_LEVEL: 'loud', SECRET_KEY: 'hunter2', TEST_CLOCK: 'x' });
    for (const name of ['PORT', 'LOG_LEVEL', 'SECRET_KEY', 'TEST_CLOCK']) expect(message).toContain(`  - ${name} `);
    expect(message).not.toContain('hunter2');
  });
});

describe('combinations', () => {
  test('production needs SECRET_KEY', () => {
    expect(problemsOf({ NODE_ENV: 'production' })).toContain('SECRET_KEY is required');
  });

  test('production refuses the test clock, and says so beside other problems', () => {
    const message = problemsOf({ ...base, NODE_ENV: 'production', TEST_CLOCK: 'on', PORT: 'x' });
    expect(message).toContain('TEST_CLOCK=on is refused');
    expect(message).toContain('PORT');
  });

  test.each(['ADMIN_EMAIL', 'ADMIN_PASSWORD'])('%s alone is refused', (name) => {
    const value = name === 'ADMIN_EMAIL' ? 'ada@acme.example' : 'a password of length';
    expect(problemsOf({ ...base, [name]: value })).toContain('must be set together');
  });

  test.each(['SMTP_URL', 'MAIL_FROM'])('%s alone is refused', (name) => {
    const value = name === 'SMTP_URL' ? 'smtps://mail.acme.example' : 'billing@acme.example';
    expect(problemsOf({ ...base, [name]: value })).toContain('SMTP_URL and MAIL_FROM must be set together');
  });

  test('an admin with a short password is refused', () => {
    expect(problemsOf({ ...base, ADMIN_EMAIL: 'ada@acme.example', ADMIN_PASSWORD: 'short' })).toContain(
      'ADMIN_PASSWORD',
    );
  });
});

describe('providers', () => {
  test('their own addresses, and nothing else, unless the environment says so', () => {
    const { providers } = readConfig({ ...base, STRIPE_SECRET_KEY: 'sk_1', TAXJAR_API_URL: 'http://127.0.0.1:4000' });
    expect(providers.origins).toEqual({ stripe: 'https://api.stripe.com', taxjar: 'http://127.0.0.1:4000' });
    expect(Object.entries(providers.members).filter(([, value]) => value)).toEqual([['stripe.secretKey', 'sk_1']]);
  });

  test('an address is an origin, over TLS in production', () => {
    expect(problemsOf({ ...base, STRIPE_API_URL: 'api.stripe.com' })).toContain(
      'STRIPE_API_URL must be an http(s) origin',
    );
    const production = { ...base, NODE_ENV: 'production', STRIPE_API_URL: 'http://127.0.0.1:4000' };
    expect(problemsOf(production)).toContain('STRIPE_API_URL must be https when NODE_ENV=production');
  });
});

describe('the public URL in production', () => {
  const problemsWith = (PUBLIC_URL: string, NODE_ENV = 'production') => problemsOf({ ...base, PUBLIC_URL, NODE_ENV });

  test.each(['http://billing.acme.example', 'http://192.0.2.1:3001', 'http://localhost.acme.example', 'http://[::2]'])(
    '%s is refused: sessions would travel in the clear',
    (url) => {
      expect(problemsWith(url)).toContain('PUBLIC_URL must be https when NODE_ENV=production');
      expect(problemsWith(url, 'development')).toBe('');
    },
  );

  test.each(['https://billing.acme.example', 'http://localhost:3001', 'http://127.0.0.1', 'http://[::1]:3001'])(
    '%s is fine',
    (url) => {
      expect(problemsWith(url)).toBe('');
    },
  );
});

describe('the mail server', () => {
  const mailOf = (SMTP_URL: string) => readConfig({ ...base, SMTP_URL, MAIL_FROM: 'billing@acme.example' }).mail;
  const none = { secure: false, requireTls: false, auth: undefined, ca: undefined, from: 'billing@acme.example' };

  test.each([
    ['smtp://mail.acme.example', { host: 'mail.acme.example', port: 587 }],
    ['smtp://localhost:2525/', { host: 'localhost', port: 2525 }],
    ['smtps://mail.acme.example', { host: 'mail.acme.example', port: 465, secure: true }],
    [
      'smtp://u%40x:p%3A%2F@mail.acme.example',
      { host: 'mail.acme.example', port: 587, requireTls: true, auth: { user: 'u@x', pass: 'p:/' } },
    ],
    ['smtp://u:p@127.0.0.1:25', { host: '127.0.0.1', port: 25, auth: { user: 'u', pass: 'p' } }],
    ['smtp://[::1]:25', { host: '::1', port: 25 }],
  ])('%s', (url, expected) => {
    expect(mailOf(url)).toEqual({ ...none, ...expected });
  });

  test.each([
    'mail.acme.example',
    'http://mail.acme.example',
    'smtp://mail.acme.example/path',
    'smtp://mail.acme.example?tls.rejectUnauthorized=false',
    'smtp://:secret@mail.acme.example',
    'smtp://u:%ff@mail.acme.example',
  ])('%s is refused, and its password is not told', (SMTP_URL) => {
    const message = problemsOf({ ...base, SMTP_URL, MAIL_FROM: 'billing@acme.example' });
    expect(message).toContain('SMTP_URL must be');
    expect(message).not.toContain('secret');
  });

  test('an authority that is not a file is refused', () => {
    const env = { ...base, SMTP_URL: 'smtp://m.example', MAIL_FROM: 'a@b.example', SMTP_CA_FILE: '/nowhere.pem' };
    expect(problemsOf(env)).toContain('SMTP_CA_FILE');
  });
});
