import { changesOf } from '../../platform/changes.ts';
import { refuse } from '../../platform/errors.ts';
import type { Context, Handlers } from '../../platform/http/operations.ts';
import { type Page, type PageRequest, paged, readPage } from '../../platform/http/pagination.ts';
import { checkVersion } from '../../platform/http/versions.ts';
import { checkRange } from '../../platform/ranges.ts';
import { openBilling } from '../billing.ts';
import { changeInvoice } from './change.ts';
import { createManualInvoice } from './create.ts';
import type { Invoice } from './invoice.ts';
import { loadLines, weighLines } from './line-store.ts';
import { lockInvoiceAndSubscription } from './lock.ts';
import { presentInvoice } from './present.ts';
import { withSeller, withSellers } from './seller.ts';
import * as store from './store.ts';

type Tag = Handlers<'invoices'>;
type Shown = ReturnType<typeof presentInvoice>;
/** What shows payments and credit notes too is in invoice-views/; `mail/` sends. */
type ShownElsewhere =
  | 'getInvoice'
  | 'getInvoicePdf'
  | 'explainInvoice'
  | 'v1GetInvoice'
  | 'v1GetInvoicePdf'
  | 'sendInvoice';

/** About the bytes of an invoice without its lines, in a list. */
const INVOICE_BYTES = 1500;

const listInvoices: Tag['listInvoices'] = async ({ query }, { db, scope, now, v1, runtime }): Promise<Page<Shown>> => {
  const filter = { ...query, ...checkRange(query) };
  const read = async (step: PageRequest) => weighLines(db, await store.listInvoices(db, scope, filter, now, step));
  const keyOf = ({ invoice }: { invoice: Invoice }) => invoice.id;
  const weigh = ({ bytes }: { bytes: number }) => INVOICE_BYTES + bytes;
  const { rows, next } = await readPage('invoices', query, { keyOf, read, weigh });
  const shown = await withSellers(
    db,
    runtime.config,
    rows.map(({ invoice }) => invoice),
  );
  const lines = await loadLines(
    db,
    shown.map(({ id }) => id),
  );
  return paged({ rows: shown, next }, (row) => presentInvoice(row, lines.get(row.id)!, v1));
};

const createInvoice: Tag['createInvoice'] = async ({ body }, context) => {
  const billing = await openBilling(context);
  const invoice = await createManualInvoice(billing, body);
  const shown = await presentOne(context, invoice);
  context.audit({ entityType: 'invoice', entityId: invoice.id, changes: changesOf<object>({}, shown) });
  return shown;
};

const updateInvoice: Tag['updateInvoice'] = async ({ path, body }, context) => {
  const before = await lockInvoiceAndSubscription(context, path.id);
  checkVersion(context, before.version);
  const shownBefore = await presentOne(context, before);
  const billing = await openBilling(context);
  const after = await changeInvoice(billing, before, body);
  const shown = await presentOne(context, after);
  const changes = changesOf(shownBefore, shown);
  if (Object.keys(changes).length > 0) context.audit({ entityType: 'invoice', entityId: path.id, changes });
  return shown;
};

const deleteInvoice: Tag['deleteInvoice'] = async ({ path }, context) => {
  const invoice = await lockInvoiceAndSubscription(context, path.id);
  checkVersion(context, invoice.version);
  if (invoice.status !== 'draft') throw refuse('conflict', 'Only drafts can be deleted. Void the invoice instead.');
  await store.deleteDraft(context.db, path.id);
  context.audit({ entityType: 'invoice', entityId: path.id });
};

export const invoices: Omit<Tag, ShownElsewhere> = {
  listInvoices,
  createInvoice,
  updateInvoice,
  deleteInvoice,
  v1ListInvoices: listInvoices,
  v1CreateInvoice: createInvoice,
  v1UpdateInvoice: updateInvoice,
  v1DeleteInvoice: deleteInvoice,
};

/** Read again: a draft shows the customer's present name, and stored decimals are the ones that count. */
async function presentOne({ db, v1, runtime }: Context, { id }: Invoice): Promise<Shown> {
  const stored = (await store.findInvoice(db, null, id))!;
  const invoice = await withSeller(db, runtime.config, stored);
  const lines = await loadLines(db, [id]);
  return presentInvoice(invoice, lines.get(id)!, v1);
}
