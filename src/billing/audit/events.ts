import { addMilliseconds } from '../../platform/calendar.ts';
import { type Check, sqlCheck } from './check.ts';

/** Facts that are told by exactly one event each. */
const TOLD_ONCE: [type: string, facts: string][] = [
  ['invoice.issued', 'select id from invoices where issued_at is not null'],
  ['invoice.paid', `select id from invoices where status = 'paid'`],
  ['invoice.voided', `select id from invoices where status = 'void'`],
  ['subscription.created', 'select id from subscriptions'],
  ['subscription.canceled', `select id from subscriptions where status = 'canceled'`],
  ['payment.succeeded', `select id from payments where status = 'succeeded'`],
  ['payment.refunded', `select id from refunds where status = 'completed'`],
  ['credit_note.issued', 'select id from credit_notes where issued_at is not null'],
  ['credit.deposited', 'select id from credit_entries where amount > 0'],
  ['credit.applied', `select id from credit_entries where reason = 'invoice_application'`],
];

const toldOnce = ([type, facts]: [string, string]): Check =>
  sqlCheck(
    'INV16',
    `${type} does not stand exactly once for each such fact`,
    `select id from (
       select id, 1 as n from (${facts}) f
       union all select resource_id, -1 from events where type = '${type}'
     ) both_sides group by id having sum(n) <> 0`,
  );

const MINUTE = 60_000;

/** INV16, INV22: events without gap per customer and in the global order; every mutation audited. */
export const eventChecks: Check[] = [
  sqlCheck(
    'INV16',
    'the events of a customer are not numbered 1 to n',
    `select customer_id as id from (
       select customer_id, count(*) as n, max(sequence) as top, 0 as value from events
       where customer_id is not null group by customer_id
       union all select substr(scope, 8), 0, 0, value from counters where scope like 'events:%'
     ) both_sides group by customer_id having sum(n) <> sum(value) or sum(top) <> sum(value)`,
  ),
  ...TOLD_ONCE.map(toldOnce),
  sqlCheck(
    'INV16',
    'invoice.overdue is missing',
    `select i.id from invoices i left join (
       select distinct resource_id from events where type = 'invoice.overdue'
     ) e on e.resource_id = i.id where i.status = 'overdue' and e.resource_id is null`,
  ),
  sqlCheck(
    'INV22',
    'the positions of the events are not 1 to n',
    `select 'position ' || cast(max(position) as text) as id from events
     having count(position) <> max(position) or count(distinct position) <> max(position)`,
  ),
  sqlCheck(
    'INV22',
    'an event stands before one of the same customer with a lower sequence',
    `select id from (
       select id, position,
         max(coalesce(position, 9007199254740991)) over (
           partition by customer_id order by sequence rows between unbounded preceding and 1 preceding
         ) as before
       from events where customer_id is not null
     ) e where position < before`,
  ),
  sqlCheck(
    'INV22',
    'an event older than a minute has no position',
    'select id from events where position is null and created_at < ?',
    (now) => [addMilliseconds(now, -MINUTE)],
  ),
  sqlCheck(
    'INV22',
    'no audit row says who made it',
    `select d.id from (
       select 'subscription' as kind, id, null as within from subscriptions
       union all select 'invoice', id, null from invoices where origin = 'manual'
       union all select 'payment', id, invoice_id from payments
       union all select 'credit_note', id, null from credit_notes where cause = 'manual'
       union all select 'credit_entry', id, null from credit_entries where reason = 'manual'
       union all select 'refund', id, null from refunds
       union all select 'license', id, null from licenses
     ) d
     where not exists (select 1 from audit_log a where a.entity_type = d.kind and a.entity_id = d.id)
       and not exists (select 1 from audit_log a where a.entity_type = 'invoice' and a.entity_id = d.within)`,
  ),
];
