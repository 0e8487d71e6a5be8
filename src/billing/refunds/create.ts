import { conflict, refuse } from '../../platform/errors.ts';
import { formatMoney } from '../../platform/money.ts';
import { isProvider } from '../../providers/methods.ts';
import type { Billing } from '../billing.ts';
import type { Invoice } from '../invoices/invoice.ts';
import { reversalStateOf } from '../invoices/reversal-state.ts';
import { updateInvoices } from '../invoices/store.ts';
import { productWeights, refundCompletedLines, refundReservedLines } from '../ledger/entries.ts';
import { entryLines } from '../ledger/store.ts';
import type { Payment } from '../payments/payment.ts';
import { updateRefunded } from '../payments/store.ts';
import { reverseGross } from '../pricing/reversal.ts';
import { type Refund, type RefundDestination, type RefundParts, refundable, splitRefund } from './refund.ts';
import { insertRefund } from './store.ts';

export interface RefundWish {
  /** Minor units of the payment's currency, above 0. */
  amount: bigint;
  destination: RefundDestination;
  reason: string;
}

/** A payment, and the invoice it was for, both locked; written back here. */
export interface Refunded {
  payment: Payment;
  invoice: Invoice;
}

/**
 * Refunds a payment (rules K6, K7): what was paid outside the providers, or goes to the credit balance, is complete at
 * once. Throws AppError `conflict`, `provider_not_configured`, `refund_exceeds_payment`.
 */
export async function refundPayment(billing: Billing, of: Refunded, wish: RefundWish): Promise<Refund> {
  const { work } = billing;
  const { payment, invoice } = of;
  if (payment.status !== 'succeeded') throw conflict('Only a payment that succeeded can be refunded.');
  if (wish.destination === 'original' && isProvider(payment.method))
    throw refuse('provider_not_configured', `${payment.method} is not configured.`);
  const refund = pendingRefund(billing, of, wish, await partsOf(billing, of, wish));
  const issued = await entryLines(work.db, 'invoice.issued', [invoice.id]);
  const weights = productWeights(issued.get(invoice.id) ?? []);
  await reserve(billing, of, refund, weights);
  await complete(billing, of, refund, weights);
  await insertRefund(work.db, refund);
  await updateInvoices(work.db, [invoice]);
  await updateRefunded(work.db, payment);
  return refund;
}

async function partsOf({ credits }: Billing, { payment, invoice }: Refunded, wish: RefundWish): Promise<RefundParts> {
  const { customerId, currency } = payment;
  await credits.open([customerId]);
  const balance = credits.balanceOf(customerId, currency);
  const most = refundable(payment, reversalStateOf(invoice), wish.destination, balance);
  const parts = splitRefund(wish.amount, most);
  if (parts) return parts;
  const limit = formatMoney(most.applied + most.excess, currency);
  throw refuse('refund_exceeds_payment', `At most ${limit} ${currency} can be refunded.`, {
    amount: `must be at most ${limit}`,
  });
}

function pendingRefund(
  { work }: Billing,
  { payment, invoice }: Refunded,
  wish: RefundWish,
  parts: RefundParts,
): Refund {
  const { applied, excess } = parts;
  return {
    id: work.newId(),
    paymentId: payment.id,
    invoiceId: invoice.id,
    customerId: payment.customerId,
    amount: wish.amount,
    appliedPart: applied,
    excessPart: excess,
    taxAmount: applied === 0n ? 0n : reverseGross(reversalStateOf(invoice), applied).tax,
    currency: payment.currency,
    destination: wish.destination,
    status: 'pending',
    reason: wish.reason,
    providerReference: null,
    failureReason: null,
    processedAt: null,
    createdAt: work.now,
    updatedAt: work.now,
  };
}

type Weights = ReturnType<typeof productWeights>;

/** From here on nobody else can refund, credit or spend the same money (rules K7). */
async function reserve(billing: Billing, { payment, invoice }: Refunded, refund: Refund, weights: Weights) {
  payment.refundedApplied += refund.appliedPart;
  payment.refundedExcess += refund.excessPart;
  invoice.reversedAmount += refund.appliedPart;
  invoice.reversedTax += refund.taxAmount;
  if (refund.excessPart === 0n) return;
  await billing.credits.move({ ...creditOf(refund), amount: -refund.excessPart });
  billing.journal.push({
    ...entryOf(refund),
    factType: 'refund.reserved',
    lines: refundReservedLines(refund.excessPart, weights),
  });
}

async function complete(billing: Billing, { payment, invoice }: Refunded, refund: Refund, weights: Weights) {
  const { work } = billing;
  refund.status = 'completed';
  refund.processedAt = work.now;
  payment.refundedAmount += refund.amount;
  payment.updatedAt = work.now;
  if (refund.appliedPart > 0n) {
    invoice.amountRefunded += refund.appliedPart;
    invoice.version += 1;
    invoice.updatedAt = work.now;
  }
  if (refund.destination === 'credit') await billing.credits.move({ ...creditOf(refund), amount: refund.amount });
  billing.journal.push({
    ...entryOf(refund),
    factType: 'refund.completed',
    lines: refundCompletedLines(refund, payment.method, weights),
  });
  work.emit(refunded(refund));
}

const creditOf = ({ id, customerId, currency, reason, invoiceId, paymentId }: Refund) => ({
  customerId,
  currency,
  reason: 'refund' as const,
  description: reason,
  invoiceId,
  paymentId,
  refundId: id,
});

const entryOf = ({ id, currency, customerId, invoiceId }: Refund) => ({ factId: id, currency, customerId, invoiceId });

const refunded = (refund: Refund) => ({
  type: 'payment.refunded',
  customerId: refund.customerId,
  resourceType: 'refund',
  resourceId: refund.id,
  data: {
    refundId: refund.id,
    customerId: refund.customerId,
    paymentId: refund.paymentId,
    invoiceId: refund.invoiceId,
    amount: formatMoney(refund.amount, refund.currency),
    currency: refund.currency,
    destination: refund.destination,
  },
});
