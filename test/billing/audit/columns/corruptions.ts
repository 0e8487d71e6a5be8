import type { Corruption } from '../corruption.ts';
import { COLUMNS } from './columns.ts';
import type { Derived } from './held.ts';

/** What a row is found by, where that is not its id. */
const KEYS: Record<string, string> = {
  credit_balances: 'customer_id',
  customer_mrr: 'customer_id',
  counters: 'scope',
  journal_lines: `entry_id || ' ' || line_no`,
};
const INSTANTS = /(^at|timestamp|_(at|start|end|from|date))$/;
const another = (column: string): string => (INSTANTS.test(column) ? `'2026-01-15T12:34:56.789Z'` : `${column} + 1`);

/** One value of one row changed behind everybody's back, for every column that is derived. */
export const COLUMN_CORRUPTIONS: Corruption[] = Object.entries(COLUMNS).flatMap(([table, columns]) =>
  Object.entries(columns).flatMap(([column, held]) =>
    typeof held === 'string' ? [] : [corrupted(table, column, held)],
  ),
);

function corrupted(table: string, column: string, { by, to = another(column), where }: Derived): Corruption {
  const key = KEYS[table] ?? 'id';
  const one = `(select min(${key}) from ${table} where ${where ?? `${column} is not null`})`;
  return {
    name: `${table}.${column}`,
    sql: [`update ${table} set ${column} = ${to} where ${key} = ${one}`],
    breaks: by,
  };
}
