import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startPostgres } from '../../test/support/postgres.ts';

export type DatabaseName = 'sqlite' | 'postgres';

/** A database of its own for one benchmark: a file, or a private Postgres. */
export async function openDatabase(name: DatabaseName): Promise<{ url: string; close(): Promise<void> }> {
  const place = await openPlace(name);
  return { url: await place.make(), close: place.close };
}

/** Where databases are made and copied: a folder of files, or a private Postgres. */
export interface Place {
  make(): Promise<string>;
  /** A copy of a database that nobody is connected to. */
  copy(url: string): Promise<string>;
  drop(url: string): Promise<void>;
  close(): Promise<void>;
}

export const openPlace = (name: DatabaseName): Promise<Place> => (name === 'sqlite' ? files() : servers());

async function files(): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), 'rustbill-bench-'));
  let n = 0;
  const make = async () => `sqlite:${join(folder, `bench-${++n}.db`)}`;
  const pathOf = (url: string) => url.slice('sqlite:'.length);
  return {
    make,
    async copy(url) {
      const to = await make();
      copyFileSync(pathOf(url), pathOf(to));
      return to;
    },
    drop: async (url) => {
      for (const end of ['', '-wal', '-shm']) rmSync(pathOf(url) + end, { force: true });
    },
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** As somebody would run it: commits are durable, and autovacuum is on. */
const DURABLE = ['fsync=on', 'synchronous_commit=on', 'full_page_writes=on', 'autovacuum=on', 'shared_buffers=256MB'];

async function servers(): Promise<Place> {
  const server = await startPostgres([...DURABLE, 'max_wal_size=4GB']);
  let n = 0;
  const run = async (...statements: string[]) => {
    const client = new pg.Client({ connectionString: server.url('postgres') });
    await client.connect();
    for (const sql of statements) await client.query(sql);
    await client.end();
  };
  const nameOf = (url: string) => /\/(bench\d+)\?/.exec(url)![1]!;
  const make = async (template = 'template1') => {
    const name = `bench${++n}`;
    await run(`create database ${name} template ${template}`, 'checkpoint');
    return server.url(name);
  };
  return {
    make: () => make(),
    copy: (url) => make(nameOf(url)),
    drop: (url) => run(`drop database ${nameOf(url)} with (force)`),
    close: () => server.stop(),
  };
}
