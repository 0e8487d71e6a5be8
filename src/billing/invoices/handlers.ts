import { changesOf } from '../../platform/changes.ts';
import { refuse } from '../../platform/errors.ts';
import { type Context, type Handlers, reply } from '../../platform/http/operations.ts';
import { type Page, type PageRequest, paged, readPage } from '../../platform/http/pagination.ts';
import { checkVersion } from '../../platform/http/versions.ts';
import { checkRange } from '../../platform/ranges.ts';
import { openBilling } from '../billing.ts';
import { presentCreditNote } from '../credit-notes/present.ts';
import { listInvoiceCreditNotes } from '../credit-notes/store.ts';
import { listInvoiceCredits } from '../credits/of-invoice.ts';
import { presentPayment } from '../payments/present.ts';
import { listInvoicePayments } from '../payments/store.ts';
import { changeInvoice } from './change.ts';
import { createManualInvoice } from './create.ts';
import { explainInvoice } from './explain/explain.ts';
import type { Invoice } from './invoice.ts';
import { loadLines, weighLines } from './line-store.ts';
import { lockInvoiceAndSubscription } from './lock.ts';
import { loadPaper } from './pdf/load.ts';
import { printInvoice } from './pdf/print.ts';
import { presentInvoice } from './present.ts';
import { readInvoice } from './read.ts';
import { withSeller, withSellers } from './seller.ts';
import * as store from './store.ts';

type Tag = Handlers<'invoices'>;
type Shown = ReturnType<typeof presentInvoice>;

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

const getInvoice: Tag['getInvoice'] = async ({ path }, { db, scope, v1, runtime }) => {
  const invoice = await withSeller(db, runtime.config, await readInvoice(db, scope, path.id));
  const lines = await loadLines(db, [invoice.id]);
  const payments = await listInvoicePayments(db, invoice.id);
  const creditNotes = await listInvoiceCreditNotes(db, invoice.id, scope === null);
  return {
    ...presentInvoice(invoice, lines.get(invoice.id)!, v1),
    payments: payments.map(presentPayment),
    creditNotes: creditNotes.map(presentCreditNote),
  };
};

/** Drawn after the snapshot is over, because that takes longer than reading. */
const getInvoicePdf: Tag['getInvoicePdf'] = async ({ path }, { snapshot, scope, runtime }) => {
  const paper = await snapshot(async (db) => loadPaper(db, runtime.config, await readInvoice(db, scope, path.id)));
  const { invoice } = paper;
  const pdf = await printInvoice(runtime, paper);
  return reply(200, pdf, {
    'Content-Type': 'application/pdf',
    'Content-Disposition': `inline; filename="invoice-${invoice.invoiceNumber ?? 'draft'}.pdf"`,
  });
};

const explain: Tag['explainInvoice'] = async ({ path: { id } }, { db }) =>
  explainInvoice({
    invoice: await readInvoice(db, null, id),
    lines: (await loadLines(db, [id])).get(id)!,
    trace: await store.findTrace(db, id),
    credits: await listInvoiceCredits(db, id),
    creditNotes: (await listInvoiceCreditNotes(db, id, false)).toReversed(),
    payments: (await listInvoicePayments(db, id)).toReversed(),
  });

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

export const invoices: Omit<Tag, 'sendInvoice'> = {
  listInvoices,
  getInvoice,
  createInvoice,
  updateInvoice,
  deleteInvoice,
  getInvoicePdf,
  explainInvoice: explain,
  v1ListInvoices: listInvoices,
  v1GetInvoice: getInvoice,
  v1CreateInvoice: createInvoice,
  v1UpdateInvoice: updateInvoice,
  v1DeleteInvoice: deleteInvoice,
  v1GetInvoicePdf: getInvoicePdf,
};

/** Read again: a draft shows the customer's present name, and stored decimals are the ones that count. */
async function presentOne({ db, v1, runtime }: Context, { id }: Invoice): Promise<Shown> {
  const stored = (await store.findInvoice(db, null, id))!;
  const invoice = await withSeller(db, runtime.config, stored);
  const lines = await loadLines(db, [id]);
  return presentInvoice(invoice, lines.get(id)!, v1);
}
