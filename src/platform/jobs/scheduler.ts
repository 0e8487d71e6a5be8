import { unbounded } from '../bounds.ts';
import type { Log } from '../log.ts';

export interface Job {
  name: string;
  everyMs: number;
  /** Before the first run; a second by default. */
  firstAfterMs?: number;
  /** How long nothing may be heard of a run before it is abandoned; five minutes by default (watchdog.ts). */
  silentMs?: number;
  /** `stopping` turns true when the process shuts down: end at the next safe point. */
  run(stopping: () => boolean): Promise<void>;
}

export interface Scheduler {
  /** Runs the job soon, at most once per `quietMs`; calls meanwhile are folded into one. */
  nudge(name: string): void;
  /** Waits for the running jobs; none starts afterwards. */
  stop(): Promise<void>;
}

/**
 * Runs each job again and again in this process, never twice at once. A failure is logged and the next turn tries
 * again; two processes may run the same job, because every job claims its rows.
 */
export function startScheduler(jobs: Job[], log: Log, quietMs = 50): Scheduler {
  let stopped = false;
  const running = new Map<string, Promise<void>>();
  const again = new Set<string>();
  const timers = new Map<string, NodeJS.Timeout>();

  const run = (job: Job): void => {
    clearTimeout(timers.get(job.name)); // a nudge comes before the turn that was planned
    timers.delete(job.name);
    if (stopped) return;
    if (running.has(job.name)) return void again.add(job.name);
    const turn = unbounded(() => job.run(() => stopped))
      .catch((error: unknown) => log.error({ err: error, job: job.name }, 'a job failed'))
      .finally(() => {
        running.delete(job.name);
        schedule(job, again.delete(job.name) ? quietMs : job.everyMs);
      });
    running.set(job.name, turn);
  };
  const schedule = (job: Job, ms: number): void => {
    if (stopped) return;
    clearTimeout(timers.get(job.name));
    timers.set(
      job.name,
      setTimeout(() => run(job), ms),
    );
  };
  const byName = new Map(jobs.map((job) => [job.name, job]));
  for (const job of jobs) schedule(job, job.firstAfterMs ?? Math.min(job.everyMs, 1000));
  const nudged = new Set<string>();

  return {
    nudge(name) {
      const job = byName.get(name);
      if (!job || stopped || nudged.has(name)) return;
      nudged.add(name);
      setTimeout(() => {
        nudged.delete(name);
        run(job);
      }, quietMs).unref();
    },
    async stop() {
      stopped = true;
      for (const timer of timers.values()) clearTimeout(timer);
      await Promise.all(running.values());
    },
  };
}
