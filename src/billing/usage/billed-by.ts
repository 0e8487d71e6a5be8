import type { Db } from '../../platform/db/connect.ts';
import { inList } from '../../platform/db/in-list.ts';
import { query } from '../../platform/db/sql.ts';

interface Row {
  id: string;
  period_invoice: string;
  later_invoice: string | null;
  open: unknown;
}

/**
 * Which invoice billed each of these events, where one did; one statement. It is the first one with lines for the
 * event's period that was issued after the event came. What changed nothing of the bill has the period's invoice, once
 * the period has been rated again; a voided event only an invoice from before that.
 */
export async function invoicesOfEvents(db: Db, eventIds: readonly string[]): Promise<Map<string, string>> {
  if (eventIds.length === 0) return new Map();
  const ids = inList(eventIds);
  const rows = await query<Row>(
    db,
    `select e.id, p.invoice_id as period_invoice,
       case when p.dirty or e.voided_at is not null then 1 else 0 end as open,
       (select i.id from invoice_lines l join invoices i on i.id = l.invoice_id
        where l.billing_period_id = p.id and i.status <> 'void'
          and (i.issued_at > e.created_at or (i.issued_at = e.created_at and i.id > e.id))
          and (e.voided_at is null or i.issued_at < e.voided_at)
        order by i.issued_at, i.id limit 1) as later_invoice
     from usage_events e join billing_periods p on p.subscription_id = e.subscription_id and p.kind = 'usage'
       and p.state = 'invoiced' and p.period_start <= e.timestamp and e.timestamp < p.period_end
     where e.id in (${ids.map(() => '?').join(', ')})`,
    ids,
  );
  const found = rows.map((row): [string, string | null] => [
    row.id,
    row.later_invoice ?? (Number(row.open) === 1 ? null : row.period_invoice),
  ]);
  return new Map(found.filter((one): one is [string, string] => one[1] !== null));
}
