import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { runLifecycle } from '../../src/billing/run/lifecycle.ts';
import type { Database } from '../../src/platform/db/connect.ts';
import { type DatabaseName, openDatabase } from '../support/databases.ts';
import { table } from '../support/stats.ts';
import { insertRaw, type Rows, WRITTEN } from './raw.ts';
import { billingRuntime, DUE, seedDue } from './setup.ts';

interface Result {
  count: number;
  engineMs: number;
  rawMs: number;
  peakMb: number;
  batches: number;
}

/** The billing run of `count` due subscriptions, then the very rows it wrote by raw INSERTs into an equal database. */
async function measure(name: DatabaseName, count: number): Promise<Result> {
  const engine = await openDatabase(name);
  const runtime = billingRuntime(engine.url);
  await seedDue(runtime, count);
  let peak = 0;
  const sample = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage.rss());
  }, 20);
  let batches = 0;
  const { transaction } = runtime.database;
  const counted = {
    ...runtime.database,
    transaction: ((run) => {
      batches += 1;
      return transaction(run);
    }) as typeof transaction,
  };
  const started = performance.now();
  const { counters, errors } = await runLifecycle({ ...runtime, database: counted });
  const engineMs = performance.now() - started;
  clearInterval(sample);
  if (counters.renewed !== count || errors.length > 0)
    throw new Error(`renewed ${counters.renewed}: ${errors[0]?.message}`);
  const rows = await readRows(runtime.database);
  await runtime.database.close();
  await engine.close();

  const raw = await openDatabase(name);
  const second = billingRuntime(raw.url);
  await seedDue(second, count);
  await second.database.close();
  const rawMs = await insertRaw(raw.url, rows, batches);
  await raw.close();
  return { count, engineMs, rawMs, peakMb: peak / 1e6, batches };
}

async function readRows(db: Database): Promise<Rows> {
  const rows: Rows = new Map();
  for (const name of WRITTEN) {
    const query = db.read(name);
    if (name === 'billing_periods') query.where('period_start', '>', DUE);
    if (name === 'journal_lines') query.orderBy(['entry_id', 'line_no']);
    else query.orderBy('id');
    rows.set(name, await query);
  }
  return rows;
}

/** Each measurement in a process of its own, so that its peak memory is its own. */
function measureApart(name: DatabaseName, size: number): Result {
  const script = fileURLToPath(import.meta.url);
  const child = spawnSync(process.execPath, [script, name, String(size)], { encoding: 'utf8', maxBuffer: 1e8 });
  if (child.status !== 0) throw new Error(child.stderr);
  return JSON.parse(child.stdout);
}

export function benchBillingRun(names: DatabaseName[], sizes: number[]): string {
  const lines = names.flatMap((name) =>
    sizes.map((size) => {
      const { count, engineMs, rawMs, peakMb, batches } = measureApart(name, size);
      const perSecond = Math.round((count / engineMs) * 1000);
      const perInvoice = Math.round((engineMs / count) * 1000);
      return [name, count, perSecond, perInvoice, Math.round(peakMb), batches, (rawMs / engineMs).toFixed(2)];
    }),
  );
  const head = ['database', 'due', 'invoices/s', 'µs per invoice', 'peak RSS MB', 'batches', 'ratio to raw INSERTs'];
  return table(head, lines);
}

if (import.meta.main) {
  const [name, size] = process.argv.slice(2);
  const sizes = (process.env.SIZES ?? '1000,10000').split(',').map(Number);
  const names = (process.env.DATABASES ?? 'sqlite,postgres').split(',') as DatabaseName[];
  process.stdout.write(
    name ? JSON.stringify(await measure(name as DatabaseName, Number(size))) : `${benchBillingRun(names, sizes)}\n`,
  );
}
