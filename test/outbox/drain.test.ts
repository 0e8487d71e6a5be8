import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type Channel, drain, Postponed, Refused } from '../../src/outbox/drain.ts';
import type { ClaimedRow, Queue } from '../../src/outbox/store.ts';
import { withColumnTypes } from '../../src/platform/db/columns.ts';
import { query } from '../../src/platform/db/sql.ts';
import { startApp, type TestApp } from '../support/app.ts';

let app: TestApp;
beforeEach(async () => {
  app = await startApp();
  for (const table of ['letters', 'parcels'])
    await query(app.database.write, withColumnTypes(shape(table), app.database.dialect));
});
afterEach(() => app.close());

/** Two tables that no feature knows. */
const shape = (table: string) => `CREATE TABLE ${table} (
  id {id} PRIMARY KEY, status {text} NOT NULL, attempts {int} NOT NULL, next_attempt_at {ts}, last_error {text},
  delivered_at {ts}, CHECK ((status = 'pending') = (next_attempt_at IS NOT NULL))) {strict}`;
const queueOf = (table: string): Queue => ({ table, state: 'status', done: 'delivered', doneAt: 'delivered_at' });
const [MINUTE, LEASE] = [60_000, 300_000];

const channel = (send: Channel['send'], over: Partial<Channel> = {}): Channel => ({
  name: 'test',
  queue: queueOf('letters'),
  schedule: { pausesMs: [MINUTE, 2 * MINUTE], jitter: 0, longestWaitMs: 10 * MINUTE },
  longestMs: 5000,
  leaseMs: LEASE,
  atOnce: 2,
  send,
  ...over,
});

async function put(ids: string[], table = 'letters'): Promise<void> {
  const rows = ids.map((id) => ({ id, status: 'pending', attempts: 0, next_attempt_at: app.clock.now() }));
  await app.database.write(table).insert(rows);
}
const rows = (table = 'letters') => app.database.read(table).orderBy('id');

describe('a try', () => {
  test('that throws comes again by the schedule, and is given up after the last', async () => {
    await put(['a']);
    const failing = channel(() => Promise.reject(new Error('no')));
    for (const pause of [MINUTE, 2 * MINUTE]) {
      expect(await drain(app.runtime, failing)).toEqual({ sent: 0, failed: 1 });
      app.clock.advance({ ms: pause - 1 });
      expect(await drain(app.runtime, failing)).toEqual({ sent: 0, failed: 0 });
      app.clock.advance({ ms: 1 });
    }
    expect(await drain(app.runtime, failing)).toEqual({ sent: 0, failed: 1 });
    expect(await rows()).toMatchObject([{ status: 'failed', attempts: 3, next_attempt_at: null, last_error: 'no' }]);
  });

  test('that is refused is the last one', async () => {
    await put(['a']);
    expect(
      await drain(
        app.runtime,
        channel(() => Promise.reject(new Refused('gone'))),
      ),
    ).toEqual({ sent: 0, failed: 1 });
    expect(await rows()).toMatchObject([{ status: 'failed', attempts: 1, last_error: 'gone' }]);
  });

  test('that is postponed waits as long as was asked', async () => {
    await put(['a']);
    await drain(
      app.runtime,
      channel(() => Promise.reject(new Postponed('busy', 5 * MINUTE))),
    );
    app.clock.advance({ ms: 5 * MINUTE });
    expect(await rows()).toMatchObject([{ status: 'pending', next_attempt_at: app.clock.now() }]);
  });

  test('that does not listen to the signal is over all the same', async () => {
    await put(['a']);
    const signals: AbortSignal[] = [];
    const deaf = channel(
      (_, signal) => {
        signals.push(signal);
        return new Promise(() => {});
      },
      { longestMs: 50 },
    );
    expect(await drain(app.runtime, deaf)).toEqual({ sent: 0, failed: 1 });
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
    expect(await rows()).toMatchObject([{ status: 'pending', attempts: 1 }]);
    expect((await rows())[0].last_error).toBe('The try took longer than 50 ms.');
  });

  test('counts when it is claimed: there are never more than the schedule has (E11)', async () => {
    await put(['a']);
    const tries: number[] = [];
    const dying = channel(({ attempts }) => {
      tries.push(attempts);
      if (tries.length > 5) return Promise.resolve();
      app.clock.advance({ ms: LEASE });
      return drain(app.runtime, dying).then(() => Promise.reject(new Error('too late')));
    });
    await drain(app.runtime, dying);
    expect(tries).toEqual([1, 2, 3]);
    expect(await rows()).toMatchObject([
      { status: 'failed', attempts: 3, last_error: 'The last try did not come to an end.' },
    ]);
  });

  test('that arrives after it was given up has arrived', async () => {
    await put(['a']);
    let last: ClaimedRow | undefined;
    const slow = channel(async (claimed) => {
      app.clock.advance({ ms: LEASE });
      await drain(app.runtime, slow);
      last ??= claimed;
      if (claimed.attempts < 3) throw new Error('no');
    });
    await drain(app.runtime, slow);
    expect(last?.attempts).toBe(3);
    expect(await rows()).toMatchObject([{ status: 'delivered', attempts: 3, last_error: null }]);
  });
});

describe('a slow receiver', () => {
  test('holds up its own place only, also for what becomes due meanwhile', async () => {
    await put(['a']);
    const release = Promise.withResolvers<void>();
    const sent: string[] = [];
    const drained = drain(
      app.runtime,
      channel(async ({ id }) => {
        if (id === 'a') {
          setTimeout(() => void put(['b', 'c', 'd']), 20);
          await release.promise;
        }
        sent.push(id);
        if (sent.length === 3) release.resolve();
      }),
    );
    expect(await drained).toEqual({ sent: 4, failed: 0 });
    expect(sent).toEqual(['b', 'c', 'd', 'a']);
  });

  test('of one channel delays none of another', async () => {
    await put(['a', 'b', 'c']);
    await put(['x'], 'parcels');
    const release = Promise.withResolvers<void>();
    const slow = drain(
      app.runtime,
      channel(() => release.promise),
    );
    const other = channel(async () => {}, { queue: queueOf('parcels') });
    expect(await drain(app.runtime, other)).toEqual({ sent: 1, failed: 0 });
    expect((await rows()).map(({ status }) => status)).toEqual(['pending', 'pending', 'pending']);
    release.resolve();
    expect(await slow).toEqual({ sent: 3, failed: 0 });
  });

  test('never are more on their way than the channel allows', async () => {
    await put([...'abcdefghij']);
    let [now, most] = [0, 0];
    const counting = channel(async () => {
      now += 1;
      most = Math.max(most, now);
      await new Promise(setImmediate);
      now -= 1;
    });
    expect(await drain(app.runtime, counting)).toEqual({ sent: 10, failed: 0 });
    expect(most).toBe(2);
  });
});

test('several drains at once send each row once', async () => {
  await put(Array.from({ length: 40 }, (_, i) => `row-${String(i).padStart(2, '0')}`));
  const sent: string[] = [];
  const counting = channel(async ({ id }) => void sent.push(id));
  const tallies = await Promise.all([1, 2, 3, 4].map(() => drain(app.runtime, counting)));
  expect(tallies.reduce((sum, tally) => sum + tally.sent, 0)).toBe(40);
  expect(new Set(sent).size).toBe(40);
  expect(sent).toHaveLength(40);
});

test('stops at the next safe point', async () => {
  await put([...'abcdef']);
  let stopping = false;
  const one = channel(async () => {
    stopping = true;
  });
  expect(await drain(app.runtime, one, () => stopping)).toEqual({ sent: 2, failed: 0 });
});
