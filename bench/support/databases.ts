import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres } from '../../test/support/postgres.ts';

export type DatabaseName = 'sqlite' | 'postgres';

/** A database of its own for one benchmark: a file, or a private Postgres. */
export async function openDatabase(name: DatabaseName): Promise<{ url: string; close(): Promise<void> }> {
  if (name === 'postgres') {
    const server = await startPostgres();
    return { url: server.url('postgres'), close: () => server.stop() };
  }
  const folder = mkdtempSync(join(tmpdir(), 'rustbill-bench-'));
  return {
    url: `sqlite:${join(folder, 'bench.db')}`,
    close: async () => rmSync(folder, { recursive: true, force: true }),
  };
}
