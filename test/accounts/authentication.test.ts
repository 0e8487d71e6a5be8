import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createAuthentication } from '../../src/accounts/logins/authentication.ts';
import { startApp, type TestApp } from '../support/app.ts';

let app: TestApp;
let authentication: ReturnType<typeof createAuthentication>;
beforeAll(async () => {
  app = await startApp();
  authentication = createAuthentication(app.runtime);
});
afterAll(() => app.close());

/** The statements that run on the handle for reads while `run` does. */
async function statementsOf(run: () => Promise<unknown>): Promise<string[]> {
  const seen: string[] = [];
  const note = ({ sql }: { sql: string }) => void seen.push(sql);
  const { client } = app.database.read;
  client.on('query', note);
  await run().catch(() => {});
  client.off('query', note);
  return seen.filter((sql) => /^select/i.test(sql));
}

describe('what recognising a caller costs', () => {
  test('a session: one statement', async () => {
    const run = () => authentication.session(app.admin.token, app.clock.now());
    expect(await statementsOf(run)).toHaveLength(1);
  });

  test('a key: one statement', async () => {
    const { key } = await app.given.apiKey();
    expect(await statementsOf(() => authentication.apiKey(key, app.clock.now()))).toHaveLength(1);
  });

  test('what cannot be a token or a key: none', async () => {
    const now = app.clock.now();
    const { key } = await app.given.apiKey();
    const mistyped = `${key.slice(0, -1)}${key.endsWith('a') ? 'b' : 'a'}`;
    expect(await statementsOf(() => authentication.apiKey(mistyped, now))).toEqual([]);
    expect(await statementsOf(() => authentication.session('not a token', now))).toEqual([]);
  });
});

describe('the last use of a key (rules H4)', () => {
  const lastUse = async (id: string): Promise<string | null> => {
    const { body } = await app.api.get('/api/api-keys?limit=1000');
    return body.find((one: { id: string }) => one.id === id).lastUsedAt;
  };
  const use = async (key: string): Promise<void> => {
    await authentication.apiKey(key, app.clock.now());
    await authentication.settled();
  };

  test('is written beside the request, at most once a minute', async () => {
    const { id, key } = await app.given.apiKey();
    expect(await lastUse(id)).toBeNull();
    const first = app.clock.now();
    await use(key);
    expect(await lastUse(id)).toBe(first);
    app.clock.advance({ ms: 59_999 });
    await use(key);
    expect(await lastUse(id)).toBe(first);
    app.clock.advance({ ms: 1 });
    await use(key);
    expect(await lastUse(id)).toBe(app.clock.now());
  });

  test('is not written for a key that is refused', async () => {
    const { id, key } = await app.given.apiKey();
    await app.api.delete(`/api/api-keys/${id}`);
    await expect(use(key)).rejects.toMatchObject({ code: 'invalid_api_key' });
    await authentication.settled();
    expect(await lastUse(id)).toBeNull();
  });

  test('a use that cannot be written refuses nobody', async () => {
    const { key } = await app.given.apiKey();
    const write = () => Promise.reject(new Error('the disk is full'));
    const database = {
      ...app.database,
      write: (() => ({ where: () => ({ where: () => ({ update: write }) }) })) as never,
    };
    const failing = createAuthentication({ ...app.runtime, database });
    await expect(failing.apiKey(key, app.clock.now())).resolves.toMatchObject({ kind: 'apiKey' });
    await failing.settled();
  });
});
