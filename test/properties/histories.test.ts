import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { checkInvariants } from '../../src/billing/audit/invariants.ts';
import { coverageUntil, expectedCharges, gapsOf, storedCharges } from '../support/coverage.ts';
import { asLines, difference, dump } from '../support/dump.ts';
import { run, startWorld, take, type World } from '../support/histories.ts';
import { anyHistory, type Step } from '../support/history-steps.ts';
import { campaign, historyParameters, LONG_MS } from '../support/parameters.ts';

const { steps: STEPS, parameters } = historyParameters(20, 25);

/** What must hold after every step. */
async function check(world: World, step: Step): Promise<void> {
  expect({ step, broken: await checkInvariants(world.app.database.read, world.ranAt) }).toEqual({ step, broken: [] });
  const covered = await coverageUntil(world.app.database.read, world.ranAt);
  expect({ step, gaps: gapsOf(covered) }).toEqual({ step, gaps: [] });
  if (!world.ran) return;
  if (world.ran !== 'dunning') await checkPeriods(world, step);
  const before = asLines(await dump(world.app.database.read));
  await run(world, world.ran);
  await world.app.drain();
  const after = asLines(await dump(world.app.database.read));
  expect({ step, changed: difference(before, after) }).toEqual({ step, changed: [] });
}

/**
 * Every charge that the history asks for has its row, and no other one is billed. A period that a person waived before it
 * began stays as a fact when it never comes.
 */
async function checkPeriods({ app }: World, step: Step): Promise<void> {
  const [db, now] = [app.database.read, app.clock.now()];
  const expected = expectedCharges(await coverageUntil(db, now), now);
  const [stored, billed] = [await storedCharges(db, now), await storedCharges(db, now, true)];
  const missing = expected.filter((charge) => !stored.includes(charge));
  const extra = billed.filter((charge) => !expected.includes(charge));
  expect({ step, missing, extra }).toEqual({ step, missing: [], extra: [] });
}

/** What the fixed set must have done at least once. */
const TAKEN = [
  ...['subscribe', 'status', 'change', 'quantity', 'pay', 'invoiceStatus', 'run', 'adjust', 'credit', 'note', 'refund'],
  ...['use', 'voidUsage'],
  ...['license', 'device', 'licenseStatus', 'licenseTerms', 'sign', 'rotate'],
];
const outcomes = new Map<string, { done: number; refused: number }>();

function remember(world: World): void {
  for (const [name, { done, refused }] of world.outcomes) {
    const all = outcomes.get(name) ?? { done: 0, refused: 0 };
    outcomes.set(name, { done: all.done + done, refused: all.refused + refused });
  }
}

function tell(histories: number, steps: number): void {
  const lines = [...outcomes].map(([name, { done, refused }]) => `  ${name}: ${done} done, ${refused} refused\n`);
  process.stdout.write(`${histories} histories, ${steps} steps, seed ${parameters.seed}\n${lines.join('')}`);
}

describe('random histories', () => {
  test(
    'every invariant holds after every step, and a run repeated at once changes nothing (INV23)',
    async () => {
      let [histories, steps] = [0, 0];
      const property = fc.asyncProperty(anyHistory(STEPS), async (history) => {
        histories += 1;
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
      await fc.assert(property, parameters);
      if (campaign) return tell(histories, steps);
      const idle = TAKEN.filter((name) => (outcomes.get(name)?.done ?? 0) === 0);
      expect(idle).toEqual([]);
    },
    LONG_MS,
  );
});
