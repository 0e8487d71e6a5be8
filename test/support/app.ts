import type { Server } from 'node:http';
import request from 'supertest';
import { ensureFirstAdmin } from '../../src/accounts/users/first-admin.ts';
import { type AppOptions, createApp } from '../../src/app.ts';
import { sequenceEvents } from '../../src/billing/events/sequencer.ts';
import { addDays, addMilliseconds, addMonths, type Instant } from '../../src/platform/calendar.ts';
import type { Clock } from '../../src/platform/clock.ts';
import type { Config } from '../../src/platform/config.ts';
import type { Database } from '../../src/platform/db/connect.ts';
import { createHttpServer } from '../../src/platform/http/server.ts';
import type { Log } from '../../src/platform/log.ts';
import type { Runtime } from '../../src/platform/work.ts';
import { PROVIDER_NAMES } from '../../src/providers/list.ts';
import { createRuntime } from '../../src/runtime.ts';
import { type TestDatabase, testDatabase } from './database.ts';
import { createGiven, type Given } from './given.ts';

export interface Answer {
  status: number;
  // biome-ignore lint/suspicious/noExplicitAny: tests read any member of any answer; the contract check is on
  body: any;
  text: string;
  headers: Record<string, string>;
}
export interface Api {
  get(path: string, headers?: Record<string, string>): Promise<Answer>;
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  put(path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  delete(path: string, headers?: Record<string, string>): Promise<Answer>;
}
export interface TestApp {
  /** As the first admin, by session cookie. */
  api: Api;
  anonymous: Api;
  /** With the cron secret. */
  cron: Api;
  withKey(key: string): Api;
  withSession(token: string): Api;
  clock: ManualClock;
  given: Given;
  database: Database;
  runtime: Runtime;
  server: Server;
  admin: { email: string; password: string; token: string };
  /** Gives the committed events their positions. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

/** Stands still unless it is moved, and only forward. */
export class ManualClock implements Clock {
  #now: Instant;
  constructor(now: Instant) {
    this.#now = now;
  }
  now(): Instant {
    return this.#now;
  }
  set(now: Instant): void {
    if (now < this.#now) throw new Error(`the clock only goes forward: ${this.#now} -> ${now}`);
    this.#now = now;
  }
  advance(by: { months?: number; days?: number; hours?: number; ms?: number }): void {
    const months = by.months ? addMonths(this.#now, by.months) : this.#now;
    this.#now = addMilliseconds(addDays(months, by.days ?? 0), (by.hours ?? 0) * 3_600_000 + (by.ms ?? 0));
  }
}

export const CRON_SECRET = 'cron-secret-of-the-tests';
const ADMIN = { email: 'admin@rustbill.example', password: 'correct horse battery' };

/** Nobody listens there. */
const NOWHERE = Object.fromEntries(PROVIDER_NAMES.map((name) => [name, 'http://127.0.0.1:9']));

export const testConfig: Config = {
  production: false,
  port: 0,
  host: '127.0.0.1',
  databaseUrl: 'sqlite:unused',
  databasePoolSize: 20,
  secretKey: 'a secret key of the tests, long enough',
  previousSecretKey: undefined,
  firstAdmin: undefined,
  cronSecret: CRON_SECRET,
  scheduler: false,
  testClock: false,
  migrateOnStart: false,
  corsOrigins: ['https://shop.example'],
  publicUrl: 'http://localhost:3001',
  defaultCurrency: 'USD',
  sessionExpiryDays: 7,
  emailRetentionDays: 90,
  licenseKeyPrefix: 'RUSTBILL',
  logLevel: 'silent',
  metricsToken: undefined,
  rateLimits: false,
  trustProxy: 0,
  providers: { origins: NOWHERE, timeoutMs: 2000, members: {} },
  mail: undefined,
};

export interface StartOptions {
  now?: Instant;
  config?: Partial<Config>;
  clock?: Clock;
  /** E.g. lower limits, or handlers that misbehave. */
  app?: AppOptions;
  log?: Log;
  /** Another database than a fresh copy of the template; `close` drops it. */
  database?: Pick<TestDatabase, 'database' | 'drop'>;
}

/** A whole server on a database of its own, logged in as admin. */
export async function startApp(options: StartOptions = {}): Promise<TestApp> {
  const { database, drop } = options.database ?? (await testDatabase());
  const clock = new ManualClock(options.now ?? '2026-03-15T10:30:00.000Z');
  const config = { ...testConfig, ...options.config };
  const runtime = createRuntime(config, {
    database,
    clock: options.clock ?? clock,
    ...(options.log ? { log: options.log } : {}),
  });
  await ensureFirstAdmin({ ...runtime, config: { ...config, firstAdmin: ADMIN } });
  const server = createHttpServer(createApp(runtime, { validateAnswers: true, ...options.app }), () =>
    runtime.newIdAt(runtime.clock.now()),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const anonymous = apiOf(server, {});
  const login = async () => {
    const { headers } = await anonymous.post('/api/auth/login', ADMIN);
    return /session=([^;]+)/.exec(String(headers['set-cookie']))![1]!;
  };
  const admin = { ...ADMIN, token: await login() };
  let renewing: Promise<void> | undefined;
  const api = apiOf(
    server,
    () => ({ Cookie: `session=${admin.token}` }),
    () => {
      // requests at once find the session expired together: one of them logs in
      renewing ??= login()
        .then((token) => {
          admin.token = token;
        })
        .finally(() => {
          renewing = undefined;
        });
      return renewing;
    },
  );
  return {
    api,
    anonymous,
    cron: apiOf(server, { 'X-Cron-Secret': CRON_SECRET }),
    withKey: (key) => apiOf(server, { Authorization: `Bearer ${key}` }),
    withSession: (session) => apiOf(server, { Cookie: `session=${session}` }),
    clock,
    given: createGiven(api, anonymous),
    database,
    runtime,
    server,
    admin,
    drain: () => sequenceEvents(runtime),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await Promise.all(runtime.atClose.map((end) => end()));
      await drop();
    },
  };
}

/** `renew` is called when the clock has moved past the life of the session; the request is then sent again. */
function apiOf(server: Server, credentials: Headers | (() => Headers), renew?: () => Promise<void>): Api {
  const once = async (method: Method, path: string, body: unknown, headers: Headers): Promise<Answer> => {
    const known = typeof credentials === 'function' ? credentials() : credentials;
    const call = request(server)
      [method](path)
      .set({ ...known, ...headers });
    const answer = await (body === undefined ? call : call.send(body as object));
    return { status: answer.status, body: answer.body, text: answer.text, headers: answer.headers };
  };
  const send = async (method: Method, path: string, body: unknown, headers: Headers = {}): Promise<Answer> => {
    const answer = await once(method, path, body, headers);
    if (!renew || answer.body?.error !== 'session_expired') return answer;
    await renew();
    return once(method, path, body, headers);
  };
  return {
    get: (path, headers) => send('get', path, undefined, headers),
    post: (path, body, headers) => send('post', path, body, headers),
    put: (path, body, headers) => send('put', path, body, headers),
    delete: (path, headers) => send('delete', path, undefined, headers),
  };
}

type Headers = Record<string, string>;
type Method = 'get' | 'post' | 'put' | 'delete';
