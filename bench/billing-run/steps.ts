import { sequenceEvents } from '../../src/billing/events/sequencer.ts';
import { runLifecycle } from '../../src/billing/run/lifecycle.ts';
import { runAudit } from '../../src/cli/audit.ts';
import { PostgresClient } from '../../src/platform/db/postgres-client.ts';
import { SqliteWriter } from '../../src/platform/db/sqlite-client.ts';
import type { Runtime } from '../../src/platform/work.ts';
import { readMix } from './mix.ts';
import { insertRaw } from './raw.ts';
import { billingRuntime, DUE, seedDue } from './seed.ts';

/** Measured in a process of its own each, so that the peak memory is that of the step. */
export interface Measured {
  ms: number;
  peakMb: number;
}
export interface EngineRun extends Measured {
  invoices: number;
  errors: number;
  /** Time of this process on a processor, which other work on the machine disturbs less. */
  cpuMs: number;
  /** An id made after each commit: the rows of batch k have ids between the marks k - 1 and k. */
  marks: string[];
  /** Statements of each batch; on SQLite without the rows that prepared statements write one by one. */
  statements: number[];
  /** Wall-clock time when the run began and ended; ms since 1970. */
  from: number;
  to: number;
}

type Step = (...args: string[]) => Promise<object>;

const timed = async (run: () => Promise<unknown>): Promise<{ ms: number }> => {
  const started = performance.now();
  await run();
  return { ms: performance.now() - started };
};

const STEPS: Record<string, Step> = {
  seed: (url, count) => timed(() => seedDue(url!, Number(count), readMix())),
  engine: (url, now, startAt, warm) => engine(url!, now!, Number(startAt), warm!),
  async raw(from, to, warm, given) {
    const marks: string[] = JSON.parse(given!);
    await insertRaw(from!, warm!, marks.slice(0, 2));
    return { ms: await insertRaw(from!, to!, marks) };
  },
  async sequence(url, now) {
    const runtime = billingRuntime(url!, now!);
    const [row] = await runtime.database.read('events').whereNull('position').count({ n: '*' });
    const time = await timed(() => sequenceEvents(runtime));
    await runtime.database.close();
    return { ...time, events: Number(row?.n) };
  },
  async audit(url, now) {
    const runtime = billingRuntime(url!, now!);
    let found = '';
    const time = await timed(async () => {
      const { ok, text } = await runAudit(runtime);
      if (!ok) found = text;
    });
    await runtime.database.close();
    if (found) throw new Error(found);
    return time;
  },
};

type Query = (this: unknown, ...args: unknown[]) => Promise<unknown>;

/** Counts the statements that any connection of this process runs. */
function countStatements(): () => number {
  let n = 0;
  const prototypes = [PostgresClient.prototype, SqliteWriter.prototype] as unknown as { _query: Query }[];
  for (const prototype of prototypes) {
    const original = prototype._query;
    prototype._query = function (...args) {
      n += 1;
      return original.apply(this, args);
    };
  }
  return () => n;
}

/** Bills others first, so that what is measured is not the compiling of the code. */
async function warmUp(url: string): Promise<void> {
  const runtime = billingRuntime(url, DUE);
  await runLifecycle(runtime);
  await runtime.database.close();
}

async function engine(url: string, now: string, startAt: number, warm: string): Promise<Omit<EngineRun, 'peakMb'>> {
  await warmUp(warm);
  const runtime = billingRuntime(url, now);
  const count = countStatements();
  const marks: string[] = [];
  const statements: number[] = [];
  const watched = withMarks(runtime, now, (mark) => {
    marks.push(mark);
    statements.push(count());
  });
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, startAt - Date.now())));
  const from = Date.now();
  const [started, cpu] = [performance.now(), process.cpuUsage()];
  const { counters, errors } = await runLifecycle(watched);
  const [ms, used] = [performance.now() - started, process.cpuUsage(cpu)];
  const to = Date.now();
  await runtime.database.close();
  const each = statements.map((n, i) => n - (statements[i - 1] ?? 0));
  return {
    ms,
    cpuMs: (used.user + used.system) / 1000,
    invoices: counters.invoicesGenerated,
    errors: errors.length,
    marks,
    statements: each,
    from,
    to,
  };
}

function withMarks(runtime: Runtime, now: string, mark: (id: string) => void): Runtime {
  const { database } = runtime;
  const transaction: typeof database.transaction = async (run) => {
    const result = await database.transaction(run);
    mark(runtime.newIdAt(now));
    return result;
  };
  return { ...runtime, database: { ...database, transaction } };
}

const [name, ...args] = process.argv.slice(2);
const result = await STEPS[name!]!(...args);
process.stdout.write(JSON.stringify({ ...result, peakMb: process.resourceUsage().maxRSS / 1024 }));
