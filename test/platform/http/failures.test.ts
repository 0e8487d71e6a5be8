import { Writable } from 'node:stream';
import { afterEach, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { handlers } from '../../../src/app.ts';
import type { HandlerTable } from '../../../src/platform/http/router.ts';
import { type StartOptions, startApp, type TestApp } from '../../support/app.ts';
import { dialect } from '../../support/database.ts';
import { expectRefusal } from '../../support/refusals.ts';

const PRODUCT = { name: 'Pro', productType: 'saas', price: '49.99' };
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
      if (slow) await sleep(250);
      return answer;
    });
    await start({ handlers: late, requestLimitMs: 200 });
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
      await sleep(250);
      return real(input, context);
    });
    await start({ handlers: late, requestLimitMs: 200 });
    expectRefusal(await app.api.get('/api/products'), 503, 'service_unavailable');
  });

  test('503 in a transaction of a manual operation: it is undone; past its commit: 200', async () => {
    let sleepsIn: 'transaction' | 'handler' = 'transaction';
    const late = wrapped('auth', 'changePassword', (real) => async (input, context) => {
      const transaction: typeof context.transaction = (run) =>
        context.transaction(async (work) => {
          const value = await run(work);
          if (sleepsIn === 'transaction') await sleep(2100);
          return value;
        });
      const answer = await real(input, { ...context, transaction });
      if (sleepsIn === 'handler') await sleep(2100);
      return answer;
    });
    await start({ handlers: late, requestLimitMs: 2000 });
    const { email, password } = app.admin;
    const login = async (text: string) =>
      (await app.anonymous.post('/api/auth/login', { email, password: text })).status;
    const change = { currentPassword: password, newPassword: 'quite another password' };
    expectRefusal(await app.api.put('/api/auth/password', change), 503, 'service_unavailable');
    expect(await login(password)).toBe(200);
    sleepsIn = 'handler';
    expect((await app.api.put('/api/auth/password', change)).status).toBe(200);
    expect(await login('quite another password')).toBe(200);
  });

  test('200 for cron, which has no limit', async () => {
    const late = wrapped('cron', 'runDunningJob', (real) => async (input, context) => {
      await sleep(250);
      return real(input, context);
    });
    await start({ handlers: late, requestLimitMs: 200 });
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
