import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { checkInvariants } from '../../src/billing/audit/invariants.ts';
import { seen } from '../reference/documents.ts';
import { anyLife, type Life } from '../reference/life.ts';
import { endStory, takeStep } from '../reference/steps.ts';
import { type Story, startStory } from '../reference/story.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { campaign, historyParameters, LONG_MS } from '../support/parameters.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp({ now: '2026-01-31T10:00:00.000Z', config: { sessionExpiryDays: 100_000 } });
  await app.api.put('/api/settings/billing', { paymentTermsDays: 365, usageMaxAgeDays: 400 });
});
afterAll(() => app.close());

const { steps, parameters } = historyParameters(120, 30);

/** What a set of histories must come across to be worth its name. */
const ALL = [
  ...['change at period end', 'change of cycle', 'change: charge', 'change: credit', 'late usage', 'resumed later'],
  ...['credited by hand', 'given back before a change', 'quantity with a scheduled change', 'refunded'],
  ...['resumed within', 'tiers went on', 'trial ended', 'usage corrected', 'withdrawn: credit note', 'withdrawn: void'],
];

/** What the server has and what the reference says, in the same words. */
async function compare(story: Story, step: unknown): Promise<void> {
  expect({ step, ...(await story.actual()) }).toEqual({ step, ...story.expected() });
}

describe('a subscription', () => {
  test(
    'has after every step the documents and balances that a model written apart says',
    async () => {
      const property = fc.asyncProperty(anyLife(steps), async ({ setting, steps: life }: Life) => {
        const story = await startStory(app, setting);
        await compare(story, setting);
        for (const step of life) {
          await takeStep(story, step);
          await compare(story, step);
        }
        await endStory(story);
        await compare(story, 'end');
        await app.drain();
        expect(await checkInvariants(app.database.read, story.ranAt)).toEqual([]);
      });
      await fc.assert(property, parameters);
      if (campaign) process.stdout.write(`${[...seen].map(([what, n]) => `  ${what}: ${n}\n`).join('')}`);
      else expect([...seen.keys()].sort()).toEqual(ALL.toSorted());
    },
    LONG_MS,
  );
});
