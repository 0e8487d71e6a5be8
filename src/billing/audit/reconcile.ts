import type { Instant } from '../../platform/calendar.ts';
import { big, int } from '../../platform/db/columns.ts';
import type { Db } from '../../platform/db/connect.ts';
import { query } from '../../platform/db/sql.ts';
import { DOCUMENT_BALANCES } from './facts.ts';
import { checkInvariants, type Violation } from './invariants.ts';

export type { Violation };

/** Half-open, by the instant an entry was posted or its fact happened; null stands for every currency. */
export interface ReconcileQuery {
  from: Instant;
  to: Instant;
  currency: string | null;
  now: Instant;
}

/** The entries of one class (rules G9) of the window against the documents; minor units. */
export interface ClassRow {
  classification: string;
  currency: string;
  ledgerTotal: bigint;
  sourceTotal: bigint;
  ledgerCount: number;
  sourceCount: number;
  /** Documents without entry. */
  missing: number;
}

/** An account at present against what the documents say of it (rules G8); minor units. */
export interface AccountRow {
  account: string;
  currency: string;
  ledgerTotal: bigint;
  sourceTotal: bigint;
}

export interface Reconciliation {
  rows: ClassRow[];
  accounts: AccountRow[];
  trialBalance: { currency: string; total: bigint }[];
  violations: Violation[];
}

const INVOICES = `'invoice.issued', 'invoice.voided', 'invoice.written_off'`;
const byInvoice = (invoice: string) =>
  `case when ${invoice}.subscription_id is null then 'billings' else 'recurring' end`;

/** Money facts as the documents tell them: type, class, currency, instant, total, and which rows. */
const SOURCES: [type: string, classification: string, at: string, total: string, from: string][] = [
  ['invoice.issued', byInvoice('d'), 'd.issued_at', 'd.total', 'invoices d where d.issued_at is not null'],
  [
    'invoice.voided',
    byInvoice('d'),
    'd.voided_at',
    '-d.total',
    `invoices d where d.status = 'void' and d.issued_at is not null and not d.written_off`,
  ],
  [
    'invoice.written_off',
    byInvoice('d'),
    'd.voided_at',
    '-d.total',
    `invoices d where d.status = 'void' and d.issued_at is not null and d.written_off`,
  ],
  ['payment.succeeded', `'collections'`, 'd.created_at', 'd.amount', `payments d where d.status = 'succeeded'`],
  [
    'refund.completed',
    `case d.destination when 'credit' then 'credits' else 'collections' end`,
    'd.processed_at',
    `case d.destination when 'credit' then d.amount else -d.amount end`,
    `refunds d where d.status = 'completed'`,
  ],
  ['credit_note.issued', `'adjustments'`, 'd.issued_at', '-d.amount', 'credit_notes d where d.issued_at is not null'],
  [
    'credit_note.voided',
    `'adjustments'`,
    'd.voided_at',
    'd.amount',
    `credit_notes d where d.status = 'void' and d.issued_at is not null`,
  ],
  ['credit.manual', `'credits'`, 'd.created_at', 'd.amount', `credit_entries d where d.reason = 'manual'`],
  [
    'credit.applied',
    `'credits'`,
    'd.created_at',
    'd.amount',
    `credit_entries d where d.reason = 'invoice_application'`,
  ],
  ['credit.returned', `'credits'`, 'd.created_at', 'd.amount', `credit_entries d where d.reason = 'invoice_void'`],
  ['refund.reserved', `'credits'`, 'd.created_at', '-d.excess_part', 'refunds d where d.excess_part > 0'],
  [
    'refund.released',
    `'credits'`,
    'd.processed_at',
    'd.excess_part',
    `refunds d where d.excess_part > 0 and d.status = 'failed'`,
  ],
];

const sourcesIn = (currency: string): string =>
  SOURCES.map(
    ([type, classification, at, total, from]) =>
      `select '${type}' as fact_type, d.id as fact_id, ${classification} as classification, d.currency,
         ${total} as total from ${from} and ${at} >= ? and ${at} < ? ${currency}`,
  ).join('\n union all ');

const sumOf = (accounts: string) => `coalesce(sum(case when ${accounts} then l.amount end), 0)`;
const LEDGER = (currency: string) => `
  select case when fact_type in (${INVOICES}) then of_invoice
      when fact_type = 'payment.succeeded' or (fact_type = 'refund.completed' and cash <> 0) then 'collections'
      when fact_type in ('credit_note.issued', 'credit_note.voided') then 'adjustments'
      else 'credits' end as classification, currency,
    case when fact_type in (${INVOICES}) then receivable
      when fact_type = 'payment.succeeded' or (fact_type = 'refund.completed' and cash <> 0) then cash
      when fact_type in ('credit_note.issued', 'credit_note.voided') then receivable + credit
      else -credit end as total
  from (
    select e.id, e.fact_type, e.currency, ${byInvoice('i')} as of_invoice,
      ${sumOf(`l.account = 'receivable'`)} as receivable, ${sumOf(`l.account = 'customer_credit'`)} as credit,
      ${sumOf(`l.account like 'cash:%'`)} as cash
    from journal_entries e left join journal_lines l on l.entry_id = e.id left join invoices i on i.id = e.invoice_id
    where e.posted_at >= ? and e.posted_at < ? ${currency}
    group by e.id, e.fact_type, e.currency, i.subscription_id
  ) entry`;

/** Ledger against documents, the trial balance and the invariants (rules R12), set by set. Give it a snapshot. */
export async function reconcile(db: Db, asked: ReconcileQuery): Promise<Reconciliation> {
  return {
    rows: await classRows(db, asked),
    accounts: await accountRows(db, asked),
    trialBalance: await trialBalance(db, asked),
    violations: await checkInvariants(db, asked.now),
  };
}

// biome-ignore lint/suspicious/noExplicitAny: sums as either driver answers them
type Sums = any;

async function classRows(db: Db, { from, to, currency }: ReconcileQuery): Promise<ClassRow[]> {
  const of = (table: string) => (currency === null ? '' : `and ${table}.currency = ?`);
  const window = [from, to, ...(currency === null ? [] : [currency])];
  const rows = await query<Sums>(
    db,
    `select classification, currency, cast(sum(ledger) as text) as ledger, cast(sum(source) as text) as source,
       sum(ledger_count) as ledger_count, sum(source_count) as source_count, sum(missing) as missing
     from (
       select classification, currency, total as ledger, 0 as source, 1 as ledger_count, 0 as source_count, 0 as missing
       from (${LEDGER(of('e'))}) ledger_side
       union all
       select s.classification, s.currency, 0, s.total, 0, 1, case when e.id is null then 1 else 0 end
       from (${sourcesIn(of('d'))}) s
       left join journal_entries e on e.fact_type = s.fact_type and e.fact_id = s.fact_id
     ) both_sides group by classification, currency order by currency, classification`,
    [...window, ...SOURCES.flatMap(() => window)],
  );
  return rows.map((row) => ({
    classification: row.classification,
    currency: row.currency,
    ledgerTotal: big(row.ledger),
    sourceTotal: big(row.source),
    ledgerCount: int(row.ledger_count),
    sourceCount: int(row.source_count),
    missing: int(row.missing),
  }));
}

const only = (currency: string | null): string => (currency === null ? '' : 'where currency = ?');
const bound = (currency: string | null): string[] => (currency === null ? [] : [currency]);

/** DOCUMENT_BALANCES are negated: with the ledger they sum to 0. */
async function accountRows(db: Db, { currency }: ReconcileQuery): Promise<AccountRow[]> {
  const rows = await query<Sums>(
    db,
    `select currency, account, cast(sum(ledger) as text) as ledger, cast(sum(-source) as text) as source from (
       select e.currency, l.account, l.amount as ledger, 0 as source
       from journal_lines l join journal_entries e on e.id = l.entry_id
       union all select currency, account, 0, amount from (
         select null as currency, null as account, 0 as amount where 1 = 0 union all ${DOCUMENT_BALANCES}) documents
     ) both_sides ${only(currency)} group by currency, account order by currency, account`,
    bound(currency),
  );
  return rows.map((row) => ({
    account: row.account,
    currency: row.currency,
    ledgerTotal: big(row.ledger),
    sourceTotal: big(row.source),
  }));
}

async function trialBalance(db: Db, { currency }: ReconcileQuery): Promise<{ currency: string; total: bigint }[]> {
  const rows = await query<Sums>(
    db,
    `select currency, cast(sum(amount) as text) as total from (
       select e.currency, l.amount from journal_lines l join journal_entries e on e.id = l.entry_id
     ) line ${only(currency)} group by currency order by currency`,
    bound(currency),
  );
  return rows.map((row) => ({ currency: row.currency, total: big(row.total) }));
}
