import { type Check, sqlCheck } from './check.ts';

const same = (detail: string, sql: string): Check => sqlCheck('INV27', detail, sql);

/** What settled an invoice, each with its instant. */
const SETTLED = `select id as invoice_id, issued_at as at from invoices where issued_at is not null
  union all select invoice_id, created_at from payments where applied_amount > 0
  union all select invoice_id, created_at from credit_entries where reason = 'invoice_application'
  union all select invoice_id, issued_at from credit_notes where applied_to_invoice > 0 and issued_at is not null`;

/** What each credit entry belongs to, by the column that names it, with the instant of that. */
const MOVED = `select e.id, e.created_at, p.created_at as at from credit_entries e join payments p on p.id = e.payment_id
    where e.reason = 'overpayment'
  union all select e.id, e.created_at, case when e.reason = 'credit_note_void' then n.voided_at else n.issued_at end
    from credit_entries e join credit_notes n on n.id = e.credit_note_id
  union all select e.id, e.created_at, case when e.amount < 0 then r.created_at else r.processed_at end
    from credit_entries e join refunds r on r.id = e.refund_id
  union all select e.id, e.created_at, i.voided_at from credit_entries e join invoices i on i.id = e.invoice_id
    where e.reason = 'invoice_void'`;

/** INV27: an instant that a row keeps is that of the fact it stands for. */
export const instantChecks: Check[] = [
  same(
    'an invoice was paid at an instant when nothing settled it',
    `select i.id from invoices i left join (select distinct invoice_id, at from (${SETTLED}) s) s
       on s.invoice_id = i.id and s.at = i.paid_at
     where i.paid_at is not null and s.invoice_id is null`,
  ),
  same(
    'a credit entry is of another instant than what it belongs to',
    `select id from (${MOVED}) moved where created_at is distinct from at`,
  ),
  same(
    'what happened once says so at two instants',
    `select id from journal_entries where created_at <> posted_at
     union all select id from mrr_movements where created_at <> at
     union all select id from subscription_discounts where created_at <> applied_at
     union all select id from parked_items where created_at <> parked_at`,
  ),
  same(
    'something ended, was settled or changed before it began',
    `select id from invoices where paid_at < issued_at or voided_at < created_at or issued_at < created_at
         or updated_at < created_at
     union all select id from credit_notes where voided_at < issued_at or issued_at < created_at
     union all select id from refunds where processed_at < created_at
     union all select id from subscriptions where canceled_at < created_at or paused_at < created_at
         or updated_at < created_at
     union all select id from subscription_discounts where removed_at < applied_at
     union all select id from parked_items where resolved_at < parked_at`,
  ),
  same(
    'a credit note of a change is of an instant when nothing was changed',
    `select n.id from credit_notes n join invoices i on i.id = n.invoice_id left join (
       select distinct resource_id, created_at from events where type = 'subscription.plan_changed'
     ) e on e.resource_id = i.subscription_id and e.created_at = n.issued_at
     where n.cause = 'proration' and e.resource_id is null`,
  ),
  same(
    'a paused subscription was paused at another instant than its last event says',
    `select s.id from subscriptions s left join (
       select resource_id, max(created_at) as at from events where type = 'subscription.paused' group by resource_id
     ) e on e.resource_id = s.id
     where s.paused_at is distinct from case when s.status = 'paused' then e.at end`,
  ),
  same(
    'a licence was first used at an instant when no device was registered',
    `select l.id from licenses l left join (
       select distinct resource_id, created_at from events where type = 'license.activated'
     ) e on e.resource_id = l.id and e.created_at = l.activated_at
     where l.activated_at is not null and e.resource_id is null`,
  ),
  same(
    'a device was registered or seen at an instant that cannot be',
    `select a.license_id || ' ' || a.device_id as id from license_activations a join licenses l on l.id = a.license_id
     left join (
       select distinct resource_id, created_at from events where type = 'license.activated'
     ) e on e.resource_id = a.license_id and e.created_at = a.activated_at
     where e.resource_id is null or a.last_seen_at < a.activated_at or l.activated_at > a.activated_at`,
  ),
];
