import { MANUAL_METHODS } from '../../providers/methods.ts';
import { type Check, sqlCheck } from './check.ts';
import { inSql } from './names.ts';

const numbered = (table: string, column: string) =>
  `select rtrim(${column}, '0123456789') as series, ${column} as number, issued_at from ${table}
   where ${column} is not null`;

/** Every counter of the series as the text before its numbers: `invoice:INV:2026` is `INV-2026-`. */
const counted = (kind: string) =>
  `select replace(substr(scope, ${kind.length + 2}), ':', '-') || '-' as series, value from counters
   where scope like '${kind}:%'`;

const gapless = (kind: string, table: string, column: string): Check =>
  sqlCheck(
    'INV15',
    `the ${kind} numbers of a series are not 1 to n`,
    `select series as id from (
       select series, count(*) as n, count(distinct number) as different,
         max(cast(substr(number, length(series) + 1) as bigint)) as top, 0 as value
       from (${numbered(table, column)}) given group by series
       union all select series, 0, 0, 0, value from (${counted(kind)}) c
     ) both_sides group by series
     having sum(n) <> sum(value) or sum(different) <> sum(value) or sum(top) <> sum(value)`,
  );

const ofItsYear = (kind: string, table: string, column: string): Check =>
  sqlCheck(
    'INV15',
    `the ${kind} number names another year than the issue`,
    `select number as id from (${numbered(table, column)}) given
     where series not like '%-' || substr(cast(issued_at as text), 1, 4) || '-'`,
  );

/** INV14, INV15: payments once per provider reference; invoice and credit-note numbers without gap. */
export const seriesChecks: Check[] = [
  sqlCheck(
    'INV14',
    'two payments have one provider reference',
    `select method || ' ' || provider_reference as id from payments
     where provider_reference is not null and method not in ${inSql(MANUAL_METHODS)}
     group by method, provider_reference having count(*) > 1`,
  ),
  gapless('invoice', 'invoices', 'invoice_number'),
  gapless('credit_note', 'credit_notes', 'credit_note_number'),
  ofItsYear('invoice', 'invoices', 'invoice_number'),
  ofItsYear('credit_note', 'credit_notes', 'credit_note_number'),
];
