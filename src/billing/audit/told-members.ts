import { money as minor } from '../../platform/db/columns.ts';
import { formatMoney } from '../../platform/money.ts';

// biome-ignore lint/suspicious/noExplicitAny: a row as either driver answers it, and an event's data as it was written
type Row = any;

/** What an event says of its resource that stays true: table of the resource, when it happened, members of the data. */
interface Told {
  table: string;
  /** The instant of the fact; undefined when the row does not keep it. */
  at?: (row: Row) => string;
  members: (row: Row, told: Row) => Record<string, unknown>;
}

const money = (amount: unknown, { currency }: Row) => formatMoney(minor(amount), currency);
const size = (amount: bigint) => (amount < 0n ? -amount : amount);

const ofInvoice = (row: Row) => ({
  invoiceId: row.id,
  customerId: row.customer_id,
  subscriptionId: row.subscription_id,
  currency: row.currency,
});
const issued = (row: Row) => ({
  ...ofInvoice(row),
  invoiceNumber: row.invoice_number,
  amount: money(row.total, row),
});
const ofEntry = (row: Row) => ({
  creditEntryId: row.id,
  customerId: row.customer_id,
  invoiceId: row.invoice_id,
  amount: formatMoney(size(minor(row.amount)), row.currency),
  balance: money(row.balance_after, row),
  currency: row.currency,
});
const ofSubscription = (row: Row) => ({ subscriptionId: row.id, customerId: row.customer_id });
const ofLicense = (row: Row) => ({ licenseId: row.id, customerId: row.customer_id, licenseKey: row.license_key });

/** The amount due at issue, as the evidence has it; what cannot be read is not what was told. */
function dueAtIssue({ trace }: Row): unknown {
  try {
    return JSON.parse(trace).steps.at(-1).result;
  } catch {
    return undefined;
  }
}

/** Members that change later are left out: they say what was so then. */
export const TOLD: Record<string, Told> = {
  'invoice.created': {
    table: 'invoices',
    at: (row) => row.created_at,
    members: (row, told) =>
      told.status === 'draft' ? ofInvoice(row) : { ...issued(row), status: told.status, dueDate: row.due_date },
  },
  'invoice.issued': {
    table: 'invoices',
    at: (row) => row.issued_at,
    members: (row) => ({ ...issued(row), dueDate: row.due_date, amountDue: dueAtIssue(row) }),
  },
  'invoice.paid': {
    table: 'invoices',
    at: (row) => row.paid_at,
    members: (row) => ({ ...issued(row), paidAt: row.paid_at }),
  },
  'invoice.voided': {
    table: 'invoices',
    at: (row) => row.voided_at,
    members: (row) => ({ ...issued(row), voidedAt: row.voided_at }),
  },
  'invoice.overdue': { table: 'invoices', members: (row) => ({ ...issued(row), dueDate: row.due_date }) },
  'payment.succeeded': {
    table: 'payments',
    at: (row) => row.created_at,
    members: (row) => ({
      paymentId: row.id,
      customerId: row.customer_id,
      invoiceId: row.invoice_id,
      amount: money(row.amount, row),
      currency: row.currency,
      paymentMethod: row.method,
      providerReference: row.provider_reference,
    }),
  },
  'payment.refunded': {
    table: 'refunds',
    at: (row) => row.processed_at,
    members: (row) => ({
      refundId: row.id,
      customerId: row.customer_id,
      paymentId: row.payment_id,
      invoiceId: row.invoice_id,
      amount: money(row.amount, row),
      currency: row.currency,
      destination: row.destination,
    }),
  },
  'credit_note.issued': {
    table: 'credit_notes',
    at: (row) => row.issued_at,
    members: (row) => ({
      creditNoteId: row.id,
      customerId: row.customer_id,
      invoiceId: row.invoice_id,
      creditNoteNumber: row.credit_note_number,
      amount: money(row.amount, row),
      appliedToInvoice: money(row.applied_to_invoice, row),
      creditedToBalance: money(row.credited_to_balance, row),
      currency: row.currency,
    }),
  },
  'credit.deposited': {
    table: 'credit_entries',
    at: (row) => row.created_at,
    members: (row) => ({ ...ofEntry(row), reason: row.reason }),
  },
  'credit.applied': { table: 'credit_entries', at: (row) => row.created_at, members: ofEntry },
  'subscription.created': {
    table: 'subscriptions',
    at: (row) => row.created_at,
    members: (row) => ({ ...ofSubscription(row), currency: row.currency }),
  },
  'subscription.canceled': {
    table: 'subscriptions',
    members: (row) => ({ ...ofSubscription(row), canceledAt: row.canceled_at, reason: row.cancel_reason }),
  },
  'license.created': {
    table: 'licenses',
    at: (row) => row.created_at,
    members: (row) => ({ ...ofLicense(row), subscriptionId: row.subscription_id }),
  },
};
