import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Db } from '../../src/platform/db/connect.ts';
import { query } from '../../src/platform/db/sql.ts';
import { difference } from '../support/dump.ts';
import { run, startWorld, take, type World } from '../support/histories.ts';
import { anyLife, type Step } from '../support/history-steps.ts';
import { historyParameters, LONG_MS } from '../support/parameters.ts';

const { steps: STEPS, parameters } = historyParameters(6, 25);

/** What S14 is about: the periods of every subscription, what they cost, and where it stands. */
async function facts(db: Db): Promise<string[]> {
  const charges = await query(
    db,
    `select s.n, p.kind, p.period_start, p.period_end, p.state, p.quantity, p.in_force_net,
       (select cast(sum(l.amount) as text) from invoice_lines l
        where l.billing_period_id = p.id and l.invoice_id = p.invoice_id) as net
     from billing_periods p join (select id, row_number() over (order by id) as n from subscriptions) s
       on s.id = p.subscription_id order by s.n, p.kind, p.period_start`,
  );
  const subs = await query(
    db,
    `select row_number() over (order by id) as n, status, anchor_at, period_index, current_period_start,
       current_period_end, canceled_at, cancel_reason, paused_at, next_action_at from subscriptions order by id`,
  );
  return [...charges, ...subs].map((row) => JSON.stringify(row));
}

async function live(history: Step[], each: (world: World, step: Step, i: number) => Promise<void>): Promise<string[]> {
  const world = await startWorld();
  world.waitJob = 'lifecycle';
  try {
    for (const [i, step] of history.entries()) await each(world, step, i);
    await run(world, 'lifecycle');
    return await facts(world.app.database.read);
  } finally {
    await world.app.close();
  }
}

describe('the billing run', () => {
  test(
    'bills the same periods and amounts however often and late it runs (S14)',
    async () => {
      const property = fc.asyncProperty(anyLife(STEPS), async (history) => {
        const clock: string[] = [];
        const often = await live(history, async (world, step) => {
          await take(world, step);
          clock.push(world.app.clock.now());
        });
        const once = await live(history, async (world, step, i) => {
          if (step.do === 'wait' || step.do === 'waitForSub') world.app.clock.set(clock[i]!);
          else await take(world, step);
        });
        expect(difference(often, once)).toEqual([]);
      });
      await fc.assert(property, parameters);
    },
    LONG_MS,
  );
});
