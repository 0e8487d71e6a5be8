import { spawn } from 'node:child_process';
import { watch } from 'node:fs';
import { createServer } from 'node:net';
import { readConfig } from '../src/config.ts';
import { ConfigError } from '../src/platform/config.ts';
import { prepareDatabase } from './dev/database.ts';
import { generateIfStale, STAMP } from './dev/generated.ts';
import { developmentEnvironment } from './dev/login.ts';

// What `make dev` runs: generates, migrates, makes a login, seeds, and serves with reload.

async function main(): Promise<void> {
  const { env, isNew } = developmentEnvironment(process.env);
  const config = readConfig(env);
  await refuseTakenPort(config.port, config.host);
  generateIfStale();
  await prepareDatabase(config, isNew);
  tell(config.publicUrl, env);
  serve(env);
}

function tell(url: string, env: Record<string, string | undefined>): void {
  console.log(`
  RustBill      ${url}
  API explorer  ${url}/docs
  Contract      ${url}/openapi.json
  Health        ${url}/health

  Login         ${env.ADMIN_EMAIL}
  Password      ${env.ADMIN_PASSWORD}
  Cron secret   ${env.CRON_SECRET}
  Database      ${env.DATABASE_URL ?? 'sqlite:./data/rustbill.db'}

  The test clock is on (PUT /api/testing/clock). Ctrl-C stops the server; make clean forgets the data.
`);
}

/** The server restarts when a file it runs from changes; a change of the contract is generated first, which writes the stamp. */
function serve(env: Record<string, string | undefined>): void {
  const options = ['--watch-path=src', `--watch-path=${STAMP}`, '--watch-preserve-output'];
  const server = spawn(process.execPath, [...options, 'src/main.ts'], { env, stdio: 'inherit' });
  let timer: NodeJS.Timeout | undefined;
  const watcher = watch('openapi', { recursive: true }, () => {
    clearTimeout(timer);
    timer = setTimeout(generateIfStale, 200, { keepGoing: true });
  });
  const stop = () => void server.kill('SIGTERM');
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop);
  const orphaned = stopWithParent(stop);
  server.once('exit', () => {
    clearInterval(orphaned);
    clearTimeout(timer);
    watcher.close();
  });
}

/** make and npm do not pass a SIGTERM on: when they are gone, nobody could stop the server any more. */
function stopWithParent(stop: () => void): NodeJS.Timeout {
  const parent = process.ppid;
  return setInterval(() => process.ppid !== parent && stop(), 500);
}

function refuseTakenPort(port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', () => reject(new ConfigError([`PORT ${port} is in use; choose another: PORT=3002 make dev`])));
    probe.listen(port, host, () => probe.close(() => resolve()));
  });
}

main().catch((error: unknown) => {
  console.error(error instanceof ConfigError ? error.message : error);
  process.exitCode = 1;
});
