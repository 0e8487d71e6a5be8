import { bool, decimal, int, json, money, optionalDecimal } from '../../platform/db/columns.ts';
import type { Db } from '../../platform/db/connect.ts';
import { inList } from '../../platform/db/in-list.ts';
import { query } from '../../platform/db/sql.ts';
import { compare, type Decimal } from '../../platform/decimal.ts';
import { allocate } from '../../platform/money.ts';
import { type InvoiceOutput, netByProduct } from '../pricing/compose.ts';
import { replayTrace } from '../pricing/explain.ts';
import { taxOn } from '../pricing/tax.ts';
import { type Check, marks, pageCheck, SMALL_PAGE } from './check.ts';

// biome-ignore lint/suspicious/noExplicitAny: a row as either driver answers it
type Row = any;

const ISSUED = 'select * from invoices where id > ? and issued_at is not null order by id';
const DRAFTS = 'select * from invoices where id > ? and issued_at is null order by id';

/** INV25: each invoice is computed again from its own evidence, down to the products that its entry names. */
export const evidenceChecks: Check[] = [
  pageCheck('INV25', 'an issued invoice is not what its evidence comes to', ISSUED, findUnproven, SMALL_PAGE),
  pageCheck<Row>('INV25', 'the tax of a draft is not its rate of what is taxed', DRAFTS, (_, rows) =>
    rows.filter((row) => !isTaxed(row)).map(({ id }) => id),
  ),
];

/** Undefined when the stored evidence cannot be read, or says something else than the computation from it. */
function outputOf({ trace }: Row): InvoiceOutput | undefined {
  try {
    const { output, verified } = replayTrace(json(trace));
    return verified ? output : undefined;
  } catch {
    return undefined;
  }
}

interface Stored {
  lines: Map<string, Row[]>;
  credit: Map<string, bigint>;
  split: Map<string, string[]>;
}

async function findUnproven(db: Db, invoices: Row[]): Promise<string[]> {
  const ids = inList(invoices.map(({ id }) => id));
  const rows: Row[] = await query(
    db,
    `select * from invoice_lines where invoice_id in (${marks(ids)}) order by invoice_id, position`,
    ids,
  );
  const stored = {
    lines: Map.groupBy(rows, ({ invoice_id }) => invoice_id),
    credit: await creditAtIssue(db, ids),
    split: await postedSplits(db, ids),
  };
  return invoices.filter((row) => !isProven(row, stored)).map(({ id }) => id);
}

function isProven(row: Row, stored: Stored): boolean {
  const output = outputOf(row);
  if (!output || !sameTotals(output, row) || !sameTax(output, row)) return false;
  if (output.creditsApplied > 0n && stored.credit.get(row.id) !== output.creditsApplied) return false;
  const lines = stored.lines.get(row.id) ?? [];
  const split = stored.split.get(row.id) ?? [];
  return (
    lines.length === output.lines.length &&
    output.lines.every((line, i) => sameLine(line, lines[i], i)) &&
    split.sort().join() === splitOf(output).sort().join()
  );
}

/** The first use of credit by each of these invoices, minor units: that of its issue, if it used any then. */
async function creditAtIssue(db: Db, ids: string[]): Promise<Map<string, bigint>> {
  const rows: Row[] = await query(
    db,
    `select invoice_id, amount from credit_entries where invoice_id in (${marks(ids)}) and reason = 'invoice_application'
     order by invoice_id, seq desc`,
    ids,
  );
  return new Map(rows.map(({ invoice_id: id, amount }) => [id, -money(amount)]));
}

const sameTotals = (output: InvoiceOutput, row: Row): boolean =>
  output.currency === row.currency &&
  output.subtotal === money(row.subtotal) &&
  output.discountAmount === money(row.discount_amount) &&
  output.taxAmount === money(row.tax_amount) &&
  output.total === money(row.total);

function sameTax({ tax }: InvoiceOutput, row: Row): boolean {
  const rate = optionalDecimal(row.tax_rate);
  return (
    (tax?.name ?? null) === row.tax_name &&
    (tax?.id ?? null) === row.tax_rule_id &&
    (tax?.inclusive ?? false) === bool(row.tax_inclusive) &&
    (tax === null || rate === null ? tax === rate : equal(tax.rate, rate))
  );
}

const equal = (a: Decimal, b: Decimal): boolean => compare(a, b) === 0;

/** A period row that is gone has left the line. */
const sameLine = (line: InvoiceOutput['lines'][number], stored: Row, index: number): boolean =>
  int(stored.position) === index + 1 &&
  line.amount === money(stored.amount) &&
  equal(line.quantity, decimal(stored.quantity)) &&
  equal(line.unitPrice, decimal(stored.unit_price)) &&
  line.kind === stored.kind &&
  line.description === stored.description &&
  line.productId === stored.product_id &&
  line.planVersionId === stored.plan_version_id &&
  line.discountId === stored.discount_id &&
  line.periodStart === stored.period_start &&
  line.periodEnd === stored.period_end &&
  (stored.billing_period_id === null || line.billingPeriodId === stored.billing_period_id);

function isTaxed(row: Row): boolean {
  const rate = optionalDecimal(row.tax_rate);
  const taxable = money(row.subtotal) - money(row.discount_amount);
  const inclusive = bool(row.tax_inclusive);
  const tax = rate === null ? 0n : taxOn(taxable, { id: null, name: '', rate, inclusive }).amount;
  return tax === money(row.tax_amount) && (rate === null) === (row.tax_name === null);
}

/** What the entries of the issue posted to revenue and discounts of each product, by invoice (rules G2, C3). */
async function postedSplits(db: Db, ids: string[]): Promise<Map<string, string[]>> {
  const rows: Row[] = await query(
    db,
    `select e.fact_id, l.account, l.product_id, l.amount from journal_entries e join journal_lines l on l.entry_id = e.id
     where e.fact_type = 'invoice.issued' and e.fact_id in (${marks(ids)}) and l.account in ('revenue', 'discounts')`,
    ids,
  );
  const told = Map.groupBy(rows, ({ fact_id }) => fact_id);
  return new Map([...told].map(([id, lines]) => [id, lines.map((l) => `${l.account} ${l.product_id} ${l.amount}`)]));
}

function splitOf(output: InvoiceOutput): string[] {
  const weights = netByProduct(output);
  const { discountAmount, taxAmount, total } = output;
  const shares = (account: string, amount: bigint) => {
    const parts = weights.size === 0 ? [amount] : allocate(amount, [...weights.values()]);
    const products = weights.size === 0 ? [null] : [...weights.keys()];
    return products.flatMap((product, i) => (parts[i] === 0n ? [] : [`${account} ${product} ${parts[i]}`]));
  };
  return [...shares('discounts', discountAmount), ...shares('revenue', -(total + discountAmount - taxAmount))];
}
