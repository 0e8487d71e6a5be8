import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { checkInvariants } from '../../src/billing/audit/invariants.ts';
import { runLifecycle } from '../../src/billing/run/lifecycle.ts';
import { addMilliseconds } from '../../src/platform/calendar.ts';
import { query } from '../../src/platform/db/sql.ts';
import { type Entity, invoicesOf, subscriptionOf } from '../billing/support.ts';
import { record, usageSubscription, use, voidEvent } from '../billing/usage/support.ts';
import { atOnce, tally } from '../support/answers.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { dialect } from '../support/database.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterEach(async () => {
  await runLifecycle(app.runtime);
  await app.drain();
  expect(await checkInvariants(app.database.read, app.clock.now())).toEqual([]);
});
afterAll(() => app.close());

const stored = async (id: string): Promise<Entity[]> =>
  (await app.api.get(`/api/billing/usage?limit=1000&subscriptionId=${id}`)).body;
/** What a subscription at 1.00 per unit was billed, less what was credited. */
async function billedNet(id: string): Promise<number> {
  let sum = 0;
  for (const { total, id: invoiceId } of await invoicesOf(app, id)) {
    const notes: Entity[] = (await app.api.get(`/api/billing/credit-notes?invoiceId=${invoiceId}`)).body;
    sum += Number(total) - notes.reduce((credited, { amount }) => credited + Number(amount), 0);
  }
  return sum;
}
const endOf = async (id: string): Promise<string> => (await subscriptionOf(app, id)).currentPeriodEnd;
/** Crosses the next boundary. */
async function next(id: string): Promise<void> {
  app.clock.set(await endOf(id));
  expect((await runLifecycle(app.runtime)).errors).toEqual([]);
}

describe('one key', () => {
  test('20 times at once is one event', async () => {
    const { id } = await usageSubscription(app);
    const answers = await atOnce(20, () =>
      record(app, { subscriptionId: id, metricName: 'calls', idempotencyKey: 'k', value: '3' }),
    );
    expect(tally(answers)).toEqual({ '200': 19, '201': 1 });
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
    expect(await stored(id)).toHaveLength(1);
  });

  test('with 20 values at once is one event and 19 conflicts', async () => {
    const { id } = await usageSubscription(app);
    const answers = await atOnce(20, (n) =>
      record(app, { subscriptionId: id, metricName: 'calls', idempotencyKey: 'k', value: String(n) }),
    );
    expect(tally(answers)).toEqual({ '201': 1, '409 idempotency_key_reused': 19 });
    const [{ value }] = await stored(id);
    expect(value).toBe(answers.find(({ status }) => status === 201)!.body.value);
  });

  test('batches of the same keys in any order store each once', async () => {
    const { id } = await usageSubscription(app);
    const other = await usageSubscription(app);
    const events = Array.from({ length: 60 }, (_, n) => ({
      subscriptionId: n % 2 === 0 ? id : other.id,
      metricName: 'calls',
      idempotencyKey: `k${n}`,
    }));
    const answers = await atOnce(10, (n) => record(app, n % 2 === 0 ? events : events.toReversed()));
    expect(answers.every(({ status }) => status < 300)).toBe(true);
    const results = answers.flatMap(({ body }) => body.results);
    expect(results.filter(({ status }: Entity) => status === 'accepted')).toHaveLength(60);
    expect(results.filter(({ status }: Entity) => status === 'duplicate')).toHaveLength(540);
    expect([(await stored(id)).length, (await stored(other.id)).length]).toEqual([30, 30]);
    const ids = new Set([...(await stored(id)), ...(await stored(other.id))].map((event) => event.id));
    expect(results.every((one: Entity) => ids.has(one.id))).toBe(true);
  });
});

describe('an event against the run that closes its period', () => {
  test('is billed with the period or late, never lost and never twice', async () => {
    for (let round = 0; round < 4; round++) {
      const { id } = await usageSubscription(app, { unitPrice: '1' });
      const end = await endOf(id);
      const timestamp = addMilliseconds(end, -1);
      app.clock.set(end);
      const event = { subscriptionId: id, metricName: 'calls', timestamp };
      const [first, second, ...answers] = await atOnce(14, (n) =>
        n < 2 ? app.cron.post('/api/billing/cron/lifecycle') : record(app, n % 2 === 0 ? event : [event, event]),
      );
      expect([first!.body.errors, second!.body.errors]).toEqual([[], []]);
      expect(tally(answers)).toEqual({ '201': 12 });
      const used = (await stored(id)).length;
      expect(used).toBe(18);
      await next(id);
      expect(await billedNet(id)).toBe(used);
    }
  });

  test('and its void, and the end of the subscription: what counts is what is billed', async () => {
    for (let round = 0; round < 4; round++) {
      const { id } = await usageSubscription(app, { unitPrice: '1' });
      const events = [await use(app, id, '2'), await use(app, id, '3'), await use(app, id, '5')];
      const at = app.clock.now();
      app.clock.advance({ days: 1 });
      const answers = await atOnce(12, (n) => {
        if (n === 0) return app.api.delete(`/api/billing/subscriptions/${id}`);
        if (n % 3 === 0) return voidEvent(app, events[(n / 3) % 3]!.id);
        return record(app, { subscriptionId: id, metricName: 'calls', timestamp: at });
      });
      expect(answers.every(({ status }) => status < 300)).toBe(true);
      app.clock.advance({ hours: 1 });
      expect((await runLifecycle(app.runtime)).errors).toEqual([]);
      const counted = (await stored(id)).filter(({ voidedAt }) => voidedAt === null);
      expect(await billedNet(id)).toBe(counted.reduce((sum, { value }) => sum + Number(value), 0));
    }
  });

  (dialect === 'postgres' ? test : test.skip)('the run waits for usage that is being recorded', async () => {
    const { id } = await usageSubscription(app);
    await use(app, id, '5');
    app.clock.set(await endOf(id));
    let run: ReturnType<typeof runLifecycle> | undefined;
    await app.database.transaction(async (db) => {
      await db('subscriptions').where({ id }).forShare();
      run = runLifecycle(app.runtime);
      await waitingFor('for no key update');
    });
    expect((await run!).errors).toEqual([]);
    expect(await invoicesOf(app, id)).toHaveLength(1);
  });

  (dialect === 'postgres' ? test : test.skip)(
    'an event recorded while the run has closed waits, and is late',
    async () => {
      const { id } = await usageSubscription(app, { unitPrice: '1' });
      await use(app, id, '5');
      const end = await endOf(id);
      app.clock.set(end);
      let sent: ReturnType<typeof record> | undefined;
      const { transaction } = app.database;
      const runtime = {
        ...app.runtime,
        database: {
          ...app.database,
          transaction: ((work: Parameters<typeof transaction>[0]) =>
            transaction(async (db) => {
              const result = await work(db);
              const [row] = await db('billing_periods').where({
                subscription_id: id,
                kind: 'usage',
                state: 'invoiced',
              });
              if (row && !sent) {
                const event = {
                  subscriptionId: id,
                  metricName: 'calls',
                  timestamp: addMilliseconds(end, -1),
                  value: '3',
                };
                sent = record(app, event);
                await waitingFor('for share');
              }
              return result;
            })) as typeof transaction,
        },
      };
      expect((await runLifecycle(runtime)).errors).toEqual([]);
      expect((await sent!).status).toBe(201);
      expect(await billedNet(id)).toBe(5);
      await next(id);
      expect(await billedNet(id)).toBe(8);
    },
  );
});

/** Until a statement with these words waits for a lock. */
async function waitingFor(words: string): Promise<void> {
  for (;;) {
    const waiting = await query(
      app.database.read,
      `select 1 from pg_stat_activity where wait_event_type = 'Lock' and query ilike ?`,
      [`%${words}%`],
    );
    if (waiting.length > 0) return;
  }
}

test('a void 20 times at once is one void', async () => {
  const { id } = await usageSubscription(app);
  const event = await use(app, id, '3');
  const answers = await atOnce(20, () => voidEvent(app, event.id));
  expect(tally(answers)).toEqual({ '200': 20 });
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
  expect(await app.database.read('audit_log').where({ entity_id: event.id, action: 'voidUsageEvent' })).toHaveLength(1);
});
