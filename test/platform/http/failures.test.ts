import { Writable } from 'node:stream';
import { afterEach, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { handlers } from '../../../src/app.ts';
import { insertRows } from '../../../src/platform/db/bulk.ts';
import type { HandlerTable } from '../../../src/platform/http/router.ts';
import { type StartOptions, startApp, type TestApp } from '../../support/app.ts';
import { dialect } from '../../support/database.ts';
import { expectRefusal } from '../../support/refusals.ts';

const PRODUCT = { name: 'Pro', productType: 'saas', price: '49.99' };
/** Long enough for a login on a busy machine. */
const LIMIT = 2000;
const TABLE = handlers as unknown as HandlerTable;
type Handler = HandlerTable[string][string];

/** The real handlers, but one operation goes through `wrap`. */
const wrapped = (tag: string, id: string, wrap: (real: Handler) => Handler): HandlerTable => ({
  ...TABLE,
  [tag]: { ...TABLE[tag], [id]: wrap(TABLE[tag]![id]!) },
});
const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

let app: TestApp;
let logged: string;
afterEach(() => app.close());

async function start(options: StartOptions['app'], more: StartOptions = {}): Promise<void> {
  logged = '';
  const stream = new Writable({
    write(chunk, _, done) {
      logged += chunk;
      done();
    },
  });
  app = await startApp({ ...more, log: pino({ level: 'error' }, stream), app: options! });
}
const counts = async (): Promise<number[]> => {
  const tables = ['products', 'audit_log', 'events', 'idempotency_keys'];
  return Promise.all(tables.map(async (table) => Number((await app.database.read(table).count('* as n'))[0]!.n)));
};

describe('a request over its time', () => {
  test('503 service_unavailable: everything is undone, and its key may be used again', async () => {
    let slow = true;
    const late = wrapped('products', 'createProduct', (real) => async (input, context) => {
      const answer = await real(input, context);
      if (slow) await sleep(LIMIT + 100);
      return answer;
    });
    await start({ handlers: late, requestLimitMs: LIMIT });
    const before = await counts();
    const headers = { 'Idempotency-Key': 'late' };
    const answer = await app.api.post('/api/products', PRODUCT, headers);
    expectRefusal(answer, 503, 'service_unavailable');
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
    expect(await counts()).toEqual(before);
    slow = false;
    expect((await app.api.post('/api/products', PRODUCT, headers)).status).toBe(201);
  });

  test('503 for reading', async () => {
    const late = wrapped('products', 'listProducts', (real) => async (input, context) => {
      await sleep(LIMIT + 100);
      return real(input, context);
    });
    await start({ handlers: late, requestLimitMs: LIMIT });
    expectRefusal(await app.api.get('/api/products'), 503, 'service_unavailable');
  });

  test('503 also when the work never comes back: undone, its connection is free, its key may be used again', async () => {
    let hangs = true;
    const late = wrapped('products', 'createProduct', (real) => async (input, context) => {
      const answer = await real(input, context);
      if (hangs) await new Promise(() => {});
      return answer;
    });
    await start({ handlers: late, requestLimitMs: LIMIT });
    const before = await counts();
    const headers = { 'Idempotency-Key': 'never' };
    expectRefusal(await app.api.post('/api/products', PRODUCT, headers), 503, 'service_unavailable');
    expect(await counts()).toEqual(before);
    hangs = false;
    expect((await app.api.post('/api/products', PRODUCT, headers)).status).toBe(201);
  });

  test('503 for readings that never come back, more than there are connections: all of these are free again', async () => {
    let hangs = true;
    const late = wrapped('products', 'listProducts', (real) => async (input, context) => {
      const answer = await real(input, context);
      if (hangs) await new Promise(() => {});
      return answer;
    });
    await start({ handlers: late, requestLimitMs: LIMIT });
    const answers = await Promise.all(Array.from({ length: 25 }, () => app.api.get('/api/products')));
    for (const answer of answers) expectRefusal(answer, 503, 'service_unavailable');
    hangs = false;
    const after = await Promise.all(Array.from({ length: 25 }, () => app.api.get('/api/products')));
    for (const { status } of after) expect(status).toBe(200);
  });

  test('503 and what the work does later is refused, in its transaction and beside it', async () => {
    const failed: string[] = [];
    const later = Promise.withResolvers<void>();
    const late = wrapped('products', 'createProduct', () => async (_, context) => {
      const write = context.runtime.database.write;
      await context.db('counters').insert({ scope: 'probe', value: 1 });
      await sleep(LIMIT + 100);
      const note = () => failed.push('refused');
      await context.db('counters').insert({ scope: 'probe 2', value: 1 }).catch(note);
      await write('counters').insert({ scope: 'probe 3', value: 1 }).catch(note);
      await write.transaction((trx) => trx('counters').insert({ scope: 'probe 4', value: 1 })).catch(note);
      await insertRows(context.db, 'counters', [{ scope: 'probe 5', value: 1 }]).catch(note);
      later.resolve();
    });
    await start({ handlers: late, requestLimitMs: LIMIT });
    expectRefusal(await app.api.post('/api/products', PRODUCT), 503, 'service_unavailable');
    await later.promise;
    expect(failed).toHaveLength(4);
    expect(await app.database.read('counters').where('scope', 'like', 'probe%')).toEqual([]);
  });

  test('the signal of the request fires at its deadline, and for a GET when the caller has gone', async () => {
    const reasons: string[] = [];
    const fired = (context: Parameters<Handler>[1]) =>
      new Promise<void>((resolve) => {
        context.signal.addEventListener('abort', () => {
          reasons.push((context.signal.reason as Error).constructor.name);
          resolve();
        });
      });
    let got = Promise.withResolvers<void>();
    const waiting = wrapped('products', 'listProducts', () => async (_, context) => {
      got.resolve();
      await fired(context);
      got.resolve();
      throw new Error('never read');
    });
    await start({ handlers: waiting, requestLimitMs: LIMIT });
    expectRefusal(await app.api.get('/api/products'), 503, 'service_unavailable');
    expect(reasons).toEqual(['AppError']);
    got = Promise.withResolvers();
    const gone = new AbortController();
    const { port } = app.server.address() as { port: number };
    const answer = fetch(`http://127.0.0.1:${port}/api/products`, {
      headers: { Cookie: `session=${app.admin.token}` },
      signal: gone.signal,
    }).catch(() => 'gone');
    await got.promise;
    gone.abort();
    expect(await answer).toBe('gone');
    while (reasons.length < 2) await sleep(5);
    expect(reasons).toEqual(['AppError', 'CallerGone']);
    expect((await app.anonymous.get('/metrics')).text).toContain(
      'http_requests_total{operation="listProducts",status="499"} 1',
    );
  });

  test('503 in a transaction of a manual operation: it is undone; past its commit the answer does not say so', async () => {
    let sleepsIn: 'transaction' | 'handler' = 'transaction';
    const late = wrapped('auth', 'changePassword', (real) => async (input, context) => {
      const transaction: typeof context.transaction = (run) =>
        context.transaction(async (work) => {
          const value = await run(work);
          if (sleepsIn === 'transaction') await sleep(LIMIT + 100);
          return value;
        });
      const answer = await real(input, { ...context, transaction });
      if (sleepsIn === 'handler') await sleep(LIMIT + 100);
      return answer;
    });
    await start({ handlers: late, requestLimitMs: LIMIT });
    const { email, password } = app.admin;
    const login = async (text: string) =>
      (await app.anonymous.post('/api/auth/login', { email, password: text })).status;
    const change = { currentPassword: password, newPassword: 'quite another password' };
    expectRefusal(await app.api.put('/api/auth/password', change), 503, 'service_unavailable');
    expect(await login(password)).toBe(200);
    sleepsIn = 'handler';
    const committed = await app.api.put('/api/auth/password', change);
    expectRefusal(committed, 503, 'service_unavailable');
    expect(committed.body.message).toMatch(/may have been done/);
    expect(await login('quite another password')).toBe(200);
  });

  test('200 for cron, which has no limit', async () => {
    const late = wrapped('cron', 'runDunningJob', (real) => async (input, context) => {
      await sleep(LIMIT + 100);
      return real(input, context);
    });
    await start({ handlers: late, requestLimitMs: LIMIT });
    expect((await app.cron.post('/api/billing/cron/dunning')).status).toBe(200);
  });
});

describe('a bug', () => {
  const thrown: [string, unknown][] = [
    ['an Error', new Error('the secret detail')],
    ['a TypeError', new TypeError("Cannot read properties of the secret detail (reading 'x')")],
    ['a text', 'the secret detail'],
    ['nothing', undefined],
    ['null', null],
    ['something with a status', Object.assign(new Error('the secret detail'), { status: 404, code: 'ENOENT' })],
  ];
  test.each(thrown)('500 internal_error, nothing internal, all undone: %s', async (_, value) => {
    const broken = wrapped('products', 'createProduct', (real) => async (input, context) => {
      await real(input, context);
      throw value;
    });
    await start({ handlers: broken });
    const before = await counts();
    const answer = await app.api.post('/api/products', PRODUCT, { 'Idempotency-Key': 'broken' });
    expectRefusal(answer, 500, 'internal_error');
    expect(Object.keys(answer.body).sort()).toEqual(['error', 'message', 'requestId']);
    expect(answer.body.message).toBe('Something went wrong on our side.');
    expect(answer.text).not.toMatch(/secret|src\/|\.ts/);
    expect(await counts()).toEqual(before);
    const line = JSON.parse(logged.trim().split('\n').at(-1)!);
    expect(line).toMatchObject({ requestId: answer.body.requestId, method: 'POST', msg: 'internal_error' });
    if (value instanceof Error) expect(line.err).toMatchObject({ message: value.message, stack: expect.any(String) });
    expect(logged).not.toContain(app.admin.token);
    expect((await app.api.get('/api/products')).status).toBe(200);
  });

  test('500 database_error without SQL, all undone', async () => {
    const broken = wrapped('products', 'createProduct', (real) => async (input, context) => {
      await real(input, context);
      await context.db('no_such_table').insert({ secret: 'detail' });
    });
    await start({ handlers: broken });
    const before = await counts();
    const answer = await app.api.post('/api/products', PRODUCT);
    expectRefusal(answer, 500, 'database_error');
    expect(answer.text).not.toMatch(/no_such_table|insert|secret/i);
    expect(await counts()).toEqual(before);
  });

  test('500 database_error when a constraint says what the code forgot', async () => {
    const broken = wrapped('products', 'createProduct', (real) => async (input, context) => {
      await real(input, context);
      await context.db('products').update({ status: 'unheard of' });
    });
    await start({ handlers: broken });
    const before = await counts();
    expectRefusal(await app.api.post('/api/products', PRODUCT), 500, 'database_error');
    expect(await counts()).toEqual(before);
  });

  test('500 an answer outside the contract does not leave the server, and its effect is undone', async () => {
    const broken = wrapped('products', 'createProduct', (real) => async (input, context) => ({
      ...((await real(input, context)) as object),
      password: 'secret',
    }));
    await start({ handlers: broken });
    const before = await counts();
    const answer = await app.api.post('/api/products', PRODUCT);
    expectRefusal(answer, 500, 'internal_error');
    expect(await counts()).toEqual(before);
    expect(logged).toContain('answers outside the contract');
  });
});

describe('transactions that the database undoes', () => {
  const deadlock = () => Object.assign(new Error('deadlock detected'), { code: '40P01' });

  test('201 after a deadlock: the work is done once', async () => {
    let tries = 0;
    const unlucky = wrapped('products', 'createProduct', (real) => async (input, context) => {
      const answer = await real(input, context);
      if (++tries < 3) throw deadlock();
      return answer;
    });
    await start({ handlers: unlucky });
    const before = await counts();
    const answer = await app.api.post('/api/products', PRODUCT, { 'Idempotency-Key': 'unlucky' });
    expect([answer.status, tries]).toEqual([201, 3]);
    const [products, audits, events, keys] = await counts();
    expect([products, audits, keys]).toEqual([before[0]! + 1, before[1]! + 1, before[3]! + 1]);
    expect(events).toBe(before[2]);
    expect((await app.api.get('/api/products')).body).toHaveLength(1);
  });

  test('503 service_unavailable when it never ends', async () => {
    let tries = 0;
    const unlucky = wrapped('products', 'createProduct', () => async () => {
      tries += 1;
      throw deadlock();
    });
    await start({ handlers: unlucky });
    const answer = await app.api.post('/api/products', PRODUCT);
    expectRefusal(answer, 503, 'service_unavailable');
    expect([Number(answer.headers['retry-after']) > 0, tries]).toEqual([true, 3]);
  });

  if (dialect === 'postgres')
    test('200 for two that lock each other out: both are done, each once', async () => {
      let meet: (() => void)[] = [];
      const together = () =>
        new Promise<void>((resolve) => {
          meet.push(resolve);
          if (meet.length === 2) for (const go of meet) go();
        });
      const ids: string[] = [];
      let tries = 0;
      const crossing = wrapped('products', 'updateProduct', (real) => async (input, context) => {
        const mine = (input.path as { id: string }).id;
        const others = ids.filter((id) => id !== mine);
        tries += 1;
        await context.db('products').where({ id: mine }).forUpdate().select('id');
        if (tries <= 2) await together();
        await context.db('products').whereIn('id', others).forUpdate().select('id');
        return real(input, context);
      });
      await start({ handlers: crossing });
      ids.push((await app.given.product()).id, (await app.given.product()).id);
      const answers = await Promise.all(ids.map((id) => app.api.put(`/api/products/${id}`, { name: 'Renamed' })));
      expect(answers.map(({ status, body }) => [status, body.name])).toEqual([
        [200, 'Renamed'],
        [200, 'Renamed'],
      ]);
      expect(tries).toBe(3);
      expect(await app.database.read('audit_log').where({ action: 'updateProduct' })).toHaveLength(2);
      meet = [];
    });
});

describe('a database that is gone', () => {
  test('503 service_unavailable with Retry-After for what needs it; /health goes on', async () => {
    await start({});
    await app.database.close();
    for (const answer of [
      await app.api.get('/api/products'),
      await app.api.post('/api/products', PRODUCT),
      await app.anonymous.post('/api/auth/login', { email: app.admin.email, password: app.admin.password }),
      await app.anonymous.get('/ready'),
    ]) {
      expectRefusal(answer, 503, 'service_unavailable');
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
      expect(answer.text).not.toMatch(/acquire|pool|knex|sqlite|postgres/i);
    }
    expectRefusal(await app.anonymous.get('/api/products'), 401, 'unauthorized');
    expect((await app.anonymous.get('/health')).status).toBe(200);
  });
});
