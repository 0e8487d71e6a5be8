import type { Dialect } from '../platform/db/connect.ts';

/** SQL text with the type tokens of columns.ts; a part only one database needs stands under its name. */
export type Statement = string | Partial<Record<Dialect, string>>;

export interface Migration {
  /** Never changed once released: it is the identity stored in schema_migrations. */
  name: string;
  up: Statement[];
  down: Statement[];
}

/*
 * Helpers of the migrations. They are frozen like the migrations themselves: what they make must stay the same.
 * Postgres triggers share one function, `refuse_change`, made by the first migration.
 */

/** Refuses every UPDATE (or DELETE) of a row for which `when` holds; `when` may use OLD and, for UPDATE, NEW. */
export function refuse(table: string, event: 'UPDATE' | 'DELETE', name: string, message: string, when = ''): Statement {
  const condition = when === '' ? '' : `WHEN (${when})`;
  return {
    sqlite: `CREATE TRIGGER ${table}_${name} BEFORE ${event} ON ${table} FOR EACH ROW ${condition}
      BEGIN SELECT RAISE(ABORT, '${message}'); END`,
    postgres: `CREATE TRIGGER ${table}_${name} BEFORE ${event} ON ${table} FOR EACH ROW ${condition}
      EXECUTE FUNCTION refuse_change('${message}')`,
  };
}

/** Rows are added, never changed and never deleted. */
export const appendOnly = (table: string): Statement[] => [
  refuse(table, 'UPDATE', 'no_update', `${table} is append-only`),
  refuse(table, 'DELETE', 'no_delete', `${table} is append-only`),
];

/** Refuses an UPDATE that changes one of these columns; `when` narrows it to some rows. */
export function fixed(table: string, name: string, columns: string[], message: string, when?: string): Statement {
  const changed = columns.map((column) => `NEW.${column} IS DISTINCT FROM OLD.${column}`).join(' OR ');
  return refuse(table, 'UPDATE', name, message, when ? `${when} AND (${changed})` : changed);
}

/** As `fixed`, but looked at only by an UPDATE that writes one of the columns: what is large is not compared each time. */
export function frozen(table: string, name: string, columns: string[], message: string, when?: string): Statement {
  const { sqlite, postgres } = fixed(table, name, columns, message, when) as Record<Dialect, string>;
  const only = (sql: string) => sql.replace('BEFORE UPDATE', `BEFORE UPDATE OF ${columns.join(', ')}`);
  return { sqlite: only(sqlite), postgres: only(postgres) };
}

export const dropTables = (...tables: string[]): Statement[] => tables.map((table) => `DROP TABLE ${table}`);
