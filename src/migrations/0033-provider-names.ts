import type { Migration, Statement } from './migration.ts';

/** A CHECK of one column, as it was written with its table, and what it becomes. */
interface Change {
  table: string;
  column: string;
  names: string;
  /** Around the form of a name, where other words are allowed, too. */
  form?: (isName: string) => string;
}

const METHODS = "IN ('manual', 'stripe', 'xendit', 'lemonsqueezy', 'bank_transfer', 'check')";
const ACCOUNTS = ['receivable', 'customer_credit', 'tax_payable', 'revenue', 'discounts', 'refunds', 'write_off'];
const OWN_ACCOUNTS = `IN (${ACCOUNTS.map((name) => `'${name}'`).join(', ')})`;

const CHANGES: Change[] = [
  { table: 'customers', column: 'payment_method', names: `payment_method ${METHODS}` },
  { table: 'payments', column: 'method', names: `method ${METHODS}` },
  {
    table: 'subscriptions',
    column: 'managed_by',
    names: "managed_by IN ('stripe', 'xendit', 'lemonsqueezy')",
  },
  {
    table: 'tax_quotes',
    column: 'provider',
    names: "provider IN ('taxjar', 'stripe')",
  },
  {
    table: 'journal_lines',
    column: 'account',
    names: `account IN ('receivable', 'cash:stripe', 'cash:xendit', 'cash:lemonsqueezy',
        'cash:manual', 'customer_credit', 'tax_payable', 'revenue', 'discounts', 'refunds', 'write_off')`,
    form: (name) => `account ${OWN_ACCOUNTS} OR (account LIKE 'cash:%' AND ${name})`,
  },
];

/** The form of a name: small letters, digits and `_`, 2 to 40 of them; after `cash:` in the ledger. */
const isName = (column: string, dialect: 'postgres' | 'sqlite'): string => {
  const name = column === 'account' ? 'substr(account, 6)' : column;
  return dialect === 'postgres'
    ? `${name} ~ '^[a-z0-9_]{2,40}$'`
    : `length(${name}) BETWEEN 2 AND 40 AND ${name} NOT GLOB '*[^a-z0-9_]*'`;
};
const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/**
 * Another CHECK for the rows there are. SQLite has no statement for one without a name: the text of the table is changed,
 * as its documentation has it for constraints; no row moves. What follows must change the schema as well, so that other
 * connections read it again.
 */
function checks(from: 'names' | 'form', to: 'names' | 'form'): Statement[] {
  const textOf = (
    { column, names, form = (name) => name }: Change,
    which: 'names' | 'form',
    dialect: 'postgres' | 'sqlite',
  ) => `CHECK (${which === 'names' ? names : form(isName(column, dialect))})`;
  const constraint = ({ table, column }: Change) => `${table}_${column}_check`;
  return [
    { sqlite: 'PRAGMA writable_schema = ON' },
    ...CHANGES.map((one) => ({
      sqlite: `UPDATE sqlite_schema
        SET sql = replace(sql, ${quoted(textOf(one, from, 'sqlite'))}, ${quoted(textOf(one, to, 'sqlite'))})
        WHERE type = 'table' AND name = '${one.table}'`,
      postgres: `ALTER TABLE ${one.table} DROP CONSTRAINT ${constraint(one)},
        ADD CONSTRAINT ${constraint(one)} ${textOf(one, to, 'postgres')}`,
    })),
    { sqlite: 'PRAGMA writable_schema = RESET' },
  ];
}

const BY_REFERENCE = 'CREATE UNIQUE INDEX payments_reference ON payments (method, provider_reference)';

/** The names of providers leave the database: it holds their form, the program knows them. */
export const providerNames: Migration = {
  name: '0033-provider-names',
  up: [
    ...checks('names', 'form'),
    'DROP INDEX payments_reference',
    `${BY_REFERENCE}
      WHERE provider_reference IS NOT NULL AND method NOT IN ('manual', 'bank_transfer', 'check')`,
  ],
  down: [
    'DROP INDEX payments_reference',
    `${BY_REFERENCE}
      WHERE provider_reference IS NOT NULL AND method IN ('stripe', 'xendit', 'lemonsqueezy')`,
    ...checks('form', 'names'),
  ],
};
