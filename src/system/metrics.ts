import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Runtime } from '../platform/work.ts';

export interface Metrics {
  observe(operationId: string, status: number, seconds: number): void;
  /** Shows the job from now on: until its first success the time since now. */
  expectJob(job: string): void;
  observeJob(job: string, outcome: 'ok' | 'failed', seconds: number): void;
  /** What the last proof of the invariants in this process found; not shown before the first one. */
  observeViolations(found: number): void;
  /** Everything as Prometheus text, with figures that were computed for this scrape. */
  text(figures: Figure[]): Promise<string>;
}

export interface Figure {
  name: string;
  help: string;
  value: number;
}

export const METRICS_TYPE = Registry.PROMETHEUS_CONTENT_TYPE;

const BUCKETS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30];
const known = new WeakMap<Runtime, Metrics>();

/** The metrics of this process; the same ones at each call. */
export function createMetrics(runtime: Runtime): Metrics {
  const metrics = known.get(runtime) ?? newMetrics(runtime);
  known.set(runtime, metrics);
  return metrics;
}

/** Counters that the features raise by name (Runtime.tally). */
const TALLIED = {
  invoices_without_tax_rule_total:
    'Issued invoices without tax, because neither a rule nor an external provider answered',
};

function newMetrics({ tally }: Runtime): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const requestLabels = ['operation', 'status'] as const;
  const requests = new Counter({
    name: 'http_requests_total',
    help: 'Requests by operation and status',
    labelNames: requestLabels,
    registers,
  });
  const durations = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Duration of requests by operation and status',
    labelNames: requestLabels,
    buckets: BUCKETS,
    registers,
  });
  const jobs = new Histogram({
    name: 'job_run_duration_seconds',
    help: 'Runs of jobs and their duration by job and outcome',
    labelNames: ['job', 'outcome'] as const,
    buckets: BUCKETS,
    registers,
  });
  addTallied(registry, tally);
  const successes = addSuccesses(registry);
  const violations = new Gauge({
    name: 'invariant_violations',
    help: 'Broken invariants that the last reconciliation of this process found',
    registers: [],
  });
  return {
    observe(operation, status, seconds) {
      requests.labels(operation, String(status)).inc();
      durations.labels(operation, String(status)).observe(seconds);
    },
    expectJob: successes.note,
    observeJob(job, outcome, seconds) {
      jobs.labels(job, outcome).observe(seconds);
      if (outcome === 'ok') successes.note(job);
    },
    observeViolations(found) {
      registry.registerMetric(violations);
      violations.set(found);
    },
    text: async (figures) => (await registry.metrics()) + (await gaugesOf(figures).metrics()),
  };
}

/** The time since a job last came to a good end, whatever became of its runs since: also of one that never ends. */
function addSuccesses(registry: Registry): { note(job: string): void } {
  const last = new Map<string, number>();
  new Gauge({
    name: 'job_seconds_since_success',
    help: 'Time since the last run of a job in this process that succeeded, or since its start before the first one',
    labelNames: ['job'] as const,
    registers: [registry],
    collect() {
      for (const [job, at] of last) this.labels(job).set((performance.now() - at) / 1000);
    },
  });
  return { note: (job) => void last.set(job, performance.now()) };
}

function addTallied(registry: Registry, tally: Runtime['tally']): void {
  for (const [name, help] of Object.entries(TALLIED))
    new Counter({
      name,
      help,
      registers: [registry],
      collect() {
        this.reset();
        this.inc(tally.get(name) ?? 0);
      },
    });
}

/** A registry of its own for each scrape: a figure that could not be computed is left out instead of shown as 0. */
function gaugesOf(figures: Figure[]): Registry {
  const registry = new Registry();
  for (const { name, help, value } of figures) new Gauge({ name, help, registers: [registry] }).set(value);
  return registry;
}
