import type { PaymentCreate } from '../../../generated/types.gen.ts';
import { changesOf } from '../../platform/changes.ts';
import type { Db } from '../../platform/db/connect.ts';
import { lockNames } from '../../platform/db/locks.ts';
import { conflict, type Fields, notFound, refuse } from '../../platform/errors.ts';
import { readMember, refuseFields } from '../../platform/fields.ts';
import type { Handlers } from '../../platform/http/operations.ts';
import { type PageRequest, paged, readPage } from '../../platform/http/pagination.ts';
import { parseMoney } from '../../platform/money.ts';
import { checkRange } from '../../platform/ranges.ts';
import { isProvider } from '../../providers/methods.ts';
import { openBilling } from '../billing.ts';
import { type Invoice, refuseFinal } from '../invoices/invoice.ts';
import { lockInvoiceAndSubscription } from '../invoices/lock.ts';
import { readInstant } from '../invoices/manual-lines.ts';
import type { Payment } from './payment.ts';
import { presentPayment } from './present.ts';
import { recordPayment } from './record.ts';
import * as store from './store.ts';

type Tag = Handlers<'payments'>;

const listPayments: Tag['listPayments'] = async ({ query }, { db, scope }) => {
  const filter = { ...query, ...checkRange(query) };
  const read = (step: PageRequest) => store.listPayments(db, scope, filter, step);
  return paged(await readPage('payments', query, { keyOf: ({ id }) => id, read }), presentPayment);
};

const getPayment: Tag['getPayment'] = async ({ path }, { db, scope }) => {
  const payment = await store.findPayment(db, scope, path.id);
  if (!payment) throw notFound('payment');
  return presentPayment(payment);
};

const createPayment: Tag['createPayment'] = async ({ body }, context) => {
  const { db, now } = context;
  const invoice = await lockInvoiceAndSubscription(context, body.invoiceId);
  const money = readMoney(body, invoice, now);
  const known = await findKnown(db, body, invoice, money.amount);
  if (known) return presentPayment(known);
  if (invoice.status === 'draft') throw conflict('Issue the draft before it is paid.');
  refuseFinal(invoice);
  const billing = await openBilling(context);
  const payment = await recordPayment(billing, invoice, money);
  const shown = presentPayment(payment);
  context.audit({ entityType: 'payment', entityId: payment.id, changes: changesOf<object>({}, shown) });
  return shown;
};

export const payments: Tag = {
  listPayments,
  getPayment,
  createPayment,
  v1ListPayments: listPayments,
  v1GetPayment: getPayment,
  v1CreatePayment: createPayment,

  async updatePayment({ path, body }, context) {
    const { db, now } = context;
    const before = await store.lockPayment(db, path.id);
    if (!before) throw notFound('payment');
    const after = { ...before, ...withoutUndefined(body) };
    const changes = changesOf(before, after);
    if (Object.keys(changes).length === 0) return presentPayment(before);
    after.updatedAt = now;
    if (after.providerReference !== before.providerReference) await refuseTaken(db, after);
    await store.updatePayment(db, after);
    context.audit({ entityType: 'payment', entityId: path.id, changes });
    return presentPayment(after);
  },
};

function readMoney(body: PaymentCreate, invoice: Invoice, now: string) {
  const fields: Fields = {};
  const amount = readMember(fields, 'amount', () => parseMoney(body.amount, invoice.currency));
  if (amount !== undefined && amount <= 0n) fields.amount = 'must be greater than zero';
  const paidAt = readInstant(fields, 'paidAt', body.paidAt) ?? now;
  if (paidAt > now) fields.paidAt = 'must not be in the future';
  refuseFields(fields);
  const { paymentMethod: method, providerReference, notes } = body;
  return { amount: amount!, method, providerReference: providerReference ?? null, notes: notes ?? null, paidAt };
}

/** The same provider reference for the same invoice and amount is the payment we know (rules A8), checked first. */
async function findKnown(db: Db, body: PaymentCreate, invoice: Invoice, amount: bigint): Promise<Payment | undefined> {
  if (!isProvider(body.paymentMethod) || !body.providerReference) return undefined;
  await lockNames(db, [referenceName(body.paymentMethod, body.providerReference)]);
  const known = await store.findByReference(db, body.paymentMethod, body.providerReference);
  if (!known) return undefined;
  if (known.invoiceId === invoice.id && known.amount === amount) return known;
  throw refuse('already_exists', 'This provider reference is booked already.', { providerReference: 'is taken' });
}

async function refuseTaken(db: Db, payment: Payment): Promise<void> {
  if (!isProvider(payment.method) || !payment.providerReference) return;
  await lockNames(db, [referenceName(payment.method, payment.providerReference)]);
  const known = await store.findByReference(db, payment.method, payment.providerReference);
  if (known && known.id !== payment.id)
    throw refuse('already_exists', 'This provider reference is booked already.', { providerReference: 'is taken' });
}

/** Whoever books or changes a reference holds its name, so that two at once see each other. */
const referenceName = (method: string, reference: string) => `payment:${method}:${reference}`;

const withoutUndefined = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as T;
