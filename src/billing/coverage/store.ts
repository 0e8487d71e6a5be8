import type { Instant } from '../../platform/calendar.ts';
import { int } from '../../platform/db/columns.ts';
import type { Db } from '../../platform/db/connect.ts';
import { query } from '../../platform/db/sql.ts';
import type { BillingCycle } from '../pricing/prices.ts';
import type { PeriodKind, PeriodState, SubscriptionStatus } from '../subscriptions/subscription.ts';
import { HISTORY_TYPES, type HistoryEvent, type Origin } from './history.ts';

/** A row of billing_periods, and what its invoice says about it. */
export interface StoredPeriod {
  kind: PeriodKind;
  start: Instant;
  end: Instant;
  dueAt: Instant;
  state: PeriodState;
  reason: string | null;
  invoiceId: string | null;
  /** Status of an invoice of this subscription; null when there is none. */
  invoiceStatus: string | null;
  /** The invoice has a line for it. */
  hasLine: boolean;
  /** A void invoice has a line for it. */
  hasVoidLine: boolean;
}

/** One subscription as of one instant: where it stands, what happened to it, and the rows that are to be judged. */
export interface Subject extends Origin {
  id: string;
  customerId: string;
  status: SubscriptionStatus;
  currency: string;
  currentPeriodEnd: Instant;
  preRenewalInvoiceDays: number;
  updatedAt: Instant;
  nextActionAt: Instant | null;
  errorCount: number;
  lastError: string | null;
  /** Code of the parked item that holds it. */
  parked: string | null;
  events: HistoryEvent[];
  rows: StoredPeriod[];
}

export interface SubjectPage {
  /** Id of the last subscription of the page before. */
  after: string;
  limit: number;
  customerId: string | undefined;
  from: Instant;
  to: Instant;
}

type Read = [sql: string, values: unknown[]];
const TYPES = HISTORY_TYPES.map((type) => `'${type}'`).join(', ');

/**
 * The next subscriptions in the order of their ids with all that coverage needs of them, in a constant number of
 * statements: give it a snapshot. Only rows of periods that start in [from, to) are read.
 */
export async function loadSubjects(db: Db, page: SubjectPage): Promise<Subject[]> {
  const { subscriptions, history, periods } = readsOf(page);
  const subs = await query<Row>(db, ...subscriptions);
  const events = await query<Row>(db, ...history);
  const rows = await query<Row>(db, ...periods);
  const bySub = Map.groupBy(events, ({ subscription_id }) => subscription_id);
  const rowsBySub = Map.groupBy(rows, ({ subscription_id }) => subscription_id);
  return subs.map((row) => toSubject(row, bySub.get(row.id) ?? [], rowsBySub.get(row.id) ?? []));
}

function readsOf({
  after,
  limit,
  customerId,
  from,
  to,
}: SubjectPage): Record<'subscriptions' | 'history' | 'periods', Read> {
  // not narrowed by what a row says of its own life: that is what is being checked
  const chosen = `select * from subscriptions where id > ? ${customerId ? 'and customer_id = ?' : ''}
    order by id limit ${limit}`;
  const values = [after, ...(customerId ? [customerId] : [])];
  return {
    subscriptions: [
      `select s.*, p.code as parked from (${chosen}) s
        left join parked_items p on p.subscription_id = s.id and p.resolved_at is null order by s.id`,
      values,
    ],
    history: [
      // SQLite keeps the order of a cross join: by subscription, never through all events of the types; those without a
      // position yet are few and have an index of their own
      `with s as (${chosen}) select subscription_id, type, created_at, body from (
          select e.resource_id as subscription_id, e.type, e.created_at, e.body, e.sequence
          from s cross join events e
          where e.resource_id = s.id and e.position is not null and e.type in (${TYPES})
          union all select e.resource_id, e.type, e.created_at, e.body, e.sequence
          from events e join s on e.resource_id = s.id where e.position is null and e.type in (${TYPES})
        ) told order by subscription_id, sequence`,
      values,
    ],
    periods: [
      `with s as (${chosen}) select p.subscription_id, p.kind, p.period_start, p.period_end, p.due_at, p.state,
          p.reason, p.invoice_id, i.status as invoice_status,
          case when p.state = 'invoiced' and exists (select 1 from invoice_lines l
            where l.billing_period_id = p.id and l.invoice_id = p.invoice_id) then 1 else 0 end as has_line,
          case when p.state = 'waived' and exists (select 1 from invoice_lines l join invoices v on v.id = l.invoice_id
            where l.billing_period_id = p.id and v.status = 'void') then 1 else 0 end as has_void_line
        from s join billing_periods p on p.subscription_id = s.id
        left join invoices i on i.id = p.invoice_id and i.subscription_id = p.subscription_id
        where p.period_start >= ? and p.period_start < ?`,
      [...values, from, to],
    ],
  };
}

// biome-ignore lint/suspicious/noExplicitAny: rows as either driver answers them
type Row = any;

const toSubject = (row: Row, events: Row[], rows: Row[]): Subject => ({
  id: row.id,
  customerId: row.customer_id,
  createdAt: row.created_at,
  trialEnd: row.trial_end,
  billingCycle: row.billing_cycle as BillingCycle,
  planVersionId: row.plan_version_id,
  quantity: int(row.quantity),
  status: row.status,
  currency: row.currency,
  currentPeriodEnd: row.current_period_end,
  preRenewalInvoiceDays: int(row.pre_renewal_invoice_days),
  updatedAt: row.updated_at,
  nextActionAt: row.next_action_at,
  errorCount: int(row.error_count),
  lastError: row.last_error,
  parked: row.parked,
  events: events.map(({ type, created_at: at, body }) => ({ type, at, data: JSON.parse(body).data })),
  rows: rows.map(toStored),
});

const toStored = (row: Row): StoredPeriod => ({
  kind: row.kind,
  start: row.period_start,
  end: row.period_end,
  dueAt: row.due_at,
  state: row.state,
  reason: row.reason,
  invoiceId: row.invoice_id,
  invoiceStatus: row.invoice_status,
  hasLine: row.has_line === 1,
  hasVoidLine: row.has_void_line === 1,
});
