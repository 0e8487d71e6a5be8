import { execFile } from 'node:child_process';
import { afterEach, describe, expect, test } from '@jest/globals';
import Sqlite from 'better-sqlite3';
import { claimSoleServer } from '../../src/platform/db/sole-server.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { dialect, type TestDatabase, testDatabase } from '../support/database.ts';
import { type ServerProcess, startServer } from '../support/processes.ts';
import { expectRefusal } from '../support/refusals.ts';

/** Postgres is made for several processes: test/races/replicas.test.ts. */
const onSqlite = dialect === 'sqlite' ? describe : describe.skip;
const ADMIN = { ADMIN_EMAIL: 'first@rustbill.example', ADMIN_PASSWORD: 'correct horse battery' };
const PRODUCT = { name: 'Pro', productType: 'saas', price: '49.99' };

const fileOf = (url: string): string => url.slice('sqlite:'.length);

onSqlite('a second server on one SQLite file', () => {
  let place: TestDatabase;
  let server: ServerProcess | undefined;
  afterEach(async () => {
    await server?.kill();
    server = undefined;
    await place.drop();
  });
  const start = async () => {
    server = await startServer(place.url, ADMIN);
  };

  test('is refused at its start, and told why; the first one goes on', async () => {
    place = await testDatabase();
    await start();
    await expect(startServer(place.url, ADMIN)).rejects.toThrow(/ended with 1: .*another server runs on .*Postgres/s);
    expect((await fetch(`${server!.base}/ready`)).status).toBe(200);
  });

  test('starts when the first one was killed, and when it has stopped', async () => {
    place = await testDatabase();
    await start();
    await server!.kill();
    await start();
    expect(await server!.stop()).toBe(0);
    await start();
    expect((await fetch(`${server!.base}/ready`)).status).toBe(200);
  });

  test('is no command: the audit, the migrations and a new admin run beside a server', async () => {
    place = await testDatabase();
    await start();
    const run = (...args: string[]) =>
      new Promise<number | string | null | undefined>((resolve) => {
        const env = {
          PATH: process.env.PATH ?? '',
          DATABASE_URL: place.url,
          SECRET_KEY: 'a secret key, long enough for tests',
        };
        const child = execFile(process.execPath, args, { env }, (error) => resolve(error ? error.code : 0));
        child.stdin!.end('a password that is long');
      });
    expect(await run('src/cli/audit.ts')).toBe(0);
    expect(await run('scripts/migrate.ts')).toBe(0);
    expect(await run('src/cli/admin.ts', 'create', '--email', 'second@rustbill.example')).toBe(0);
    const copy = new Sqlite(fileOf(place.url), { readonly: true });
    await copy.backup(`${fileOf(place.url)}-copy`);
    copy.close();
  });

  test('is kept away until the claim is given up', async () => {
    place = await testDatabase();
    const giveUp = claimSoleServer(place.url);
    expect(() => claimSoleServer(place.url)).toThrow(/another server/);
    giveUp();
    claimSoleServer(place.url)();
  });
});

onSqlite('another process that holds the lock of a SQLite file', () => {
  let app: TestApp;
  let other: Sqlite.Database;
  let place: TestDatabase;
  const start = async () => {
    place = await testDatabase();
    app = await startApp({ database: place });
    other = new Sqlite(fileOf(place.url), { timeout: 0 });
  };
  afterEach(async () => {
    other.close();
    await app.close();
  });

  test('201 a change waits for it, and meanwhile others are answered', async () => {
    await start();
    other.exec('BEGIN IMMEDIATE');
    const changes = ['a', 'b'].map((name) => app.api.post('/api/products', { ...PRODUCT, name }));
    for (let i = 0; i < 10; i++) {
      expect((await app.api.get('/api/products')).body).toEqual([]);
      expect((await app.anonymous.get('/ready')).status).toBe(200);
    }
    other.exec('COMMIT');
    expect((await Promise.all(changes)).map(({ status }) => status)).toEqual([201, 201]);
  });

  test('503 service_unavailable when it lasts; nothing is left behind', async () => {
    await start();
    other.exec('BEGIN IMMEDIATE');
    expectRefusal(await app.api.post('/api/products', PRODUCT), 503, 'service_unavailable');
    other.exec('COMMIT');
    expect((await app.api.post('/api/products', PRODUCT)).status).toBe(201);
    expect((await app.api.get('/api/products')).body).toHaveLength(1);
  });
});
