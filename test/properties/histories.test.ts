import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { checkInvariants } from '../../src/billing/audit/invariants.ts';
import { asLines, difference, dump } from '../support/dump.ts';
import { run, startWorld, take, type World } from '../support/histories.ts';
import { anyHistory, type Step } from '../support/history-steps.ts';

/*
 * Random histories through the API (rules §20). `npm run campaign:histories` runs many long ones; RUNS, STEPS and SEED
 * choose, and the seed of a failure replays it.
 */
const setting = (name: string, otherwise: number) => Number(process.env[name] ?? otherwise);
const RUNS = setting('RUNS', 12);
const STEPS = setting('STEPS', 25);
const SEED = setting('SEED', 20260131);
const PARAMETERS = { numRuns: RUNS, seed: SEED, ...(process.env.SEED_PATH ? { path: process.env.SEED_PATH } : {}) };

/** What must hold after every step. */
async function check(world: World, step: Step): Promise<void> {
  expect({ step, broken: await checkInvariants(world.app.database.read, world.ranAt) }).toEqual({ step, broken: [] });
  if (!world.ran) return;
  const before = asLines(await dump(world.app.database.read));
  await run(world, world.ran);
  await world.app.drain();
  const after = asLines(await dump(world.app.database.read));
  expect({ step, changed: difference(before, after) }).toEqual({ step, changed: [] });
}

const outcomes = new Map<string, { done: number; refused: number }>();

function remember(world: World): void {
  for (const [name, { done, refused }] of world.outcomes) {
    const all = outcomes.get(name) ?? { done: 0, refused: 0 };
    outcomes.set(name, { done: all.done + done, refused: all.refused + refused });
  }
}

describe('random histories', () => {
  test(
    `every invariant holds after every step, and a run repeated at once changes nothing (INV23)`,
    async () => {
      let steps = 0;
      const property = fc.asyncProperty(anyHistory(STEPS), async (history) => {
        const world = await startWorld();
        try {
          for (const step of history) {
            steps += 1;
            await take(world, step);
            await check(world, step);
          }
        } finally {
          remember(world);
          await world.app.close();
        }
      });
      await fc.assert(property, PARAMETERS);
      if (process.env.RUNS)
        process.stdout.write(
          `${RUNS} histories, ${steps} steps, seed ${SEED}\n${[...outcomes].map(([n, o]) => `  ${n}: ${o.done} done, ${o.refused} refused\n`).join('')}`,
        );
      if (RUNS >= 10)
        for (const name of ['subscribe', 'status', 'pay', 'invoiceStatus', 'run'])
          expect(outcomes.get(name)?.done).toBeGreaterThan(0);
    },
    24 * 3_600_000,
  );
});
