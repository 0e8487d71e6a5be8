import { CHECKS, checkInvariants, type Violation } from '../billing/audit/invariants.ts';
import { readConfig } from '../config.ts';
import { TestClock } from '../platform/clock.ts';
import { ConfigError } from '../platform/config.ts';
import { migrationState } from '../platform/db/migrate.ts';
import { unhurried } from '../platform/db/unhurried.ts';
import type { Runtime } from '../platform/work.ts';
import { createRuntime } from '../runtime.ts';

const line = ({ invariant, detail, ids, more }: Violation): string =>
  `${invariant}  ${detail}\n${ids.map((id) => `    ${id}\n`).join('')}${more ? '    … and others\n' : ''}`;

/** What `npm run audit` prints, and whether every invariant of rules §20 holds. Throws when the schema is behind. */
export async function runAudit(runtime: Runtime): Promise<{ ok: boolean; text: string }> {
  const { database, clock } = runtime;
  const { pending } = await migrationState(database.read);
  if (pending.length > 0) throw new ConfigError(['the database is not migrated; run: npm run migrate']);
  if (clock instanceof TestClock) await clock.refresh(database.read);
  const violations = await database.snapshot((db) => unhurried(db, () => checkInvariants(db, clock.now())));
  if (violations.length === 0) return { ok: true, text: `All ${CHECKS.length} checks hold.\n` };
  return { ok: false, text: violations.map(line).join('') };
}

async function main(): Promise<void> {
  const runtime = createRuntime(readConfig());
  try {
    const { ok, text } = await runAudit(runtime);
    process.stdout.write(text);
    if (!ok) process.exitCode = 1;
  } finally {
    await runtime.database.close();
  }
}

if (import.meta.main)
  main().catch((error: unknown) => {
    console.error(error instanceof ConfigError ? error.message : error);
    process.exitCode = 2;
  });
