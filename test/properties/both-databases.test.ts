import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { connect } from '../../src/platform/db/connect.ts';
import { migrate } from '../../src/platform/db/migrate.ts';
import { dialect, type TestDatabase } from '../support/database.ts';
import { comparable, difference, dump } from '../support/dump.ts';
import { startWorld, take } from '../support/histories.ts';
import { anyHistory, type Step } from '../support/history-steps.ts';
import { historyParameters, LONG_MS } from '../support/parameters.ts';

const { steps: STEPS, parameters } = historyParameters(6, 25);

/** A migrated SQLite database, also in the run on Postgres. */
async function sqlite(): Promise<Pick<TestDatabase, 'database' | 'drop'>> {
  const file = join(process.env.TEST_FOLDER!, `${randomBytes(8).toString('hex')}.db`);
  const database = connect(`sqlite:${file}`, { durability: 'off' });
  await migrate(database, '2026-01-01T00:00:00.000Z');
  const drop = async () => {
    await database.close();
    for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true });
  };
  return { database, drop };
}

async function rowsAfter(history: Step[], place?: Pick<TestDatabase, 'database' | 'drop'>): Promise<string[]> {
  const world = await startWorld(place ? { database: place } : {});
  try {
    for (const step of history) await take(world, step);
    return comparable(await dump(world.app.database.read));
  } finally {
    await world.app.close();
  }
}

(dialect === 'postgres' ? describe : describe.skip)('one history on both databases', () => {
  test(
    'leads to equal rows, ids aside (INV24)',
    async () => {
      const property = fc.asyncProperty(anyHistory(STEPS), async (steps) => {
        // which statement is the nth differs between the databases, and so does whether a call is lost at it
        const history = steps.filter((step) => step.do !== 'crash');
        const [postgres, other] = [await rowsAfter(history), await rowsAfter(history, await sqlite())];
        expect(difference(other, postgres)).toEqual([]);
        expect(postgres.length).toBe(other.length);
      });
      await fc.assert(property, parameters);
    },
    LONG_MS,
  );
});
