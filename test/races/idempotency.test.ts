import { afterEach, describe, expect, test } from '@jest/globals';
import { handlers } from '../../src/app.ts';
import type { HandlerTable } from '../../src/platform/http/router.ts';
import { type Answer, startApp, type TestApp } from '../support/app.ts';
import { expectRefusal } from '../support/refusals.ts';

const TABLE = handlers as unknown as HandlerTable;

let app: TestApp;
afterEach(() => app.close());

const replayed = ({ headers }: Answer) => headers['idempotent-replayed'] === 'true';

describe('a key after its 30 days', () => {
  test('X5.1 thirty uses at once: one effect, and its answer to all of them', async () => {
    app = await startApp();
    const key = app.withKey((await app.given.apiKey()).key);
    const headers = { 'Idempotency-Key': 'monthly' };
    const send = () => key.post('/api/v1/customers', { name: 'Acme', email: `acme-${round}@acme.example` }, headers);
    let round = 0;
    const old = (await key.post('/api/v1/customers', { name: 'Old', email: 'old@acme.example' }, headers)).body.id;
    for (round = 1; round <= 3; round++) {
      app.clock.advance({ days: 30 });
      const answers = await Promise.all(Array.from({ length: 30 }, send));
      expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 30 }, () => 201));
      const ids = new Set(answers.map(({ body }) => body.id));
      expect([ids.size, ids.has(old)]).toEqual([1, false]);
      expect(answers.filter(replayed)).toHaveLength(29);
    }
  });

  test('201 for another request, and 409 idempotency_key_reused from then on for the former one', async () => {
    app = await startApp();
    const key = app.withKey((await app.given.apiKey()).key);
    const headers = { 'Idempotency-Key': 'other' };
    const customer = { name: 'Acme', email: 'first@acme.example' };
    expect((await key.post('/api/v1/customers', customer, headers)).status).toBe(201);
    app.clock.advance({ days: 30 });
    const second = await key.post('/api/v1/customers', { ...customer, email: 'second@acme.example' }, headers);
    expect([second.status, replayed(second)]).toEqual([201, false]);
    expectRefusal(await key.post('/api/v1/customers', customer, headers), 409, 'idempotency_key_reused');
  });
});

describe('a key that another request went on with', () => {
  test('X5.2 stays its own when the first one fails, and when it answers', async () => {
    const gates: ((outcome: 'fail' | 'go on') => void)[] = [];
    const arrived: (() => void)[] = [];
    app = await startApp({
      app: {
        handlers: {
          ...TABLE,
          users: {
            ...TABLE.users,
            createUser: async (input, context) => {
              const outcome = await new Promise<'fail' | 'go on'>((resolve) => {
                gates.push(resolve);
                arrived.shift()?.();
              });
              if (outcome === 'fail') throw new Error('broken');
              return TABLE.users!.createUser!(input, context);
            },
          },
        },
      },
    });
    const headers = { 'Idempotency-Key': 'user' };
    const body = { email: 'new@acme.example', name: 'New', role: 'admin', password: 'a password that is long' };
    const send = () => app.api.post('/api/users', body, headers);
    /** Resolves when the request stands in its handler; boxed, so that nobody waits for its answer here. */
    const begin = async (): Promise<[Promise<Answer>]> => {
      const here = new Promise<void>((resolve) => arrived.push(resolve));
      const answer = send();
      await here;
      return [answer];
    };
    const [first] = await begin();
    expectRefusal(await send(), 409, 'idempotency_in_progress');
    app.clock.advance({ ms: 60_000 });
    const [second] = await begin();
    gates[0]!('fail');
    expect((await first).status).toBe(500);
    expectRefusal(await send(), 409, 'idempotency_in_progress');
    app.clock.advance({ ms: 60_000 });
    const [third] = await begin();
    gates[1]!('go on');
    expect((await second).status).toBe(201);
    expectRefusal(await send(), 409, 'idempotency_in_progress');
    gates[2]!('fail');
    expect((await third).status).toBe(500);
    expect(await app.database.read('idempotency_keys').where({ key: 'user' })).toEqual([]);
  });
});
