import type { RefundCreate, Refund as Shown } from '../../../generated/types.gen.ts';
import { changesOf } from '../../platform/changes.ts';
import type { Db } from '../../platform/db/connect.ts';
import { type Fields, notFound } from '../../platform/errors.ts';
import { readMember, refuseFields } from '../../platform/fields.ts';
import type { Handlers } from '../../platform/http/operations.ts';
import { type PageRequest, paged, readPage } from '../../platform/http/pagination.ts';
import { formatMoney, parseMoney } from '../../platform/money.ts';
import { openBilling } from '../billing.ts';
import { lockInvoices } from '../invoices/store.ts';
import { findPayment, lockPayment } from '../payments/store.ts';
import { type Refunded, type RefundWish, refundPayment } from './create.ts';
import type { Refund } from './refund.ts';
import * as store from './store.ts';

export const refunds: Handlers<'refunds'> = {
  async listRefunds({ query }, { db }) {
    const read = (step: PageRequest) => store.listRefunds(db, query, step);
    return paged(await readPage('refunds', query, { keyOf: ({ id }) => id, read }), presentRefund);
  },

  async getRefund({ path }, { db }) {
    const refund = await store.findRefund(db, path.id);
    if (!refund) throw notFound('refund');
    return presentRefund(refund);
  },

  async createRefund({ body }, context) {
    const of = await lockPaymentAndInvoice(context.db, body.paymentId);
    const wish = readWish(body, of.payment.currency);
    const billing = await openBilling(context);
    const refund = await refundPayment(billing, of, wish);
    const shown = presentRefund(refund);
    context.audit({ entityType: 'refund', entityId: refund.id, changes: changesOf<object>({}, shown) });
    return shown;
  },
};

/** The invoice is locked before its payment (rules X3). Its subscription stays as it is: a refund reopens nothing. */
async function lockPaymentAndInvoice(db: Db, id: string): Promise<Refunded> {
  const known = await findPayment(db, null, id);
  if (!known) throw notFound('payment');
  const [invoice] = await lockInvoices(db, [known.invoiceId]);
  return { invoice: invoice!, payment: (await lockPayment(db, id))! };
}

function readWish({ amount: text, destination = 'original', reason }: RefundCreate, currency: string): RefundWish {
  const fields: Fields = {};
  const amount = readMember(fields, 'amount', () => parseMoney(text, currency));
  refuseFields(fields);
  return { amount: amount!, destination, reason };
}

const presentRefund = (refund: Refund): Shown => ({
  id: refund.id,
  paymentId: refund.paymentId,
  invoiceId: refund.invoiceId,
  customerId: refund.customerId,
  amount: formatMoney(refund.amount, refund.currency),
  taxAmount: formatMoney(refund.taxAmount, refund.currency),
  currency: refund.currency,
  reason: refund.reason,
  destination: refund.destination,
  status: refund.status,
  providerReference: refund.providerReference,
  failureReason: refund.failureReason,
  processedAt: refund.processedAt,
  createdAt: refund.createdAt,
  updatedAt: refund.updatedAt,
});
