import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { connect } from '../../src/platform/db/connect.ts';
import { migrate } from '../../src/platform/db/migrate.ts';
import { databaseUrl, type PostgresServer, startPostgres } from './postgres.ts';

/** What the teardown ends; Jest runs both in one process. */
export interface TestRun {
  folder: string;
  server?: PostgresServer;
  template?: string;
}
declare global {
  var testRun: TestRun | undefined;
}

/**
 * Makes one migrated template per run; each test file copies it (database.ts).
 * TEST_DATABASE=sqlite|postgres chooses the database, TEST_POSTGRES_URL names a running server to use.
 */
export default async function globalSetup(): Promise<void> {
  const kind = process.env.TEST_DATABASE ?? 'sqlite';
  const run: TestRun = { folder: mkdtempSync(join(tmpdir(), 'rustbill-test-')) };
  globalThis.testRun = run;
  process.env.TEST_FOLDER = run.folder;
  if (kind === 'sqlite') return migrateTemplate(`sqlite:${join(run.folder, 'template.db')}`);
  if (kind !== 'postgres') throw new Error('TEST_DATABASE must be sqlite or postgres');
  const given = process.env.TEST_POSTGRES_URL;
  if (!given) run.server = await startPostgres();
  const admin = given ?? run.server!.url('postgres');
  const template = `rustbill_template_${process.pid}`;
  const client = new pg.Client(admin);
  await client.connect();
  await client.query(`CREATE DATABASE ${template}`);
  await client.end();
  run.template = template;
  process.env.TEST_POSTGRES_ADMIN = admin;
  process.env.TEST_POSTGRES_TEMPLATE = template;
  await migrateTemplate(databaseUrl(admin, template));
}

async function migrateTemplate(url: string): Promise<void> {
  const database = connect(url);
  await migrate(database, '2026-01-01T00:00:00.000Z');
  await database.close();
}
