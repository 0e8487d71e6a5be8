import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { checkInvariants } from '../../src/billing/audit/invariants.ts';
import { sequenceEvents } from '../../src/billing/events/sequencer.ts';
import { createRuntime } from '../../src/runtime.ts';
import { atOnce } from '../support/answers.ts';
import { testConfig } from '../support/app.ts';
import { type TestDatabase, testDatabase } from '../support/database.ts';
import { type ServerProcess, startServer } from '../support/processes.ts';

const ADMIN = { ADMIN_EMAIL: 'first@acme.example', ADMIN_PASSWORD: 'a password that is long' };

jest.setTimeout(300_000); // on a busy machine; seconds otherwise

let place: TestDatabase;
beforeAll(async () => {
  place = await testDatabase();
});
afterAll(() => place.drop());

interface Sent {
  status: number;
  text: string;
}
type Post = (path: string, body: object, key?: string) => Promise<Sent>;

/** Posts as the admin; a request that the server's end cuts off answers status 0. */
async function client({ base }: ServerProcess): Promise<Post> {
  const send = async (path: string, body: object, headers: Record<string, string>) =>
    fetch(base + path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
  const login = await send('/api/auth/login', { email: ADMIN.ADMIN_EMAIL, password: ADMIN.ADMIN_PASSWORD }, {});
  const cookie = login.headers.getSetCookie()[0]!.split(';')[0]!;
  return async (path, body, key) => {
    try {
      const answer = await send(path, body, { Cookie: cookie, ...(key ? { 'Idempotency-Key': key } : {}) });
      return { status: answer.status, text: await answer.text() };
    } catch {
      return { status: 0, text: '' };
    }
  };
}

async function idOf(sent: Promise<Sent>): Promise<string> {
  const { status, text } = await sent;
  expect({ status, text }).toMatchObject({ status: 201 });
  return JSON.parse(text).id;
}

const CALLS = 60;

test('kill -9 during parallel POSTs, restart, the same requests again: each effect once', async () => {
  let server = await startServer(place.url, ADMIN);
  let post = await client(server);
  const productId = await idOf(post('/api/products', { name: 'Pro', productType: 'saas', price: '10.00' }));
  const plan = { productId, name: 'Pro', pricingModel: 'flat', billingCycle: 'monthly', basePrice: '10.00' };
  const planId = await idOf(post('/api/billing/plans', plan));
  const customers = await atOnce(4, (n) => idOf(post('/api/customers', { name: 'C', email: `c${n}@acme.example` })));
  const sell = (n: number) =>
    post('/api/billing/subscriptions', { customerId: customers[n % 4], planId, billingCycle: 'monthly' }, `key-${n}`);

  let answered = 0;
  const running = atOnce(CALLS, async (n) => {
    const sent = await sell(n);
    answered += sent.status === 201 ? 1 : 0;
    return sent;
  });
  while (answered < CALLS / 4) await setTimeout(1);
  await server.kill();
  const first = await running;
  expect(first.filter(({ status }) => status === 0).length).toBeGreaterThan(0);

  server = await startServer(place.url, ADMIN);
  post = await client(server);
  const second = await atOnce(CALLS, sell);
  expect(await server.stop()).toBe(0);
  expect(new Set(second.map(({ status }) => status))).toEqual(new Set([201]));
  for (const [n, { status, text }] of first.entries()) if (status === 201) expect(second[n]!.text).toBe(text);

  const { database } = place;
  expect(await database.read('subscriptions')).toHaveLength(CALLS);
  expect(await database.read('invoices')).toHaveLength(CALLS);
  const runtime = createRuntime(testConfig, { database });
  await sequenceEvents(runtime);
  expect(await checkInvariants(database.read, runtime.clock.now())).toEqual([]);
});
