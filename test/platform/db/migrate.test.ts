import { expect, test } from '@jest/globals';
import Sqlite from 'better-sqlite3';
import pg from 'pg';
import { migrations } from '../../../src/migrations/index.ts';
import { migrate } from '../../../src/platform/db/migrate.ts';
import { dialect, testDatabase } from '../../support/database.ts';

const AT = '2026-01-01T00:00:00.000Z';
/** On Postgres longer than a statement waits for a lock. */
const LONG_S = dialect === 'postgres' ? 11 : 1;
const NEW = { name: '9001-new', up: ['CREATE TABLE fresh (id {id} PRIMARY KEY) {strict}'], down: ['DROP TABLE fresh'] };

/** Another process in the middle of its migrations; answers how it ends them. */
async function inTheMiddle(url: string): Promise<() => Promise<void>> {
  if (dialect === 'sqlite') {
    const other = new Sqlite(url.slice('sqlite:'.length));
    other.exec('BEGIN EXCLUSIVE');
    return async () => {
      other.exec('COMMIT');
      other.close();
    };
  }
  const other = new pg.Client(url);
  await other.connect();
  await other.query('BEGIN; SELECT pg_advisory_xact_lock(7276331001)');
  return async () => {
    await other.query('COMMIT');
    await other.end();
  };
}

test('migrations wait for those of another process as long as it takes, and say so every few seconds', async () => {
  const place = await testDatabase();
  const end = await inTheMiddle(place.url);
  const told: number[] = [];
  const long = Promise.withResolvers<void>();
  const done = migrate(place.database, AT, [...migrations, NEW], (seconds) => {
    told.push(seconds);
    if (seconds >= LONG_S) long.resolve();
  });
  await Promise.race([long.promise, done]);
  await end();
  expect(await done).toEqual(['9001-new']);
  expect(told.at(-1)).toBeGreaterThanOrEqual(LONG_S);
  expect(told).toEqual([...new Set(told)].sort((a, b) => a - b));
  await place.drop();
});

if (dialect === 'postgres')
  test('and for a table that somebody uses', async () => {
    const place = await testDatabase();
    const other = new pg.Client(place.url);
    await other.connect();
    await other.query('BEGIN; LOCK TABLE counters IN ACCESS SHARE MODE');
    const change = { name: '9002-change', up: ['ALTER TABLE counters ADD COLUMN probe integer'], down: [] };
    const waits = Promise.withResolvers<void>();
    const done = migrate(place.database, AT, [...migrations, change], () => waits.resolve());
    await Promise.race([waits.promise, done]);
    await other.query('COMMIT');
    await other.end();
    expect(await done).toEqual(['9002-change']);
    await place.drop();
  });
