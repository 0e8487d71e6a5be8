import type { Database, Db } from '../../platform/db/connect.ts';

/**
 * Runs `read` on one unchanging view of the database, without making writers wait.
 * On SQLite it takes the reading connection for itself: only for a process that does nothing else meanwhile.
 */
export async function inSnapshot<T>(database: Database, read: (db: Db) => Promise<T>): Promise<T> {
  if (database.dialect === 'postgres')
    return database.read.transaction(read, { isolationLevel: 'repeatable read', readOnly: true });
  await database.read.raw('BEGIN');
  try {
    return await read(database.read);
  } finally {
    await database.read.raw('COMMIT');
  }
}
