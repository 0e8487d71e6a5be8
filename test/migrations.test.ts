import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { providerNames } from '../src/migrations/0033-provider-names.ts';
import { migrations } from '../src/migrations/index.ts';
import type { Database } from '../src/platform/db/connect.ts';
import { migrate, migrationState, rollback } from '../src/platform/db/migrate.ts';
import { query } from '../src/platform/db/sql.ts';
import { type TestDatabase, testDatabase } from './support/database.ts';
import { AT, insertSamples } from './support/rows.ts';
import { dumpSchema, tableNames } from './support/schema.ts';

const NAMES = migrations.map(({ name }) => name);
const errorOf = (work: PromiseLike<unknown>) =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  );

let place: TestDatabase;
let database: Database;
beforeAll(async () => {
  place = await testDatabase();
  database = place.database;
});
afterAll(() => place.drop());

describe('up, down, up', () => {
  test('of an empty and of a populated database end alike', async () => {
    const first = await dumpSchema(database.write);
    expect(first.length).toBeGreaterThan(100);
    expect(await rollback(database)).toEqual([...NAMES].reverse());
    expect(await tableNames(database.write)).toEqual([]);
    expect(await migrationState(database.read)).toEqual({ applied: [], pending: NAMES });
    expect(await migrate(database, AT)).toEqual(NAMES);
    expect(await dumpSchema(database.write)).toEqual(first);

    await insertSamples(database.write);
    await rollback(database);
    await migrate(database, AT);
    expect(await dumpSchema(database.write)).toEqual(first);
  });

  test('applied migrations are not applied again', async () => {
    expect(await migrate(database, AT)).toEqual([]);
    expect(await migrationState(database.read)).toEqual({ applied: NAMES, pending: [] });
  });

  test('a migration that fails leaves nothing of itself or of those before it in the same call', async () => {
    const good = {
      name: '9001-good',
      up: ['CREATE TABLE good (id {id} PRIMARY KEY) {strict}'],
      down: ['DROP TABLE good'],
    };
    const bad = { name: '9002-bad', up: ['CREATE TABLE bad (id {id})', 'CREATE TABLE bad (id {id})'], down: [] };
    expect(await errorOf(migrate(database, AT, [...migrations, good, bad]))).toBeDefined();
    expect(await tableNames(database.write)).not.toContain('good');
    expect((await migrationState(database.read, [...migrations, good])).pending).toEqual(['9001-good']);
    expect(await migrate(database, AT, [...migrations, good])).toEqual(['9001-good']);
    expect(await rollback(database, [good])).toEqual(['9001-good']);
  });

  test('two processes may migrate at once', async () => {
    await rollback(database);
    await query(database.write, 'DROP TABLE schema_migrations');
    const program = new URL('./support/migrate-process.ts', import.meta.url).pathname;
    const run = async () => {
      const { NODE_OPTIONS: _, ...env } = process.env;
      const { stdout } = await promisify(execFile)(process.execPath, [program, place.url], { env });
      return JSON.parse(stdout) as string[];
    };
    const applied = await Promise.all([run(), run(), run()]);
    expect(applied.flat()).toEqual(NAMES);
    expect(await migrationState(database.read)).toEqual({ applied: NAMES, pending: [] });
  });
});

describe('0033-provider-names', () => {
  const isRefused = async (table: string, values: object) => {
    const undo = new Error('undo');
    const error = await errorOf(
      database.transaction(async (trx) => {
        await trx(table).update(values);
        throw undo;
      }),
    );
    return error !== undo;
  };

  test('keeps every row, up and down and up again, and what it changes holds for connections that were open', async () => {
    const tables = ['customers', 'payments', 'subscriptions', 'tax_quotes', 'journal_lines'];
    const rows = async () => Promise.all(tables.map((table) => database.read(table)));
    await rollback(database);
    await migrate(database, AT);
    await insertSamples(database.write);
    const before = await rows();
    const open = await dumpSchema(database.write);
    expect(await rollback(database, [providerNames])).toEqual([providerNames.name]);
    expect(await rows()).toEqual(before);
    expect(await isRefused('payments', { method: 'paddle' })).toBe(true);
    expect(await isRefused('subscriptions', { managed_by: 'paddle' })).toBe(true);
    expect(await migrate(database, AT)).toEqual([providerNames.name]);
    expect(await rows()).toEqual(before);
    expect(await dumpSchema(database.write)).toEqual(open);
    expect(await isRefused('payments', { method: 'paddle' })).toBe(false);
    expect(await isRefused('subscriptions', { managed_by: 'paddle' })).toBe(false);
    expect(await isRefused('payments', { method: 'Not a name' })).toBe(true);
    if (database.dialect === 'sqlite')
      expect(await query(database.write, 'PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }]);
  });
});
