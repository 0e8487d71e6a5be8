import { afterEach, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { startJobs } from '../../src/jobs.ts';
import { type Job, type Scheduler, startScheduler } from '../../src/platform/jobs/scheduler.ts';
import { watched } from '../../src/platform/jobs/watchdog.ts';
import { createMetrics } from '../../src/system/metrics.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { dialect } from '../support/database.ts';

let app: TestApp;
let scheduler: Scheduler;
afterEach(async () => {
  await scheduler.stop();
  await app.close();
});

const log = pino({ level: 'silent' });
const counter = () => app.database.read('counters').where({ scope: 'probe' }).pluck('value');

/** Runs the job until it has come to its end twice. */
async function twice(job: Omit<Job, 'name' | 'everyMs' | 'run'> & { run(turn: number): Promise<void> }): Promise<void> {
  const done = Promise.withResolvers<void>();
  let turn = 0;
  let ended = 0;
  const run = async () => {
    turn += 1;
    await job.run(turn);
    ended += 1;
    if (ended === 2) done.resolve();
  };
  scheduler = startScheduler([watched({ silentMs: 300, ...job, name: 'probe', everyMs: 10, run })], log);
  await done.promise;
}

test('a run that never comes back is abandoned, undone, and the job runs again', async () => {
  app = await startApp();
  const late: unknown[] = [];
  await twice({
    run: async (turn) => {
      await app.database.transaction(async (trx) => {
        await trx('counters').insert({ scope: 'probe', value: turn }).onConflict('scope').merge();
        if (turn === 1)
          await new Promise((resolve) => setTimeout(resolve, 600)).then(() =>
            trx('counters')
              .update({ value: 0 })
              .catch((error: unknown) => late.push(error)),
          );
      });
    },
  });
  while (late.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  expect((await counter()).map(Number)[0]).toBeGreaterThan(1);
});

if (dialect === 'postgres')
  test('a statement that never returns ends with its connection', async () => {
    app = await startApp();
    const { pool } = app.database.write.client;
    await twice({
      run: async (turn) => void (await app.database.write.raw(`SELECT pg_sleep(${turn === 1 ? 50 : 0})`)),
    });
    await scheduler.stop();
    expect(pool.numUsed()).toBe(0);
  });

test('a long run is not a silent one', async () => {
  app = await startApp();
  let finished = 0;
  await twice({
    silentMs: 1500,
    run: async () => {
      for (let i = 0; i < 10; i++) {
        await new Promise((resolve) => setTimeout(resolve, 250));
        await app.database.read.raw('SELECT 1');
      }
      finished += 1;
    },
  });
  expect(finished).toBe(2);
});

test('/metrics shows the time since the last success of every job, also of one that has not run yet', async () => {
  app = await startApp({ config: { scheduler: true } });
  scheduler = startJobs(app.runtime);
  const { text } = await app.anonymous.get('/metrics');
  const shown = [...text.matchAll(/^job_seconds_since_success\{job="([^"]+)"\} (\S+)$/gm)];
  expect(shown.map(([, job]) => job)).toEqual(
    expect.arrayContaining(['lifecycle', 'dunning', 'reconcile', 'sequencer']),
  );
  for (const [, , seconds] of shown) expect(Number(seconds)).toBeGreaterThanOrEqual(0);
});

test('a success sets it back; a failure does not', async () => {
  app = await startApp();
  scheduler = startScheduler([], log);
  const metrics = createMetrics(app.runtime);
  const since = async () =>
    Number(/^job_seconds_since_success\{job="probe"\} (\S+)$/m.exec((await app.anonymous.get('/metrics')).text)![1]);
  metrics.expectJob('probe');
  const begun = performance.now();
  const first = await since();
  metrics.observeJob('probe', 'failed', 1);
  expect(await since()).toBeGreaterThan(first);
  const ended = performance.now();
  metrics.observeJob('probe', 'ok', 1);
  expect(await since()).toBeLessThanOrEqual((performance.now() - ended) / 1000);
  expect(first).toBeLessThanOrEqual((performance.now() - begun) / 1000);
});
