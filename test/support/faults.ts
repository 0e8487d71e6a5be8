import { refuse } from '../../src/migrations/migration.ts';
import { withColumnTypes } from '../../src/platform/db/columns.ts';
import type { TestApp } from './app.ts';

/** Lets the database refuse every INSERT or UPDATE of a table, or those of the rows that `when` describes. */
export async function breakTable(
  { database }: TestApp,
  table: string,
  event: 'INSERT' | 'UPDATE',
  when = '',
): Promise<{ mend(): Promise<void> }> {
  const statement = refuse(table, event as 'UPDATE', 'broken', 'broken by a test', when);
  const sql = typeof statement === 'string' ? statement : statement[database.dialect]!;
  await database.write.raw(withColumnTypes(sql, database.dialect));
  const drop = `DROP TRIGGER ${table}_broken${database.dialect === 'postgres' ? ` ON ${table}` : ''}`;
  return { mend: async () => void (await database.write.raw(drop)) };
}
