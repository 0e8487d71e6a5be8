import { PAYMENT_PROVIDERS, TAX_PROVIDERS } from '../../providers/list.ts';
import { MANUAL_METHODS } from '../../providers/methods.ts';
import { type Check, sqlCheck } from './check.ts';

/** Names of this program (never values from outside) as a list of SQL. */
export const inSql = (names: readonly string[]): string => `(${names.map((name) => `'${name}'`).join(', ')})`;

const METHODS = inSql([...MANUAL_METHODS, ...PAYMENT_PROVIDERS]);
const CASH = inSql(['manual', ...PAYMENT_PROVIDERS].map((name) => `cash:${name}`));

const unknown = (what: string, id: string, table: string, where: string): Check =>
  sqlCheck('INV14', `${what} that this server does not know`, `select ${id} as id from ${table} where ${where}`);

/** INV14: the database holds the form of these names only; that somebody answers to each is proved here. */
export const nameChecks: Check[] = [
  unknown('a payment has a method', 'id', 'payments', `method not in ${METHODS}`),
  unknown('a customer has a method', 'id', 'customers', `payment_method not in ${METHODS}`),
  unknown(
    'a subscription is managed by a provider',
    'id',
    'subscriptions',
    `managed_by not in ${inSql(PAYMENT_PROVIDERS)}`,
  ),
  unknown('the ledger has an account', 'entry_id', 'journal_lines', `account like 'cash:%' and account not in ${CASH}`),
  unknown(
    'a tax quote has a provider',
    "country || ' ' || provider",
    'tax_quotes',
    `provider not in ${inSql(TAX_PROVIDERS)}`,
  ),
];
