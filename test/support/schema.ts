import { type Db, dialectOf } from '../../src/platform/db/connect.ts';
import { query } from '../../src/platform/db/sql.ts';

const POSTGRES = [
  `SELECT table_name AS t, column_name AS c, data_type, collation_name, numeric_precision, numeric_scale,
     datetime_precision, is_nullable, column_default
   FROM information_schema.columns WHERE table_schema = 'public' ORDER BY table_name, ordinal_position`,
  `SELECT conrelid::regclass::text AS t, conname AS c, pg_get_constraintdef(oid) AS definition
   FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1, 2`,
  "SELECT indexname AS c, indexdef AS definition FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1",
  `SELECT tgname AS c, pg_get_triggerdef(oid) AS definition FROM pg_trigger
   WHERE NOT tgisinternal ORDER BY 1`,
  "SELECT proname AS c, prosrc AS definition FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1",
];

/** Everything the migrations made, as lines of text that can be compared. */
export async function dumpSchema(db: Db): Promise<string[]> {
  const statements =
    dialectOf(db) === 'sqlite' ? ['SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name'] : POSTGRES;
  const lines: string[] = [];
  for (const sql of statements) for (const row of await query(db, sql)) lines.push(JSON.stringify(row));
  return lines;
}

/** The names of the tables, schema_migrations left out. */
export async function tableNames(db: Db): Promise<string[]> {
  const rows = await query<{ name: string }>(
    db,
    dialectOf(db) === 'sqlite'
      ? "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
      : "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename",
  );
  return rows.map(({ name }) => name).filter((name) => name !== 'schema_migrations');
}
