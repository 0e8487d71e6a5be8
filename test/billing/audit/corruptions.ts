import { type Corruption, first } from './corruption.ts';
import { licenses } from './license-corruptions.ts';
import { credits, documents, ledger } from './money-corruptions.ts';
import { added } from './told-corruptions.ts';

const VOID = first('invoices', `status = 'void' and issued_at is not null`);
const renamed = (type: string): Corruption => ({
  name: `${type} is gone`,
  sql: [
    `update events set type = 'x.y', body = replace(body, '"type":"${type}"', '"type":"x.y"')
     where id = ${first('events', `type = '${type}'`)}`,
  ],
  breaks: ['INV16'],
});

const CURRENT = `select min(p.id) from billing_periods p join subscriptions s on s.id = p.subscription_id
  and p.period_start = s.current_period_start where p.kind = 'advance' and p.state = 'invoiced' and s.status = 'active'`;
const periods: Corruption[] = [
  {
    name: 'a period twice',
    sql: [
      `insert into billing_periods (id, subscription_id, kind, period_start, period_end, due_at, state, reason,
      plan_version_id, quantity, invoice_id, in_force_from, in_force_net, billed_quantity, billed_amount, billed_net,
      dirty, created_at)
      select 'again', subscription_id, kind, period_start, period_end, due_at, state, reason,
      plan_version_id, quantity, invoice_id, in_force_from, in_force_net, billed_quantity, billed_amount, billed_net,
      dirty, created_at from billing_periods where id = ${first('billing_periods', `kind = 'usage' and state = 'skipped'`)}`,
    ],
    breaks: ['INV10'],
  },
  {
    name: 'billed by a void invoice',
    sql: [`update billing_periods set invoice_id = ${VOID} where id = (${CURRENT})`],
    breaks: ['INV10'],
  },
  {
    name: 'billed and planned again',
    sql: [
      `update billing_periods set state = 'pending', invoice_id = null, in_force_net = null where id = (${CURRENT})`,
    ],
    breaks: ['INV10', 'INV11', 'INV12'],
  },
  {
    name: 'a gap',
    sql: [
      `update billing_periods set period_end = '2026-02-20T00:00:00.000Z'
      where id = ${first('billing_periods', `kind = 'advance' and state = 'invoiced'`)}`,
    ],
    breaks: ['INV11'],
  },
  {
    name: 'an overlap',
    sql: [
      `update billing_periods set period_end = '2026-03-03T00:00:00.000Z'
      where id = ${first('billing_periods', `kind = 'advance' and state = 'invoiced'`)}`,
    ],
    breaks: ['INV11'],
  },
  {
    name: 'unbilled time before the first period',
    sql: [`update subscriptions set created_at = '2025-12-31T00:00:00.000Z' where trial_end is null`],
    breaks: ['INV11', 'INV26'],
  },
  {
    name: 'no current period',
    sql: [`update billing_periods set kind = 'usage' where id = (${CURRENT})`],
    breaks: ['INV11', 'INV12'],
  },
  {
    name: 'forgotten for days',
    sql: [`update billing_periods set due_at = '2026-01-01T00:00:00.000Z' where state = 'pending'`],
    breaks: ['INV11'],
  },
  {
    name: 'nothing planned',
    sql: [`update subscriptions set next_action_at = null where status = 'active'`],
    breaks: ['INV11'],
  },
  {
    name: 'planned beyond the end',
    sql: [`update subscriptions set cancel_at_period_end = not cancel_at_period_end where status = 'active'`],
    breaks: ['INV11', 'INV28'],
  },
  {
    name: 'a period not counted from the anchor',
    sql: [`update subscriptions set period_index = period_index + 1 where status = 'active'`],
    breaks: ['INV11'],
  },
  {
    name: 'more in force than billed',
    sql: [`update billing_periods set in_force_net = in_force_net + 1 where id = (${CURRENT})`],
    breaks: ['INV12'],
  },
  {
    name: 'given back, and not counted by the change after it',
    sql: ['update billing_periods set given_back_before = 0 where given_back_before > 0'],
    breaks: ['INV12'],
  },
  {
    name: 'given back, and in force all the same',
    sql: ['update billing_periods set given_back_before = given_back_before + 10000 where given_back_before > 0'],
    breaks: ['INV12'],
  },
  {
    name: 'something in force for nothing',
    sql: [`update billing_periods set in_force_net = 1 where kind = 'advance' and state in ('waived', 'skipped')`],
    breaks: ['INV12'],
  },
  {
    name: 'what is in force forgotten',
    sql: [`update billing_periods set in_force_net = null where id = (${CURRENT})`],
    breaks: ['INV12'],
  },
];

const USAGE = first('billing_periods', `kind = 'usage' and state = 'invoiced' and not dirty`);
const usage: Corruption[] = [
  {
    name: 'an event that counts for more than was billed',
    sql: ['update usage_events set value_whole = value_whole + 1 where voided_at is null'],
    breaks: ['INV12'],
  },
  {
    name: 'more billed than the lines say',
    sql: [`update billing_periods set billed_amount = billed_amount + 1 where id = ${USAGE}`],
    breaks: ['INV12'],
  },
  {
    name: 'usage billed above its price',
    sql: [`update billing_periods set billed_net = billed_amount + 1 where id = ${USAGE}`],
    breaks: ['INV12'],
  },
  {
    name: 'usage billed without a word of what',
    sql: [`update billing_periods set billed_net = null where id = ${USAGE}`],
    breaks: ['INV12'],
  },
  {
    name: 'usage to be rated again that nobody will',
    sql: [
      `update billing_periods set dirty = true where kind = 'usage' and state in ('invoiced', 'skipped')
       and subscription_id in (select id from subscriptions where status = 'canceled')`,
    ],
    breaks: ['INV11'],
  },
];

const series: Corruption[] = [
  {
    name: 'one reference for two payments',
    sql: [`update payments set method = 'stripe', provider_reference = 'pi_1'`],
    breaks: ['INV14', 'INV2', 'INV26', 'INV3'],
    names: 'stripe pi_1',
  },
  {
    name: 'a payment by a method that nobody knows',
    sql: [`update payments set method = 'paddle' where id = ${first('payments', `status = 'succeeded'`)}`],
    breaks: ['INV14', 'INV2', 'INV26', 'INV3'],
  },
  {
    name: 'a customer who pays by a method that nobody knows',
    sql: [`update customers set payment_method = 'paddle' where id = ${first('customers', '1 = 1')}`],
    breaks: ['INV14'],
  },
  {
    name: 'money in an account that nobody knows',
    sql: [`update journal_lines set account = 'cash:paddle' where account = 'cash:manual'`],
    breaks: ['INV14', 'INV2', 'INV3'],
  },
  {
    name: 'a tax quote of a provider that nobody knows',
    sql: [
      `insert into tax_quotes (country, region, product_category, provider, tax_name, rate, valid_until)
       values ('FR', '', '', 'paddle', 'VAT', '0.2', '2030-01-01T00:00:00.000Z')`,
    ],
    breaks: ['INV14'],
    names: 'FR paddle',
  },
  {
    name: 'a subscription managed by nobody',
    sql: [`update subscriptions set managed_by = 'paddle' where id = ${first('subscriptions', `status = 'active'`)}`],
    breaks: ['INV14'],
  },
  ...['invoice', 'credit_note'].map((kind) => ({
    name: `an ${kind} number is left out`,
    sql: [`update counters set value = value + 1 where scope like '${kind}:%'`],
    breaks: ['INV15'],
  })),
  {
    name: 'an invoice number is there twice',
    sql: [`update invoices set invoice_number = 'INV-2026-0001' where invoice_number = 'INV-2026-0002'`],
    breaks: ['INV15', 'INV26'],
    names: 'INV-2026-',
  },
  {
    name: 'an invoice number of another year',
    sql: [`update invoices set invoice_number = 'INV-2025-0001' where invoice_number = 'INV-2026-0001'`],
    breaks: ['INV15', 'INV26'],
    names: 'INV-2025-0001',
  },
  {
    name: 'a credit note number of another year',
    sql: [`update credit_notes set credit_note_number = 'CN-2025-0001'`],
    breaks: ['INV15', 'INV26'],
  },
];

const events: Corruption[] = [
  {
    name: 'a sequence is left out',
    sql: [`update events set sequence = sequence + 1 where customer_id is not null`],
    breaks: ['INV16', 'INV26'],
  },
  ...['invoice.issued', 'invoice.paid', 'invoice.voided', 'invoice.overdue', 'subscription.created'].map(renamed),
  ...[
    'subscription.canceled',
    'payment.succeeded',
    'payment.refunded',
    'credit_note.issued',
    'credit.deposited',
    'credit.applied',
  ].map(renamed),
  {
    name: 'a position is left out',
    sql: ['update events set position = position + 1'],
    breaks: ['INV22'],
  },
  {
    name: 'positions against the sequence',
    sql: [`update events set position = (select max(position) from events) + 1 - position`],
    breaks: ['INV22'],
  },
  {
    name: 'no position for long',
    sql: ['update events set position = null'],
    breaks: ['INV22'],
  },
  {
    name: 'a subscription without audit row',
    sql: [`delete from audit_log where entity_type = 'subscription'`],
    breaks: ['INV22'],
  },
  ...['credit_entry', 'credit_note', 'refund'].map((type) => ({
    name: `a ${type} without audit row`,
    sql: [`delete from audit_log where entity_type = '${type}'`],
    breaks: ['INV22'],
  })),
];

const others: Corruption[] = [
  {
    name: 'a movement is off',
    sql: [
      `update mrr_movements set delta = delta - 1 where id = (select max(id) from mrr_movements where kind = 'new')`,
    ],
    breaks: ['INV17'],
  },
  {
    name: 'a total of movements is off',
    sql: ['update customer_mrr set mrr = mrr + 1'],
    breaks: ['INV17'],
  },
  { name: 'a movement of another kind', sql: [`update mrr_movements set kind = 'churn'`], breaks: ['INV17'] },
  { name: 'a redemption of nothing', sql: ['update coupons set times_redeemed = 2'], breaks: ['INV21'] },
  { name: 'a redemption too many', sql: ['update coupons set max_redemptions = 0'], breaks: ['INV21'] },
  {
    name: 'a discount line of no discount',
    sql: [`update invoice_lines set discount_id = 'x' where kind = 'discount'`],
    breaks: ['INV21', 'INV25'],
  },
  {
    name: 'past due without reason',
    sql: [`update subscriptions set status = 'past_due' where status = 'active'`],
    breaks: ['INV20', 'INV28'],
  },
  {
    name: 'paused for dunning without reason',
    sql: [`update subscriptions set pause_reason = 'dunning' where status = 'paused'`],
    breaks: ['INV20', 'INV28'],
  },
];

export const CORRUPTIONS: Corruption[] = [
  ...[...ledger, ...documents, ...credits],
  ...[...periods, ...usage, ...series, ...events, ...others, ...licenses, ...added],
];
