import { changesOf } from '../../platform/changes.ts';
import { notFound } from '../../platform/errors.ts';
import type { Handlers } from '../../platform/http/operations.ts';
import { type PageRequest, paged, readPage } from '../../platform/http/pagination.ts';
import { openBilling } from '../billing.ts';
import { lockInvoiceAndSubscription } from '../invoices/lock.ts';
import { changeCreditNote, createManualNote } from './change.ts';
import { presentCreditNote } from './present.ts';
import * as store from './store.ts';

type Tag = Handlers<'creditNotes'>;

const listCreditNotes: Tag['listCreditNotes'] = async ({ query }, { db, scope }) => {
  const read = (step: PageRequest) => store.listCreditNotes(db, scope, query, step);
  return paged(await readPage('credit-notes', query, { keyOf: ({ id }) => id, read }), presentCreditNote);
};

const getCreditNote: Tag['getCreditNote'] = async ({ path }, { db, scope }) => {
  const note = await store.findCreditNote(db, scope, path.id);
  if (!note) throw notFound('credit note');
  return presentCreditNote(note);
};

export const creditNotes: Tag = {
  listCreditNotes,
  getCreditNote,
  v1ListCreditNotes: listCreditNotes,
  v1GetCreditNote: getCreditNote,

  async createCreditNote({ body }, context) {
    const invoice = await lockInvoiceAndSubscription(context, body.invoiceId);
    const billing = await openBilling(context);
    const note = await createManualNote(billing, invoice, body);
    const shown = presentCreditNote(note);
    context.audit({ entityType: 'credit_note', entityId: note.id, changes: changesOf<object>({}, shown) });
    return shown;
  },

  async updateCreditNote({ path, body }, context) {
    const known = await store.findCreditNote(context.db, null, path.id);
    if (!known) throw notFound('credit note');
    const invoice = await lockInvoiceAndSubscription(context, known.invoiceId);
    const before = (await store.lockCreditNote(context.db, path.id))!;
    const billing = await openBilling(context);
    const after = await changeCreditNote(billing, invoice, before, body);
    const shown = presentCreditNote(after);
    const changes = changesOf(presentCreditNote(before), shown);
    if (Object.keys(changes).length > 0) context.audit({ entityType: 'credit_note', entityId: path.id, changes });
    return shown;
  },
};
