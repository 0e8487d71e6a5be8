import { describe, expect, test } from '@jest/globals';
import ts from 'typescript';
import { featureOf, type SourceFile, sourceFiles, walk } from './support/source.ts';

/** Every table and the feature that owns it: nobody else writes it. */
const OWNERS: Record<string, string> = {
  api_keys: 'accounts',
  audit_log: 'accounts',
  billing_periods: 'billing/subscriptions',
  counters: 'platform',
  coupons: 'billing/coupons',
  credit_balances: 'billing/ledger',
  credit_entries: 'billing/ledger',
  credit_notes: 'billing/credit-notes',
  customer_mrr: 'billing/mrr',
  customers: 'customers',
  emails: 'mail',
  events: 'billing/events',
  idempotency_keys: 'platform',
  invoice_lines: 'billing/invoices',
  invoices: 'billing/invoices',
  journal_entries: 'billing/ledger',
  journal_lines: 'billing/ledger',
  leases: 'billing/events',
  license_activations: 'licenses',
  licenses: 'licenses',
  login_throttle: 'accounts',
  mrr_movements: 'billing/mrr',
  parked_items: 'billing/subscriptions',
  payments: 'billing/payments',
  plan_versions: 'billing/plans',
  plans: 'billing/plans',
  products: 'products',
  put_off: 'platform',
  refunds: 'billing/refunds',
  schema_migrations: 'platform',
  sessions: 'accounts',
  settings: 'settings',
  signing_keys: 'licenses',
  subscription_discounts: 'billing/subscriptions',
  subscriptions: 'billing/subscriptions',
  tax_quotes: 'billing/tax',
  tax_rules: 'billing/tax-rules',
  trials: 'billing/subscriptions',
  usage_events: 'billing/usage',
  users: 'accounts',
};

/** These look at everything, and write nothing. */
const MAY_READ_ALL = ['billing/audit', 'billing/coverage', 'reports', 'system'];

/**
 * Joins into tables of others, all of features below or beside: one statement shows a name, or decides without a second
 * question. A new word here is a decision.
 */
const MAY_READ: Record<string, string> = {
  'billing/credits': 'credit_balances credit_entries',
  'billing/invoices': 'customers',
  'billing/metering': 'usage_events',
  'billing/payments': 'refunds',
  'billing/plans': 'products',
  'billing/run': 'invoices parked_items subscriptions',
  'billing/subscriptions': 'customers invoice_lines invoices plan_versions plans',
  'billing/usage': 'billing_periods invoice_lines invoices plans subscriptions',
  licenses: 'customers products subscriptions',
  platform: 'settings',
};

/** The test clock keeps the time in a row of its own among the settings. */
const ALSO_WRITES = ['src/platform/clock.ts writes settings'];

const tables = Object.keys(OWNERS);
const files = sourceFiles().filter(({ path }) => !path.startsWith('src/migrations/'));

const BULK = /^(insertRows|updateRows|upsertRows)$/;
const READING = /^(join|leftJoin|innerJoin|from|fromRaw)$/;
const WRITING = /^(insert|update|delete|del|truncate|increment|decrement)$/;
const WRITTEN = /\b(?:insert\s+into|update|delete\s+from)\s+(\w+)/gi;
const READ = /\b(?:from|join)\s+(\w+)/gi;

interface Use {
  table: string;
  writes: boolean;
}

/** The tables that a file names where a table can stand: `db('x as y')`, joins, bulk writes, SQL text. */
function usesOf({ tree }: SourceFile): Use[] {
  const uses: Use[] = [];
  const add = (name: string | undefined, writes: boolean) => {
    const table = name?.split(' ')[0];
    if (table !== undefined && tables.includes(table)) uses.push({ table, writes });
  };
  for (const node of walk(tree)) {
    if (ts.isCallExpression(node)) {
      const name = calleeOf(node);
      const first = node.arguments.find((one) => ts.isStringLiteral(one)) as ts.StringLiteral | undefined;
      if (/^(db|trx)$/.test(name)) add(first?.text, isWrite(node));
      else if (READING.test(name)) add(first?.text, false);
      else if (BULK.test(name)) add(first?.text, true);
    }
    if (ts.isStringLiteralLike(node) || ts.isTemplateExpression(node)) {
      const text = node.getText();
      for (const [, table] of text.matchAll(WRITTEN)) add(table, true);
      for (const [, table] of text.matchAll(READ)) add(table, false);
    }
  }
  return uses;
}

function calleeOf({ expression }: ts.CallExpression): string {
  if (ts.isPropertyAccessExpression(expression)) return expression.name.text;
  return ts.isIdentifier(expression) ? expression.text : '';
}

/** Whether the chain that begins with `db('x')` ends in a change of it. */
function isWrite(start: ts.Node): boolean {
  let node = start;
  while (ts.isPropertyAccessExpression(node.parent) && ts.isCallExpression(node.parent.parent)) {
    if (WRITING.test(node.parent.name.text)) return true;
    node = node.parent.parent;
  }
  return false;
}

describe('tables', () => {
  test('each table of the schema has an owner', () => {
    const schema = files
      .concat(sourceFiles().filter(({ path }) => path.startsWith('src/migrations/')))
      .flatMap(({ text }) => [...text.matchAll(/create table (?:if not exists )?(\w+)/gi)].map(([, name]) => name!));
    expect([...new Set(schema)].filter((name) => name !== 'x').sort()).toEqual(tables.toSorted());
  });

  test('only the owner writes a table', () => {
    const strangers = files.flatMap((file) =>
      usesOf(file)
        .filter(({ table, writes }) => writes && OWNERS[table] !== featureOf(file.path))
        .map(({ table }) => `${file.path} writes ${table}`),
    );
    expect([...new Set(strangers)]).toEqual(ALSO_WRITES);
  });

  test('a table of another feature is read where the list names it', () => {
    const found: Record<string, Set<string>> = {};
    for (const file of files) {
      const mine = featureOf(file.path);
      if (MAY_READ_ALL.includes(mine)) continue;
      for (const { table } of usesOf(file)) {
        if (OWNERS[table] === mine) continue;
        found[mine] ??= new Set();
        found[mine].add(table);
      }
    }
    const list = Object.fromEntries(Object.entries(found).map(([name, all]) => [name, [...all].sort().join(' ')]));
    expect(list).toEqual(MAY_READ);
  });

  test('the finder finds', () => {
    const store = files.find(({ path }) => path === 'src/products/store.ts')!;
    const uses = usesOf(store);
    expect(uses).toContainEqual({ table: 'products', writes: true });
    expect(uses).toContainEqual({ table: 'products', writes: false });
  });
});
