import type { Db } from '../../src/platform/db/connect.ts';
import { execute } from '../../src/platform/db/sql.ts';
import type { TestApp } from './app.ts';
import { tableNames } from './schema.ts';

/** Rebuilds every table without keys, constraints and triggers, so that it takes what it should never hold. */
export async function loosen({ database: { write, dialect } }: TestApp): Promise<void> {
  if (dialect === 'sqlite') await execute(write, 'PRAGMA foreign_keys = OFF');
  for (const table of await tableNames(write)) {
    await execute(write, `CREATE TABLE loose AS SELECT * FROM ${table}`);
    await execute(write, `DROP TABLE ${table} ${dialect === 'postgres' ? 'CASCADE' : ''}`);
    await execute(write, `ALTER TABLE loose RENAME TO ${table}`);
  }
}

/** Drops these triggers of a table, for a test that corrupts what they hold. */
export async function dropTriggers({ database }: TestApp, table: string, ...names: string[]): Promise<void> {
  const of = database.dialect === 'postgres' ? ` ON ${table}` : '';
  for (const name of names) await execute(database.write, `DROP TRIGGER ${table}_${name}${of}`);
}

class Undo extends Error {}

/** What `read` answers in a transaction that is then undone. */
export async function undone<T>(app: TestApp, read: (db: Db) => Promise<T>): Promise<T> {
  const answer: T[] = [];
  await app.database
    .transaction(async (db) => {
      answer.push(await read(db));
      throw new Undo();
    })
    .catch((error: unknown) => {
      if (!(error instanceof Undo)) throw error;
    });
  return answer[0]!;
}
