import { int } from '../../platform/db/columns.ts';
import type { Db } from '../../platform/db/connect.ts';
import { inList } from '../../platform/db/in-list.ts';
import { query } from '../../platform/db/sql.ts';
import { periodStart, plannedPeriods } from '../subscriptions/lifecycle/periods.ts';
import { toSubscription } from '../subscriptions/store/subscriptions.ts';
import type { Subscription } from '../subscriptions/subscription.ts';
import { type Check, marks, pageCheck, sqlCheck } from './check.ts';

// biome-ignore lint/suspicious/noExplicitAny: a row as either driver answers it
type Row = any;

/**
 * A withdrawn charge stands on a live invoice that a credit note took back as a whole, or that charged nothing or has
 * nothing left to take back (rules Q9).
 */
const NOT_WITHDRAWN = `i.total > 0 and not exists (
  select 1 from credit_notes c where c.invoice_id = i.id and c.cause = 'withdrawn' and c.status = 'issued')
  and i.reversed_amount < i.total`;
const RESUMED = `select distinct resource_id, created_at from events where type = 'subscription.resumed'`;
/** A change of cycle at the very start of the period made another one of it, which is billed anew (rules Q3). */
const REMADE = `l.period_end <> p.period_end and exists (
  select 1 from events e where e.type = 'subscription.plan_changed' and e.resource_id = p.subscription_id
    and e.created_at >= i.issued_at)`;
/** What live invoices charged for a period and changes within it, less the bases of the credit notes of changes. */
export const NET_BILLED = `select b.id, sum(b.lines - coalesce(c.base, 0)) as net from (
    select l.billing_period_id as id, l.invoice_id, sum(l.amount) as lines
    from invoice_lines l join invoices i on i.id = l.invoice_id
    where l.kind in ('plan', 'proration') and i.status in ('issued', 'overdue', 'paid') and i.origin <> 'manual'
    group by l.billing_period_id, l.invoice_id
  ) b left join (
    select c.invoice_id, sum(c.amount - case when i.tax_inclusive then 0 else c.tax_amount end) as base
    from credit_notes c join invoices i on i.id = c.invoice_id
    where c.status = 'issued' and c.cause in ('proration', 'withdrawn') group by c.invoice_id
  ) c on c.invoice_id = b.invoice_id group by b.id`;
/** Billed at least once: not in a trial, nor canceled within one. */
const BEGAN = `s.status <> 'trialing'
  and not (s.status = 'canceled' and s.trial_end is not null and s.canceled_at <= s.trial_end
    and s.current_period_start < s.trial_end)`;

const LIVES = `select s.*, case when ${BEGAN} then 1 else 0 end as began from subscriptions s where s.id > ? order by s.id`;

/** INV10-INV12: every period is billed once, the periods cover the life of the subscription, nothing is forgotten. */
export const periodChecks: Check[] = [
  sqlCheck(
    'INV10',
    'two rows for one subscription, kind and period start',
    `select min(id) as id from billing_periods group by subscription_id, kind, period_start having count(*) > 1`,
  ),
  sqlCheck(
    'INV10',
    'an invoiced period without a live invoice that has lines for it',
    `select p.id from billing_periods p left join invoices i on i.id = p.invoice_id
     where p.state = 'invoiced' and (i.id is null or i.status in ('void', 'draft')
       or i.subscription_id is distinct from p.subscription_id
       or not exists (select 1 from invoice_lines l where l.billing_period_id = p.id and l.invoice_id = i.id))`,
  ),
  sqlCheck(
    'INV10',
    'a live invoice bills a period that is not invoiced by it',
    `select l.id from invoice_lines l join invoices i on i.id = l.invoice_id
     left join billing_periods p on p.id = l.billing_period_id
     where i.status not in ('void', 'draft') and i.origin <> 'manual' and (
       (l.kind = 'plan' and (p.state is distinct from 'invoiced' or p.invoice_id is distinct from i.id))
       or (l.kind = 'usage' and coalesce(p.state, 'pending') = 'pending')
     ) and ${NOT_WITHDRAWN} and not coalesce(${REMADE}, false)`,
  ),
  sqlCheck(
    'INV11',
    'a gap or overlap of the advance periods where nothing was resumed',
    `select r.id from (
       select id, subscription_id, period_start,
         lag(period_end) over (partition by subscription_id order by period_start) as last_end
       from billing_periods where kind = 'advance'
     ) r left join (${RESUMED}) e on e.resource_id = r.subscription_id and e.created_at = r.period_start
     where r.last_end <> r.period_start and e.resource_id is null`,
  ),
  sqlCheck(
    'INV11',
    'two periods that are billed overlap',
    `select id from (
       select id, period_start, lag(period_end) over (partition by subscription_id order by period_start) as last_end
       from billing_periods where kind = 'advance' and state in ('pending', 'invoiced')
     ) r where last_end > period_start`,
  ),
  sqlCheck(
    'INV11',
    'the first period does not begin with the subscription or the end of its trial',
    `select s.id from subscriptions s join (
       select subscription_id, min(period_start) as first_start from billing_periods group by subscription_id
     ) p on p.subscription_id = s.id where p.first_start <> coalesce(s.trial_end, s.created_at)`,
  ),
  sqlCheck(
    'INV11',
    'the current period has no row',
    `select s.id from subscriptions s left join billing_periods p
       on p.subscription_id = s.id and p.kind = 'advance' and p.period_start = s.current_period_start
     where ${BEGAN} and (p.id is null or (p.state = 'invoiced' and p.period_end <> s.current_period_end))`,
  ),
  sqlCheck(
    'INV11',
    'a period is planned or billed that will not come, or more than one ahead',
    `select p.id from billing_periods p join subscriptions s on s.id = p.subscription_id
     where p.kind = 'advance' and p.state in ('pending', 'invoiced') and (p.period_start > s.current_period_end
       or (p.period_start = s.current_period_end
         and (s.cancel_at_period_end or s.status in ('paused', 'canceled', 'trialing'))))`,
  ),
  pageCheck('INV11', 'the current period is not counted from the anchor', LIVES, findMiscounted),
  pageCheck(
    'INV11',
    'what waits to be billed is not what the subscription says',
    'select * from subscriptions where id > ? order by id',
    findMisplanned,
  ),
  sqlCheck(
    'INV12',
    'what is in force for an unchanged period is not what was billed for it',
    `select p.id from billing_periods p join invoices i on i.id = p.invoice_id join (
       select billing_period_id, invoice_id, sum(amount) as billed from invoice_lines
       where kind = 'plan' group by billing_period_id, invoice_id
     ) l on l.billing_period_id = p.id and l.invoice_id = i.id
     where p.kind = 'advance' and p.state = 'invoiced' and p.in_force_from = p.period_start
       and (p.in_force_net > l.billed or (i.discount_amount = 0 and p.in_force_net <> l.billed))
       and not exists (select 1 from invoice_lines x where x.billing_period_id = p.id and x.kind = 'proration')
       and not exists (select 1 from credit_notes c where c.invoice_id = i.id and c.cause = 'proration')`,
  ),
  sqlCheck(
    'INV12',
    'more is in force for a period than was billed for it and not given back',
    `select p.id from billing_periods p left join (${NET_BILLED}) b on b.id = p.id
     where p.kind = 'advance' and p.in_force_net > coalesce(b.net, 0)`,
  ),
  sqlCheck(
    'INV12',
    'what is in force is not known of a billed period, or known of one that is not',
    `select id from billing_periods where kind = 'advance' and (
       (state <> 'pending' and (in_force_net is null or in_force_net < 0))
       or (state = 'pending' and in_force_net is not null))`,
  ),
];

function findMiscounted(_: Db, rows: Row[]): string[] {
  const counted = (row: Row) => {
    const sub = toSubscription(row);
    const [start, end] = [sub.currentPeriodStart, sub.currentPeriodEnd];
    if (Number(row.began) === 0)
      return start === sub.createdAt && end === sub.trialEnd && sub.anchorAt === start && sub.periodIndex === 0;
    return start === periodStart(sub, sub.periodIndex) && end === periodStart(sub, sub.periodIndex + 1);
  };
  return rows.filter((row) => !counted(row)).map(({ id }) => id);
}

/** What the present period and the next one need, as far as it waits to be billed. */
async function findMisplanned(db: Db, rows: Row[]): Promise<string[]> {
  const ids = inList(rows.map(({ id }) => id));
  const pending = await query<Row>(
    db,
    `select * from billing_periods where subscription_id in (${marks(ids)}) and state = 'pending'`,
    ids,
  );
  const subs = new Map(rows.map((row) => [row.id, toSubscription(row)]));
  return pending.filter((row) => !isPlanned(row, subs.get(row.subscription_id)!)).map(({ id }) => id);
}

/** Usage of a part of a period that is over waits for its own end. */
function isPlanned(row: Row, sub: Subscription): boolean {
  if (row.kind === 'usage') return row.due_at === row.period_end && row.due_at <= sub.currentPeriodEnd;
  const planned = plannedPeriods(sub, null).find((one) => one.periodStart === row.period_start);
  return (
    planned !== undefined &&
    planned.periodEnd === row.period_end &&
    planned.dueAt === row.due_at &&
    planned.planVersionId === row.plan_version_id &&
    planned.quantity === int(row.quantity)
  );
}
