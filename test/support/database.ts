import { randomBytes } from 'node:crypto';
import { copyFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { connect, type Database } from '../../src/platform/db/connect.ts';
import { databaseUrl } from './postgres.ts';

export interface TestDatabase {
  database: Database;
  url: string;
  drop(): Promise<void>;
}

export const dialect = process.env.TEST_DATABASE === 'postgres' ? 'postgres' : 'sqlite';

/** A migrated database of its own, copied from the template of this run. */
export async function testDatabase(options: { poolSize?: number } = {}): Promise<TestDatabase> {
  const place = dialect === 'sqlite' ? sqliteCopy() : await postgresCopy();
  const database = connect(place.url, { durability: 'off', ...options });
  return {
    database,
    url: place.url,
    async drop() {
      await database.close();
      await place.remove();
    },
  };
}

interface Place {
  url: string;
  remove(): Promise<void>;
}

function setting(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: tests run under Jest, whose global setup makes the template`);
  return value;
}

const newName = () => `rustbill_test_${randomBytes(8).toString('hex')}`;

function sqliteCopy(): Place {
  const folder = setting('TEST_FOLDER');
  const file = join(folder, `${newName()}.db`);
  copyFileSync(join(folder, 'template.db'), file);
  return {
    url: `sqlite:${file}`,
    remove: async () => {
      for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true });
    },
  };
}

async function postgresCopy(): Promise<Place> {
  const admin = setting('TEST_POSTGRES_ADMIN');
  const name = newName();
  await asAdmin(admin, [
    'SELECT pg_advisory_lock(1)', // one copy of the template at a time
    `CREATE DATABASE ${name} TEMPLATE ${setting('TEST_POSTGRES_TEMPLATE')}`,
  ]);
  return {
    url: databaseUrl(admin, name),
    remove: () => asAdmin(admin, [`DROP DATABASE ${name} WITH (FORCE)`]),
  };
}

async function asAdmin(url: string, statements: string[]): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    for (const sql of statements) await client.query(sql);
  } finally {
    await client.end();
  }
}
