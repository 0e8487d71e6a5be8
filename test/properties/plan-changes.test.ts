import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { checkInvariants } from '../../src/billing/audit/invariants.ts';
import { coverageUntil, gapsOf } from '../support/coverage.ts';
import { startWorld, take } from '../support/histories.ts';
import { anyChanges } from '../support/history-steps.ts';
import { historyParameters, LONG_MS } from '../support/parameters.ts';

const { steps: STEPS, parameters } = historyParameters(8, 30);

describe('random changes of plan, quantity and cycle', () => {
  test(
    'issue what their previews said, to the cent, and keep every invariant, without a gap (Q8, INV12, R12)',
    async () => {
      let changed = 0;
      const property = fc.asyncProperty(anyChanges(STEPS), async (history) => {
        const world = await startWorld();
        try {
          for (const step of history) {
            await take(world, step);
            const broken = await checkInvariants(world.app.database.read, world.ranAt);
            const gaps = gapsOf(await coverageUntil(world.app.database.read, world.ranAt));
            expect({ step, broken, gaps }).toEqual({ step, broken: [], gaps: [] });
          }
          changed += world.outcomes.get('change')?.done ?? 0;
        } finally {
          await world.app.close();
        }
      });
      await fc.assert(property, parameters);
      expect(changed).toBeGreaterThan(0);
    },
    LONG_MS,
  );
});
