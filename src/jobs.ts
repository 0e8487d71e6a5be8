import { accountRetentions } from './accounts/retention.ts';
import { proveInvariants } from './analytics/prove.ts';
import { sequenceEvents } from './billing/events/sequencer.ts';
import { markOverdue } from './billing/run/dunning.ts';
import { runLifecycle } from './billing/run/lifecycle.ts';
import { runRetentions } from './billing/run/retention.ts';
import { taxRetentions } from './billing/tax/retention.ts';
import { runLicenses } from './licenses/jobs.ts';
import { queueLateEmails } from './mail/put-off.ts';
import { mailRetentions } from './mail/retention.ts';
import { sendEmails } from './mail/send.ts';
import { TestClock } from './platform/clock.ts';
import { cleanUp, type Retention } from './platform/jobs/retention.ts';
import { type Job, type Scheduler, startScheduler } from './platform/jobs/scheduler.ts';
import { watched } from './platform/jobs/watchdog.ts';
import type { Runtime } from './platform/work.ts';
import { createMetrics } from './system/metrics.ts';

const SECOND = 1000;
const HOUR = 3_600_000;

/** All that is not kept for ever; what is, and why, stands in docs/operations.md. */
export const retentions: readonly Retention[] = [
  ...accountRetentions,
  ...mailRetentions,
  ...taxRetentions,
  ...runRetentions,
];

/** The schedule of rules §22. The sequencer runs in every process; the rest only with SCHEDULER=on. */
export function startJobs(runtime: Runtime): Scheduler {
  const jobs: Job[] = [{ name: 'sequencer', everyMs: SECOND, run: () => sequenceEvents(runtime) }];
  if (runtime.config.scheduler) jobs.push(...scheduled(runtime));
  const { clock, database } = runtime;
  if (clock instanceof TestClock)
    jobs.push({ name: 'test clock', everyMs: SECOND, run: () => clock.refresh(database.read) });
  const scheduler = startScheduler(
    jobs.map((job) => measured(watched(job), runtime)),
    runtime.log,
  );
  runtime.eventsCommitted = () => scheduler.nudge('sequencer');
  return scheduler;
}

/** Counts the runs of a job, their time and the time since the last good one for /metrics. */
const measured = (job: Job, runtime: Runtime): Job => {
  createMetrics(runtime).expectJob(job.name);
  return {
    ...job,
    async run(stopping) {
      const started = performance.now();
      const observe = (outcome: 'ok' | 'failed') =>
        createMetrics(runtime).observeJob(job.name, outcome, (performance.now() - started) / 1000);
      try {
        await job.run(stopping);
        observe('ok');
      } catch (error) {
        observe('failed');
        throw error;
      }
    },
  };
};

const scheduled = (runtime: Runtime): Job[] => [
  {
    name: 'lifecycle',
    everyMs: HOUR,
    run: async (stopping) => void (await runLifecycle(runtime, stopping)),
  },
  { name: 'dunning', everyMs: 6 * HOUR, run: async (stopping) => void (await markOverdue(runtime, stopping)) },
  { name: 'licenses', everyMs: HOUR, run: async (stopping) => void (await runLicenses(runtime, stopping)) },
  { name: 'e-mails', everyMs: 5 * SECOND, run: async (stopping) => void (await sendEmails(runtime, stopping)) },
  {
    name: 'late e-mails',
    everyMs: 60 * SECOND,
    run: async (stopping) => void (await queueLateEmails(runtime, stopping)),
  },
  {
    name: 'reconcile',
    everyMs: 24 * HOUR,
    firstAfterMs: HOUR / 6,
    silentMs: HOUR,
    run: () => proveInvariants(runtime),
  },
  { name: 'clean-up', everyMs: HOUR, run: async (stopping) => void (await cleanUp(runtime, retentions, stopping)) },
];
