import type { Payment as Shown } from '../../../generated/types.gen.ts';
import { formatMoney } from '../../platform/money.ts';
import type { Payment } from './payment.ts';

export const presentPayment = (payment: Payment): Shown => ({
  id: payment.id,
  invoiceId: payment.invoiceId,
  customerId: payment.customerId,
  amount: formatMoney(payment.amount, payment.currency),
  currency: payment.currency,
  paymentMethod: payment.method,
  status: payment.status,
  providerReference: payment.providerReference,
  paymentMethodId: null,
  appliedAmount: formatMoney(payment.appliedAmount, payment.currency),
  creditedAmount: formatMoney(payment.creditedAmount, payment.currency),
  refundedAmount: formatMoney(payment.refundedAmount, payment.currency),
  notes: payment.notes,
  paidAt: payment.paidAt,
  createdAt: payment.createdAt,
  updatedAt: payment.updatedAt,
});
