import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import Sqlite from 'better-sqlite3';
import { ConfigError } from '../config.ts';
import { sqliteFile } from './connect.ts';
import { isBusy } from './errors.ts';

/**
 * Keeps other servers away from a SQLite file, until the answered function is called or the process ends, however it
 * ends: the operating system holds the lock, on an empty file beside the database. Commands do not ask for it; they read
 * and write beside a server. On Postgres servers share the database. Throws ConfigError when another server has it.
 */
export function claimSoleServer(databaseUrl: string): () => void {
  if (!databaseUrl.startsWith('sqlite:')) return () => {};
  const file = sqliteFile(databaseUrl);
  mkdirSync(dirname(file), { recursive: true });
  const lock = new Sqlite(`${file}-server`, { timeout: 0 });
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if (!isBusy(error)) throw error;
    throw new ConfigError([`another server runs on ${file}; SQLite is for one, more of them need Postgres`]);
  }
  return () => lock.close();
}
