import { findInvoice } from '../billing/invoices/store.ts';
import { loadBillingCustomers } from '../customers/billing-customers.ts';
import { invalid, notFound, refuse } from '../platform/errors.ts';
import type { Handlers } from '../platform/http/operations.ts';
import { isPlainAddress } from './address.ts';
import { queueInvoiceEmail } from './queue.ts';

/** The e-mail is queued in the transaction of the request and sent by a job (contract 2.10). */
const sendInvoice: Handlers<'invoices'>['sendInvoice'] = async ({ path, body }, context) => {
  if (!context.runtime.config.mail) throw refuse('provider_not_configured', 'No mail server is configured.');
  const invoice = await findInvoice(context.db, null, path.id);
  if (!invoice) throw notFound('invoice');
  if (invoice.status === 'draft') throw refuse('conflict', 'A draft is not sent. Issue the invoice first.');
  if (invoice.status === 'void') throw refuse('invoice_voided', 'A void invoice is not sent.');
  const customers = await loadBillingCustomers(context.db, [invoice.customerId]);
  const to = body.to ?? customers.get(invoice.customerId)!.billTo.email;
  if (!to || !isPlainAddress(to)) throw invalid({ to: 'is not an address that can be written to' });
  await queueInvoiceEmail(context, invoice.id, to, body.message ?? null);
  context.audit({ entityType: 'invoice', entityId: invoice.id, reason: 'queued to be sent' });
  return { invoiceId: invoice.id, to, queuedAt: context.now };
};

export const invoiceMail: Pick<Handlers<'invoices'>, 'sendInvoice'> = { sendInvoice };
