import { afterEach, describe, expect, test } from '@jest/globals';
import { sequenceEvents } from '../../../src/billing/events/sequencer.ts';
import { inTransaction, type NewEvent, type Work } from '../../../src/platform/work.ts';
import type { TestApp } from '../../support/app.ts';
import { dialect } from '../../support/database.ts';
import { closeApps, type Entity, startAt } from '../support.ts';

afterEach(closeApps);

const NOW = '2026-03-15T10:30:00.000Z';
const INFO = { actor: { type: 'system', id: null }, action: 'test' } as const;
const at = (minute: number) => `2026-03-15T10:${String(minute).padStart(2, '0')}:00.000Z`;

const eventOf = (customerId: string | null, label: string): NewEvent => ({
  type: 'invoice.created',
  customerId,
  resourceType: 'invoice',
  resourceId: label,
  data: { label },
});

/** A commit of its own that tells of these facts, made at `minute`. */
const commit = (app: TestApp, minute: number, events: [string | null, string][]) =>
  inTransaction(app.runtime, { ...INFO, now: at(minute) }, async (work) => {
    for (const [customerId, label] of events) work.emit(eventOf(customerId, label));
  });

const positions = async (app: TestApp): Promise<string[]> => {
  const rows: Entity[] = await app.database.read('events').orderBy('position');
  expect(rows.map(({ position }) => Number(position))).toEqual(rows.map((_, i) => i + 1));
  return rows.map(({ resource_id: label, sequence }) => `${label}#${sequence}`);
};

async function twoCustomers() {
  const app = await startAt(NOW);
  return { app, a: (await app.given.customer()).id as string, b: (await app.given.customer()).id as string };
}

describe('E2 sequences and positions', () => {
  test('by time; never an event of a customer before one with a lower sequence', async () => {
    const { app, a, b } = await twoCustomers();
    await commit(app, 5, [[a, 'a late one first']]);
    await commit(app, 1, [
      [a, 'an older request that committed later'],
      [a, 'and its second event'],
    ]);
    await commit(app, 3, [[b, 'another customer in between']]);
    await commit(app, 4, [[null, 'of no customer']]);
    await commit(app, 2, [[b, 'older again']]);
    await app.drain();
    expect(await positions(app)).toEqual([
      'another customer in between#1',
      'older again#2',
      'of no customer#null',
      'a late one first#1',
      'an older request that committed later#2',
      'and its second event#3',
    ]);
  });

  test('what has a position keeps it; later ones follow, however old they are', async () => {
    const { app, a, b } = await twoCustomers();
    await commit(app, 9, [[a, 'first']]);
    await app.drain();
    await commit(app, 1, [[b, 'older, committed later']]);
    await app.drain();
    await app.drain();
    expect(await positions(app)).toEqual(['first#1', 'older, committed later#1']);
  });

  test('more than a batch, several sequencers at once: gapless, each customer in its sequence', async () => {
    const { app, a, b } = await twoCustomers();
    const many = (customerId: string, n: number) =>
      Array.from({ length: n }, (_, i): [string, string] => [customerId, `${customerId} ${i + 1}`]);
    await commit(app, 7, many(a, 2600));
    await commit(app, 6, many(b, 1500));
    await commit(app, 5, many(a, 40));
    await Promise.all([1, 2, 3, 4].map(() => sequenceEvents(app.runtime)));
    await sequenceEvents(app.runtime);
    const order = await positions(app);
    expect(order).toHaveLength(4140);
    for (const customerId of [a, b]) {
      const rows: Entity[] = await app.database
        .read('events')
        .where({ customer_id: customerId })
        .orderBy('position')
        .select('sequence');
      expect(rows.map(({ sequence }) => Number(sequence))).toEqual(rows.map((_, i) => i + 1));
    }
  });

  test('a reader with after skips nothing while writers and sequencers go on', async () => {
    const { app, a, b } = await twoCustomers();
    await commit(app, 0, [[a, 'start']]);
    await app.drain();
    const [start] = await app.database.read('events');
    let last: string = start.id;
    const seen: string[] = [];
    const read = async () => {
      const { body } = await app.api.get(`/api/billing/events?limit=5&after=${last}`);
      for (const { id, data } of body) {
        last = id;
        seen.push(data.label);
      }
      return body.length;
    };
    const written: string[] = [];
    for (let round = 0; round < 12; round++) {
      const labels = [0, 1, 2, 3].map((n) => `${round}.${n}`);
      written.push(...labels);
      await Promise.all([
        ...labels.map((label, n) => commit(app, 59 - round, [[n % 2 ? a : b, label]])),
        sequenceEvents(app.runtime),
        read(),
      ]);
    }
    await app.drain();
    while ((await read()) > 0);
    expect(seen.toSorted()).toEqual(written.toSorted());
  });

  if (dialect === 'postgres')
    test('two interleaved transactions: the one that commits first has the lower sequence and position', async () => {
      const { app, a, b } = await twoCustomers();
      let proceed = () => {};
      const gate = new Promise<void>((resolve) => {
        proceed = resolve;
      });
      const slow = inTransaction(app.runtime, { ...INFO, now: at(1) }, async (work: Work) => {
        await work.db.raw('select 1');
        work.emit(eventOf(a, 'began first'));
        work.emit(eventOf(b, 'began first, other customer'));
        await gate;
      });
      await commit(app, 2, [[a, 'committed first']]);
      await app.drain();
      proceed();
      await slow;
      await app.drain();
      expect(await positions(app)).toEqual(['committed first#1', 'began first#2', 'began first, other customer#1']);
    });

  test('a commit that is undone leaves no gap in the sequence', async () => {
    const { app, a } = await twoCustomers();
    await commit(app, 1, [[a, 'one']]);
    const undone = inTransaction(
      {
        ...app.runtime,
        beforeCommit: (work) => app.runtime.beforeCommit(work).then(() => Promise.reject(new Error('no'))),
      },
      { ...INFO, now: at(2) },
      async (work) => work.emit(eventOf(a, 'undone')),
    );
    await expect(undone).rejects.toThrow('no');
    await commit(app, 3, [[a, 'two']]);
    await app.drain();
    expect(await positions(app)).toEqual(['one#1', 'two#2']);
  });

  test('forty requests of one customer at the same time: 1, 2, 3 … without gap', async () => {
    const { app, a } = await twoCustomers();
    await Promise.all(Array.from({ length: 40 }, () => app.given.invoice({ customerId: a })));
    await app.drain();
    const { body } = await app.api.get(`/api/billing/events?limit=1000&customerId=${a}`);
    expect(body.map(({ sequence }: Entity) => sequence).toReversed()).toEqual(
      Array.from({ length: 80 }, (_, i) => i + 1),
    );
  });
});
