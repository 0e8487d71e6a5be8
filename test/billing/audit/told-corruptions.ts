import { type Corruption, first } from './corruption.ts';

const ACTIVE = first('subscriptions', `status = 'active'`);
const FAILED = `update subscriptions set error_count = 1, last_error = 'The database was busy.'`;
const told = (type: string, from: string, to: string, where = '1 = 1') =>
  `update events set body = replace(body, '${from}', '${to}') where type = '${type}' and ${where}`;

/** What fails is tried again, and soon (rules S12). */
const planning: Corruption[] = [
  {
    name: 'an error, and no next try',
    sql: [`${FAILED}, next_action_at = null where id = ${ACTIVE}`],
    breaks: ['INV11'],
  },
  {
    name: 'an error, and the next try is far away',
    sql: [`${FAILED}, next_action_at = '2027-01-01T00:00:00.000Z' where id = ${ACTIVE}`],
    breaks: ['INV11'],
  },
  {
    name: 'an error, and the next try was days ago',
    sql: [
      `${FAILED}, next_action_at = '2026-01-02T00:00:00.000Z', updated_at = created_at where id = ${ACTIVE}`,
      `update billing_periods set due_at = '2026-01-01T00:00:00.000Z' where state = 'pending'
        and subscription_id = ${ACTIVE}`,
    ],
    breaks: ['INV11'],
  },
  {
    name: 'tries that failed without an error',
    sql: [`update subscriptions set error_count = 1 where id = ${ACTIVE}`],
    breaks: ['INV11'],
  },
  {
    name: 'parked with nothing due',
    sql: [
      `insert into parked_items (id, subscription_id, customer_id, code, message, evidence, attempts, parked_at, created_at)
       select 'parked', id, customer_id, 'internal_error', 'm', '{}', 1, created_at, created_at from subscriptions
       where id = ${ACTIVE}`,
    ],
    breaks: ['INV11'],
  },
  {
    name: 'what waits was sold at other terms',
    sql: [`update billing_periods set quantity = 7 where state = 'pending' and kind = 'advance'`],
    breaks: ['INV11'],
  },
];

/** Each amount, number and instant of an event. */
const events: Corruption[] = [
  ...[
    ['invoice.issued', '"amount":"', '"amount":"1'],
    ['invoice.issued', '"amountDue":"', '"amountDue":"1'],
    ['invoice.issued', '"dueDate":"2026', '"dueDate":"2027'],
    ['invoice.created', '"amount":"', '"amount":"1'],
    ['invoice.paid', '"amount":"', '"amount":"1'],
    ['invoice.paid', '"paidAt":"2026', '"paidAt":"2025'],
    ['invoice.voided', '"voidedAt":"2026', '"voidedAt":"2025'],
    ['invoice.overdue', '"amount":"', '"amount":"1'],
    ['payment.succeeded', '"amount":"', '"amount":"1'],
    ['payment.succeeded', '"currency":"USD"', '"currency":"EUR"'],
    ['payment.refunded', '"amount":"', '"amount":"1'],
    ['credit_note.issued', '"creditedToBalance":"', '"creditedToBalance":"1'],
    ['credit.deposited', '"balance":"', '"balance":"1'],
    ['credit.applied', '"amount":"', '"amount":"1'],
    ['subscription.canceled', '"canceledAt":"2026', '"canceledAt":"2025'],
    ['subscription.created', '"createdAt":"2026', '"createdAt":"2025'],
    ['subscription.created', '"amount":"', '"amount":"1'],
    ['subscription.renewed', '"amount":"', '"amount":"1'],
    ['subscription.plan_changed', '"prorationNet":"', '"prorationNet":"1'],
    ['license.created', '"licenseKey":"', '"licenseKey":"X'],
  ].map(([type, from, to]) => ({
    name: `${type} tells another ${from!.split('"')[1]}`,
    sql: [told(type!, from!, to!)],
    breaks: ['INV26'],
  })),
  {
    name: 'another instant of an event than its text says',
    sql: [`update events set created_at = '2026-01-01T00:00:00.000Z' where type = 'invoice.overdue'`],
    breaks: ['INV26'],
  },
];

/** The evidence, and what the tax comes to. */
const evidence: Corruption[] = [
  {
    name: 'no evidence',
    sql: [`update invoices set trace = null where id = ${first('invoices', `status = 'overdue'`)}`],
    breaks: ['INV25', 'INV26'],
  },
  {
    name: 'the evidence of another invoice',
    sql: [
      `update invoices set trace = (select trace from invoices where id = ${first('invoices', `status = 'paid'`)})
       where id = ${first('invoices', `status = 'overdue'`)}`,
    ],
    breaks: ['INV25'],
  },
  {
    name: 'a tax rate of a draft',
    sql: [`update invoices set tax_rate = '0.5', tax_name = 'VAT' where id = ${first('invoices', `status = 'draft'`)}`],
    breaks: ['INV25'],
  },
];

export const added: Corruption[] = [...planning, ...events, ...evidence];
