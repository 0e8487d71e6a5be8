import type { CreditEntryCreate, CreditEntry as Shown } from '../../../generated/types.gen.ts';
import { loadBillingCustomers } from '../../customers/billing-customers.ts';
import { requireCustomer } from '../../customers/store.ts';
import { changesOf } from '../../platform/changes.ts';
import type { Fields } from '../../platform/errors.ts';
import { readMember, refuseFields } from '../../platform/fields.ts';
import type { Handlers } from '../../platform/http/operations.ts';
import { type PageRequest, paged, readPage } from '../../platform/http/pagination.ts';
import { exponentOf, formatMoney, parseMoney } from '../../platform/money.ts';
import { type Billing, openBilling } from '../billing.ts';
import type { CreditEntry } from '../ledger/credit-entry.ts';
import { listCreditEntries } from './store.ts';

type Tag = Handlers<'credits'>;

const listCredits: Tag['listCredits'] = async ({ query }, { db, scope }) => {
  const read = (step: PageRequest) => listCreditEntries(db, scope, query, step);
  return paged(await readPage('credits', query, { keyOf: ({ id }) => id, read }), presentCreditEntry);
};

export const credits: Tag = {
  listCredits,
  v1ListCredits: listCredits,

  async createCredit({ body }, context) {
    await requireCustomer(context.db, body.customerId);
    const billing = await openBilling(context);
    const entry = await adjustCredit(billing, body);
    const shown = presentCreditEntry(entry);
    context.audit({ entityType: 'credit_entry', entityId: entry.id, changes: changesOf<object>({}, shown) });
    return shown;
  },
};

/** A deposit or withdrawal by hand (rules K2). Throws AppError `validation_error`, `insufficient_credit`. */
async function adjustCredit(billing: Billing, body: CreditEntryCreate): Promise<CreditEntry> {
  const { customerId, description } = body;
  const { work, settings, credits: book } = billing;
  const customer = (await loadBillingCustomers(work.db, [customerId])).get(customerId)!;
  const currency = body.currency ?? customer.currency ?? settings.defaultCurrency;
  exponentOf(currency);
  await book.open([customerId]);
  const fields: Fields = {};
  const amount = readMember(fields, 'amount', () => parseMoney(body.amount, currency));
  if (amount === 0n) fields.amount = 'must not be zero';
  refuseFields(fields);
  return book.move({ customerId, currency, amount: amount!, reason: 'manual', description });
}

const presentCreditEntry = (entry: CreditEntry): Shown => ({
  id: entry.id,
  customerId: entry.customerId,
  currency: entry.currency,
  amount: formatMoney(entry.amount, entry.currency),
  balanceAfter: formatMoney(entry.balanceAfter, entry.currency),
  reason: entry.reason,
  description: entry.description,
  invoiceId: entry.invoiceId,
  creditNoteId: entry.creditNoteId,
  refundId: entry.refundId,
  createdAt: entry.createdAt,
});
