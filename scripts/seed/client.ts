import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { handlers, publishedSpec } from '../../src/app.ts';
import type { Instant } from '../../src/platform/calendar.ts';
import type { Config } from '../../src/platform/config.ts';
import type { Database } from '../../src/platform/db/connect.ts';
import { readContract } from '../../src/platform/http/contract.ts';
import type { Principal } from '../../src/platform/http/principal.ts';
import { createRateLimits } from '../../src/platform/http/rate-limits.ts';
import { createRouter, type HandlerTable } from '../../src/platform/http/router.ts';
import type { Runtime } from '../../src/platform/work.ts';
import { createRuntime } from '../../src/runtime.ts';

/** Calls of the API; each throws when the answer is not a success. */
export interface Client {
  get<T>(path: string): Promise<T>;
  post<T>(path: string, body?: object): Promise<T>;
  put<T>(path: string, body: object): Promise<T>;
  delete(path: string): Promise<void>;
  close(): Promise<void>;
}

export interface SeedClock {
  now(): Instant;
  set(now: Instant): void;
}

export function seedClock(start: Instant): SeedClock {
  let current = start;
  return {
    now: () => current,
    set: (now) => {
      current = now;
    },
  };
}

const CLI = { type: 'cli', id: null } as const;

/**
 * The whole API on a port of this process: the real router and handlers, but a caller who needs no account.
 * What it does is written to the audit log as done from the command line.
 */
export async function startClient(config: Config, database: Database, clock: SeedClock): Promise<Client> {
  const cronSecret = randomBytes(16).toString('hex');
  const server = createRuntime({ ...config, logLevel: 'warn' }, { database, clock });
  const runtime: Runtime = {
    ...server,
    beforeCommit: (work) => server.beforeCommit(work.actor.type === 'user' ? { ...work, actor: CLI } : work),
  };
  const admin: Principal = { kind: 'user', userId: 'seed', role: 'admin', customerId: null, sessionHash: '' };
  const router = createRouter({
    runtime,
    contract: readContract(publishedSpec()),
    handlers: handlers as unknown as HandlerTable,
    authentication: {
      session: async () => admin,
      sessionToken: () => 'seed',
      apiKey: () => Promise.reject(new Error('The seed uses no API key.')),
      cronSecret,
      metricsToken: undefined,
    },
    rateLimits: createRateLimits(false),
    validateAnswers: true,
    observe: () => {},
  });
  const http = createServer(express().use(router));
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;

  const send = async <T>(method: string, path: string, body?: object): Promise<T> => {
    const headers = { 'X-Cron-Secret': cronSecret, ...(body && { 'Content-Type': 'application/json' }) };
    const answer = await fetch(origin + path, { method, headers, ...(body && { body: JSON.stringify(body) }) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path} on ${clock.now()} answered ${answer.status}: ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  };
  return {
    get: (path) => send('GET', path),
    post: (path, body) => send('POST', path, body),
    put: (path, body) => send('PUT', path, body),
    delete: (path) => send('DELETE', path),
    close: async () => {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}
