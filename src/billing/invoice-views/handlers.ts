import { type Handlers, reply } from '../../platform/http/operations.ts';
import { presentCreditNote } from '../credit-notes/present.ts';
import { listInvoiceCreditNotes } from '../credit-notes/store.ts';
import { listInvoiceCredits } from '../credits/of-invoice.ts';
import { loadLines } from '../invoices/line-store.ts';
import { presentInvoice } from '../invoices/present.ts';
import { readInvoice } from '../invoices/read.ts';
import { withSeller } from '../invoices/seller.ts';
import { findTrace } from '../invoices/store.ts';
import { presentPayment } from '../payments/present.ts';
import { listInvoicePayments } from '../payments/store.ts';
import { explainInvoice } from './explain/explain.ts';
import { loadPaper } from './pdf/load.ts';
import { printInvoice } from './pdf/print.ts';

type Tag = Handlers<'invoices'>;

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
    trace: await findTrace(db, id),
    credits: await listInvoiceCredits(db, id),
    creditNotes: (await listInvoiceCreditNotes(db, id, false)).toReversed(),
    payments: (await listInvoicePayments(db, id)).toReversed(),
  });

export const invoiceViews: Pick<
  Tag,
  'getInvoice' | 'getInvoicePdf' | 'explainInvoice' | 'v1GetInvoice' | 'v1GetInvoicePdf'
> = {
  getInvoice,
  getInvoicePdf,
  explainInvoice: explain,
  v1GetInvoice: getInvoice,
  v1GetInvoicePdf: getInvoicePdf,
};
