import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { connect } from '../../src/platform/db/connect.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { dialect, type TestDatabase, testDatabase } from '../support/database.ts';
import { type FreezingProxy, freezingProxy } from '../support/freezing-proxy.ts';
import { expectRefusal } from '../support/refusals.ts';

const PRODUCT = { name: 'Pro', productType: 'saas', price: '49.99' };
const SIZE = 4;

/** SQLite has no server that could stand still. */
const onPostgres = dialect === 'postgres' ? describe : describe.skip;

let held: TestDatabase;
let proxy: FreezingProxy;
let app: TestApp;
let limit: number | undefined;

async function start(): Promise<void> {
  const database = connect(proxy.url, { poolSize: SIZE });
  const drop = async () => {
    await database.close();
    await proxy.close();
    await held.drop();
  };
  app = await startApp({
    database: { database, drop },
    app: limit === undefined ? {} : { requestLimitMs: limit },
  });
}
beforeEach(async () => {
  limit = 4000;
  if (dialect !== 'postgres') return;
  held = await testDatabase();
  proxy = await freezingProxy(held.url);
});
afterEach(async () => {
  if (dialect !== 'postgres') return;
  proxy.thaw();
  await app.close();
});

const products = async (): Promise<string[]> =>
  (await held.database.read('products').select('name')).map(({ name }) => name);

/** As many transactions at once as the pool has connections: none of them is missing. */
async function poolIsWhole(): Promise<void> {
  const { pool } = app.database.write.client;
  const all = Promise.withResolvers<void>();
  let begun = 0;
  const one = () =>
    app.database.transaction(async (trx) => {
      await trx.raw('SELECT 1');
      begun += 1;
      if (begun === SIZE) all.resolve();
      await all.promise;
    });
  await Promise.all(Array.from({ length: SIZE }, one));
  expect([pool.numUsed(), pool.numPendingAcquires()]).toEqual([0, 0]);
}

/** Requests until one is answered as in quiet times: the pool throws lost connections away as it meets them. */
async function untilWell(): Promise<void> {
  while ((await app.api.get('/api/products')).status !== 200);
}

onPostgres('a Postgres that stands still', () => {
  test('503 for reading, changing and /ready at the limit; none of it is done later; then everything is as before', async () => {
    await start();
    await app.api.post('/api/products', { ...PRODUCT, name: 'Before' });
    proxy.freeze();
    const headers = { 'Idempotency-Key': 'frozen' };
    const answers = await Promise.all([
      app.api.get('/api/products'),
      app.api.post('/api/products', PRODUCT, headers),
      app.api.post('/api/products', { ...PRODUCT, name: 'Without a key' }),
      app.anonymous.get('/ready'),
      app.anonymous.get('/api/products'),
      app.anonymous.get('/health'),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([503, 503, 503, 503, 401, 200]);
    for (const answer of answers.slice(0, 4)) {
      expectRefusal(answer, 503, 'service_unavailable');
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    }
    proxy.thaw();
    await untilWell();
    expect(await products()).toEqual(['Before']);
    expect((await app.api.post('/api/products', PRODUCT, headers)).status).toBe(201);
    expect((await app.anonymous.get('/ready')).status).toBe(200);
    await poolIsWhole();
  });

  test('503 of /ready names the database, long before the limit of a request; /metrics answers without the figures', async () => {
    limit = undefined;
    await start();
    expect((await app.anonymous.get('/metrics')).text).toContain('billing_parked');
    proxy.freeze();
    const [ready, metrics] = await Promise.all([app.anonymous.get('/ready'), app.anonymous.get('/metrics')]);
    expectRefusal(ready, 503, 'service_unavailable', 'database');
    expect(metrics.status).toBe(200);
    expect(metrics.text).toContain('http_requests_total');
    expect(metrics.text).not.toContain('billing_parked');
  });

  test.each(['delivered', 'lost'] as const)(
    '503 while the commit is under way says that nobody knows; the key tells: %s',
    async (lost) => {
      await start();
      const headers = { 'Idempotency-Key': 'commit' };
      const frozen = proxy.freezeAt('COMMIT;');
      const answer = await app.api.post('/api/products', PRODUCT, headers);
      await frozen;
      expectRefusal(answer, 503, 'service_unavailable');
      expect(answer.body.message).toMatch(/Whether the request was done is not known; .*Idempotency-Key/);
      proxy.thaw(lost);
      await untilWell();
      const again = await app.api.post('/api/products', PRODUCT, headers);
      expect([again.status, again.headers['idempotent-replayed']]).toEqual([
        201,
        lost === 'delivered' ? 'true' : undefined,
      ]);
      expect(await products()).toEqual(['Pro']);
      await poolIsWhole();
    },
  );

  test('503 when the connection is lost while the commit is under way: nobody knows either', async () => {
    await start();
    const headers = { 'Idempotency-Key': 'cut' };
    void proxy.freezeAt('COMMIT;').then(() => proxy.thaw('lost'));
    const answer = await app.api.post('/api/products', PRODUCT, headers);
    expectRefusal(answer, 503, 'service_unavailable');
    expect(answer.body.message).toMatch(/Whether the request was done is not known/);
    expect((await app.api.post('/api/products', PRODUCT, headers)).status).toBe(201);
    expect(await products()).toEqual(['Pro']);
  });

  test('503 with the connection gone in the middle of a change: undone, and said so', async () => {
    await start();
    const frozen = proxy.freezeAt('insert into "products"');
    const answer = await app.api.post('/api/products', PRODUCT);
    await frozen;
    expect(answer.body.message).toMatch(/was undone/);
    proxy.thaw();
    await untilWell();
    expect(await products()).toEqual([]);
    await poolIsWhole();
  });
});
