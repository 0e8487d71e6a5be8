import { loadBillingCustomers } from '../customers/billing-customers.ts';
import type { Work } from '../platform/work.ts';
import { isPlainAddress } from './address.ts';
import { insertEmails, type NewEmail, type Template } from './store.ts';

/** An event as it was written. */
export interface WrittenEvent {
  id: string;
  type: string;
  customerId: string | null;
  data: Record<string, unknown>;
}

/** Which events the customer is told by e-mail, and what the e-mail needs to know of them (rules E10). */
const BY_EVENT: Record<string, { template: Template; members: string[] }> = {
  'invoice.issued': { template: 'invoice', members: ['invoiceId'] },
  'payment.succeeded': { template: 'payment_received', members: ['invoiceId', 'amount', 'currency'] },
  'subscription.trial_ending': { template: 'trial_ending', members: ['subscriptionId', 'trialEnd'] },
  'subscription.canceled': { template: 'subscription_canceled', members: ['subscriptionId', 'canceledAt'] },
};

/** Whether the customer is told of it by e-mail. */
export const asksForEmail = ({ type, customerId }: Pick<WrittenEvent, 'type' | 'customerId'>): boolean =>
  customerId !== null && Object.hasOwn(BY_EVENT, type);

/**
 * Writes, in the commit of the events, one row for each e-mail that they ask for. Without a mail server no rows are
 * made; nor for a customer whose address could not be written to.
 */
export async function queueEventEmails(work: Work, events: readonly WrittenEvent[]): Promise<void> {
  if (!work.runtime.config.mail) return;
  const told = events.filter(asksForEmail);
  if (told.length === 0) return;
  const customers = await loadBillingCustomers(
    work.db,
    told.map(({ customerId }) => customerId!),
  );
  const emails = told.flatMap(({ id, type, customerId, data }): NewEmail[] => {
    const recipient = customers.get(customerId!)?.billTo.email;
    if (!recipient || !isPlainAddress(recipient)) return [];
    const { template, members } = BY_EVENT[type]!;
    const known = Object.fromEntries(members.map((member) => [member, data[member]]));
    return [{ id: work.newId(), eventId: id, recipient, template, data: known, at: work.now }];
  });
  await insertEmails(work.db, emails);
}

/** Queues an invoice for one address, in the transaction of the request. */
export async function queueInvoiceEmail(
  work: Work,
  invoiceId: string,
  recipient: string,
  message: string | null,
): Promise<void> {
  const data = { invoiceId, message };
  await insertEmails(work.db, [
    { id: work.newId(), eventId: null, recipient, template: 'invoice', data, at: work.now },
  ]);
}
