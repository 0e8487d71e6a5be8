import { afterEach, describe, expect, test } from '@jest/globals';
import { runLifecycle } from '../../../src/billing/run/lifecycle.ts';
import type { Runtime, Work } from '../../../src/platform/work.ts';
import type { TestApp } from '../../support/app.ts';
import { closeApps, type Entity, invoicesOf, startAt, subscriptionOf } from '../support.ts';

afterEach(closeApps);

const START = '2026-01-31T10:00:00.000Z';
const DUE = '2026-02-21T10:00:00.000Z';

/** A process in which every commit of billing work on these subscriptions fails as a busy database does. */
function busyFor(app: TestApp, ids: string[], seen: string[] = []): Runtime {
  const beforeCommit = async (work: Work) => {
    await app.runtime.beforeCommit(work);
    const mine = work.audits.filter(({ entityId }) => ids.includes(entityId));
    seen.push(...mine.map(({ entityId }) => entityId));
    if (mine.length > 0) throw Object.assign(new Error('canceling statement due to lock timeout'), { code: '55P03' });
  };
  return { ...app.runtime, beforeCommit };
}
const rowOf = async (app: TestApp, id: string): Promise<Entity> =>
  (await app.database.read('subscriptions').where({ id }))[0];

describe('S12 what may pass is tried again', () => {
  test('after 5 minutes, doubling to 6 hours; what was stored is as it was', async () => {
    const app = await startAt(START);
    const { id } = await app.given.subscription();
    const before = await subscriptionOf(app, id);
    app.clock.set('2026-03-01T00:00:00.000Z'); // invoice and boundary are due
    const waits: number[] = [];
    for (let i = 0; i < 9; i++) {
      const { errors } = await runLifecycle(busyFor(app, [id]));
      expect(errors).toEqual([{ resourceType: 'subscription', resourceId: id, message: 'The database was busy.' }]);
      const row = await rowOf(app, id);
      expect([row.error_count, row.last_error]).toEqual([i + 1, 'The database was busy.']);
      expect(await subscriptionOf(app, id)).toEqual(before);
      waits.push((Date.parse(row.next_action_at) - Date.parse(app.clock.now())) / 60_000);
      const early = await runLifecycle(busyFor(app, [id]));
      expect(early.errors).toEqual([]);
      app.clock.set(row.next_action_at);
    }
    expect(waits).toEqual([5, 10, 20, 40, 80, 160, 320, 360, 360]);
    expect(await invoicesOf(app, id)).toHaveLength(1);
    expect((await runLifecycle(app.runtime)).counters).toMatchObject({ renewed: 1, invoicesGenerated: 1 });
    expect(await rowOf(app, id)).toMatchObject({ error_count: 0, last_error: null });
    expect(await app.database.read('parked_items')).toEqual([]);
  });

  test('a batch is split until the failing ones stand alone; the others commit once', async () => {
    const app = await startAt(START);
    const planId = (await app.given.plan()).id;
    const ids: string[] = [];
    for (let i = 0; i < 9; i++) ids.push((await app.given.subscription({ planId })).id);
    app.clock.set(DUE);
    const bad = [ids[0]!, ids[6]!];
    const { errors, counters } = await runLifecycle(busyFor(app, bad));
    expect(errors.map(({ resourceId }) => resourceId).sort()).toEqual(bad.toSorted());
    expect(counters).toMatchObject({ invoicesPreGenerated: 7, invoicesGenerated: 7 });
    for (const id of ids) expect(await invoicesOf(app, id)).toHaveLength(bad.includes(id) ? 1 : 2);
    const numbers: Entity[] = await app.database.read('invoices').select('invoice_number').orderBy('invoice_number');
    expect(numbers.map(({ invoice_number: number }) => number)).toEqual(
      Array.from({ length: 16 }, (_, i) => `INV-2026-${String(i + 1).padStart(4, '0')}`),
    );
  });

  test('a success of another runner meanwhile is not undone by the record of the failure', async () => {
    const app = await startAt(START);
    const { id } = await app.given.subscription();
    app.clock.set(DUE);
    let passed = false;
    const failing: Runtime = {
      ...app.runtime,
      database: {
        ...app.database,
        transaction: async (work) => {
          if (passed) return app.database.transaction(work);
          passed = true;
          return app.database
            .transaction(async (db) => {
              await work(db);
              throw Object.assign(new Error('connection lost'), { code: 'ECONNRESET' });
            })
            .catch(async (error: unknown) => {
              await runLifecycle(app.runtime); // another runner gets through
              throw error;
            });
        },
      },
    };
    expect((await runLifecycle(failing)).errors).toHaveLength(1);
    expect(await invoicesOf(app, id)).toHaveLength(2);
    expect(await rowOf(app, id)).toMatchObject({ error_count: 0, next_action_at: '2026-02-28T10:00:00.000Z' });
  });
});
