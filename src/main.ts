import type { Server } from 'node:http';
import { ensureFirstAdmin } from './accounts/users/first-admin.ts';
import { createApp } from './app.ts';
import { readConfig } from './config.ts';
import { startJobs } from './jobs.ts';
import { reencryptSigningKey } from './licenses/jobs.ts';
import { TestClock } from './platform/clock.ts';
import { ConfigError } from './platform/config.ts';
import { migrate, migrationState } from './platform/db/migrate.ts';
import { claimSoleServer } from './platform/db/sole-server.ts';
import { createHttpServer } from './platform/http/server.ts';
import { isLoopback } from './platform/origin.ts';
import type { Runtime } from './platform/work.ts';
import { createRuntime } from './runtime.ts';
import { reencryptProviderSettings } from './settings/provider-store.ts';

const DRAIN_MS = 25_000;

async function main(): Promise<void> {
  const config = readConfig();
  const runtime = createRuntime(config);
  const { log, database } = runtime;
  const giveUp = claimSoleServer(config.databaseUrl);
  const waiting = (seconds: number) => log.warn({ seconds }, 'the migrations wait for another process');
  if (config.migrateOnStart) await migrate(database, runtime.clock.now(), undefined, waiting);
  const { pending } = await migrationState(database.read);
  if (pending.length > 0) throw new ConfigError([`the database lacks the migrations ${pending.join(', ')}`]);
  if (runtime.clock instanceof TestClock) await runtime.clock.refresh(database.read);
  await ensureFirstAdmin(runtime);
  await reencryptProviderSettings(runtime);
  await reencryptSigningKey(runtime);
  const jobs = startJobs(runtime);
  const server = createHttpServer(createApp(runtime), () => runtime.newIdAt(runtime.clock.now()));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(config.port, config.host, resolve);
  });
  log.info({ url: `http://${config.host}:${config.port}`, database: database.dialect }, 'listening');
  if (config.production && config.publicUrl.startsWith('http:') && !isLoopback(config.host))
    log.warn(
      { publicUrl: config.publicUrl },
      'other machines reach this server, but PUBLIC_URL is not their https origin',
    );
  stopOnSignal(runtime, server, jobs, giveUp);
}

/** SIGTERM and SIGINT finish the running requests and job steps, then the process ends with 0. */
function stopOnSignal(runtime: Runtime, server: Server, jobs: { stop(): Promise<void> }, giveUp: () => void) {
  let stopping = false;
  const stop = async (signal: string) => {
    if (stopping) return;
    stopping = true;
    runtime.log.info({ signal }, 'stopping');
    setTimeout(() => process.exit(1), DRAIN_MS).unref();
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    setInterval(() => server.closeIdleConnections(), 50).unref();
    await Promise.all([closed, jobs.stop()]);
    await Promise.all(runtime.atClose.map((close) => close()));
    await runtime.database.close();
    giveUp();
    runtime.log.info('stopped');
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void stop(signal));
}

const [major] = process.versions.node.split('.').map(Number);
if ((major ?? 0) < 26) {
  process.stderr.write(`RustBill needs Node 26 or newer; this is ${process.version}. Start it with npm run.\n`);
  process.exit(1);
}
main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof ConfigError ? error.message : (error as Error).stack}\n`);
  process.exit(1);
});
