import type { Instant } from '../../platform/calendar.ts';
import { refuse } from '../../platform/errors.ts';
import { formatMoney } from '../../platform/money.ts';
import type { PaymentMethodCode } from '../../providers/methods.ts';
import type { Billing } from '../billing.ts';
import { type Invoice, isOpen } from '../invoices/invoice.ts';
import { settle } from '../invoices/settle.ts';
import { updateInvoices } from '../invoices/store.ts';
import { paymentLines } from '../ledger/entries.ts';
import type { Payment } from './payment.ts';
import { insertPayment } from './store.ts';

export interface ReceivedMoney {
  /** Minor units of the invoice's currency. */
  amount: bigint;
  method: PaymentMethodCode;
  providerReference?: string | null;
  notes?: string | null;
  paidAt?: Instant;
}

/**
 * Books money received for a locked invoice: up to the amount due settles it, the rest goes to the credit balance
 * (rules A8); an open invoice with nothing left due is paid and its subscription healed in the same commit (A9).
 * Throws AppError `already_exists` for a provider reference that is booked already.
 */
export async function recordPayment(billing: Billing, invoice: Invoice, money: ReceivedMoney): Promise<Payment> {
  const { work, credits, journal } = billing;
  const payment = paymentOf(billing, invoice, money);
  if (!(await insertPayment(work.db, payment)))
    throw refuse('already_exists', 'This provider reference is booked already.', { providerReference: 'is taken' });
  work.emit(succeeded(payment));
  if (payment.creditedAmount > 0n) {
    await credits.open([invoice.customerId]);
    await credits.move({
      customerId: invoice.customerId,
      currency: invoice.currency,
      amount: payment.creditedAmount,
      reason: 'overpayment',
      description: `Overpayment of ${invoice.invoiceNumber ?? 'an invoice'}`,
      invoiceId: invoice.id,
      paymentId: payment.id,
    });
  }
  journal.push({
    factType: 'payment.succeeded',
    factId: payment.id,
    currency: payment.currency,
    customerId: payment.customerId,
    invoiceId: payment.invoiceId,
    lines: paymentLines(payment.method, payment.appliedAmount, payment.creditedAmount),
  });
  if (payment.appliedAmount === 0n) return payment;
  settle(work, invoice, { paid: payment.appliedAmount });
  await updateInvoices(work.db, [invoice]);
  if (invoice.status === 'paid' && invoice.subscriptionId)
    await work.runtime.hooks.invoices.settled(work, invoice.subscriptionId);
  return payment;
}

/** A person calls a locked invoice paid. */
export async function markPaid(billing: Billing, invoice: Invoice): Promise<void> {
  await recordPayment(billing, invoice, { amount: invoice.amountDue, method: 'manual' });
}

function paymentOf({ work }: Billing, invoice: Invoice, money: ReceivedMoney): Payment {
  const due = isOpen(invoice.status) ? invoice.amountDue : 0n;
  const applied = money.amount < due ? money.amount : due;
  return {
    id: work.newId(),
    invoiceId: invoice.id,
    customerId: invoice.customerId,
    method: money.method,
    status: 'succeeded',
    amount: money.amount,
    currency: invoice.currency,
    appliedAmount: applied,
    creditedAmount: money.amount - applied,
    refundedAmount: 0n,
    refundedApplied: 0n,
    refundedExcess: 0n,
    providerReference: money.providerReference ?? null,
    notes: money.notes ?? null,
    paidAt: money.paidAt ?? work.now,
    createdAt: work.now,
    updatedAt: work.now,
  };
}

const succeeded = (payment: Payment) => ({
  type: 'payment.succeeded',
  customerId: payment.customerId,
  resourceType: 'payment',
  resourceId: payment.id,
  data: {
    paymentId: payment.id,
    customerId: payment.customerId,
    invoiceId: payment.invoiceId,
    amount: formatMoney(payment.amount, payment.currency),
    currency: payment.currency,
    paymentMethod: payment.method,
    paymentMethodId: null,
    providerReference: payment.providerReference,
  },
});
