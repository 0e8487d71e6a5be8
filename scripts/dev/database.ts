import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { ensureFirstAdmin } from '../../src/accounts/users/first-admin.ts';
import { runAdmin } from '../../src/cli/admin.ts';
import { TestClock } from '../../src/platform/clock.ts';
import type { Config } from '../../src/platform/config.ts';
import { sqliteFile } from '../../src/platform/db/connect.ts';
import { migrate } from '../../src/platform/db/migrate.ts';
import type { Runtime } from '../../src/platform/work.ts';
import { createRuntime } from '../../src/runtime.ts';
import { isEmpty, seed } from '../seed/seed.ts';

/** Names the database that is being seeded; left behind when that was interrupted. */
const SEEDING = 'data/seeding';

/** Migrates, sees to it that the printed login works, and seeds when nothing is there. */
export async function prepareDatabase(config: Config, isNewLogin: boolean): Promise<void> {
  removeHalfSeeded(config.databaseUrl);
  const runtime = createRuntime({ ...config, logLevel: 'warn' });
  const { database, clock } = runtime;
  try {
    await migrate(database, clock.now());
    if (clock instanceof TestClock) await clock.refresh(database.read);
    const created = await ensureFirstAdmin(runtime);
    if (isNewLogin && !created) await renewLogin(runtime);
    if (await isEmpty(database.read)) await seedOnce(runtime);
  } finally {
    await database.close();
  }
}

/** The file with the login was lost, the database was not. */
async function renewLogin(runtime: Runtime): Promise<void> {
  const { email, password } = runtime.config.firstAdmin!;
  const run = (command: string) => runAdmin([command, '--email', email], runtime, async () => password);
  await run('reset-password').catch(() => run('create'));
}

async function seedOnce(runtime: Runtime): Promise<void> {
  console.log('Seeding a year of demo data …');
  writeFileSync(SEEDING, runtime.config.databaseUrl);
  console.log(await seed(runtime));
  rmSync(SEEDING);
}

function removeHalfSeeded(databaseUrl: string): void {
  if (!existsSync(SEEDING) || readFileSync(SEEDING, 'utf8') !== databaseUrl) return;
  if (databaseUrl.startsWith('sqlite:'))
    for (const suffix of ['', '-wal', '-shm']) rmSync(sqliteFile(databaseUrl) + suffix, { force: true });
  else console.warn('The seeding of this database was interrupted: its demo data is not complete.');
}
