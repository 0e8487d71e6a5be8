import { setTimeout } from 'node:timers/promises';
import { runLifecycle } from '../../src/billing/run/lifecycle.ts';
import { readConfig } from '../../src/config.ts';
import { createRuntime } from '../../src/runtime.ts';

/*
 * A process of its own that does the billing run of the database DATABASE_URL at the instant given as first argument.
 * START_AT=ms waits for that moment of the wall clock, connected, so that several begin at once.
 * KILL_AT_STATEMENT=n or KILL_AFTER_COMMIT=n ends it there with SIGKILL: no handler runs, nothing is flushed.
 */
const [now = ''] = process.argv.slice(2);
const die = () => process.kill(process.pid, 'SIGKILL');
const at = (name: string) => Number(process.env[name] ?? Number.POSITIVE_INFINITY);
const runtime = createRuntime(readConfig(), { clock: { now: () => now } });

await runtime.database.transaction(async (db) => void (await db.raw('select 1')));
await setTimeout(Math.max(0, Number(process.env.START_AT ?? 0) - Date.now()));

let statements = 0;
runtime.database.write.on('query', () => {
  statements += 1;
  if (statements === at('KILL_AT_STATEMENT')) die();
});
let commits = 0;
const { transaction } = runtime.database;
const database = {
  ...runtime.database,
  transaction: async (run: Parameters<typeof transaction>[0]) => {
    const result = await transaction(run);
    commits += 1;
    if (commits === at('KILL_AFTER_COMMIT')) die();
    return result;
  },
} as typeof runtime.database;

const { counters, errors } = await runLifecycle({ ...runtime, database });
await runtime.database.close();
process.stdout.write(JSON.stringify({ statements, commits, invoices: counters.invoicesGenerated, errors }));
