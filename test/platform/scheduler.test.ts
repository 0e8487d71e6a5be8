import { describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { startScheduler } from '../../src/platform/jobs/scheduler.ts';

const log = pino({ level: 'silent' });
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('the scheduler', () => {
  test('nudges run a job soon, folded into one, and leave its interval as it was', async () => {
    let runs = 0;
    const run = async () => {
      runs += 1;
    };
    const job = { name: 'a', everyMs: 60_000, run };
    const scheduler = startScheduler([job], log, 5);
    for (let i = 0; i < 20; i++) {
      for (let j = 0; j < 10; j++) scheduler.nudge('a');
      await sleep(15);
    }
    expect(runs).toBeGreaterThanOrEqual(10);
    expect(runs).toBeLessThanOrEqual(21);
    const before = runs;
    await sleep(1_200); // the first turn is planned for one second after the start
    expect(runs - before).toBeLessThanOrEqual(1);
    await scheduler.stop();
  });

  test('a nudge during a run causes one more run, and never two at once', async () => {
    let running = 0;
    let most = 0;
    let runs = 0;
    const run = async () => {
      running += 1;
      most = Math.max(most, running);
      await sleep(30);
      running -= 1;
      runs += 1;
    };
    const scheduler = startScheduler([{ name: 'a', everyMs: 60_000, run }], log, 1);
    scheduler.nudge('a');
    await sleep(15);
    scheduler.nudge('a');
    scheduler.nudge('a');
    await sleep(120);
    expect({ most, runs }).toEqual({ most: 1, runs: 2 });
    await scheduler.stop();
  });

  test('a failing job is tried again, and stop waits for the run that is under way', async () => {
    let runs = 0;
    const run = async () => {
      runs += 1;
      if (runs === 1) throw new Error('not today');
      await sleep(40);
      runs += 10;
    };
    const scheduler = startScheduler([{ name: 'a', everyMs: 10, run }], log, 1);
    await sleep(60);
    await scheduler.stop();
    expect(runs % 10 === 1 || runs > 10).toBe(true);
    const after = runs;
    await sleep(40);
    expect(runs).toBe(after);
  });
});
