import { loadPaper } from '../billing/invoice-views/pdf/load.ts';
import { printInvoice } from '../billing/invoice-views/pdf/print.ts';
import { readInvoice } from '../billing/invoices/read.ts';
import { findSubscription } from '../billing/subscriptions/store/subscriptions.ts';
import { loadBillingCustomers } from '../customers/billing-customers.ts';
import { Refused } from '../outbox/drain.ts';
import { rfc5322 } from '../platform/calendar.ts';
import type { MailConfig } from '../platform/mail-config.ts';
import type { Runtime } from '../platform/work.ts';
import type { BillingSettings } from '../settings/billing-settings.ts';
import { isPlainAddress, oneLine } from './address.ts';
import { asHtml, asText, type Letter, type Sender } from './layout.ts';
import { canceledLetter, invoiceLetter, paymentLetter, senderOf, trialLetter } from './letters.ts';
import type { ClaimedEmail } from './store.ts';

/** A message ready to be handed in. */
export interface Message {
  from: { name: string; address: string };
  to: string;
  replyTo: string | null;
  subject: string;
  messageId: string;
  /** As RFC 5322 writes it. */
  date: string;
  text: string;
  html: string;
  attachments: { filename: string; content: Buffer; contentType: string }[];
}

interface Content {
  letter: Letter;
  sender: Sender;
  attachments: Message['attachments'];
}

/**
 * Writes the e-mail from the rows as they are now; the Message-ID follows from the row's id alone, so that whoever gets
 * it twice can tell. Throws Refused.
 */
export async function compose(
  runtime: Runtime,
  email: ClaimedEmail,
  seller: BillingSettings,
  mail: MailConfig,
): Promise<Message> {
  if (!isPlainAddress(email.recipient)) throw new Refused('The address of the recipient is not usable.');
  const { letter, sender, attachments } = await contentOf(runtime, email, seller);
  const reply = seller.companyEmail;
  return {
    from: { name: oneLine(seller.companyName ?? ''), address: mail.from },
    to: email.recipient,
    replyTo: reply !== null && isPlainAddress(reply) ? reply : null,
    subject: oneLine(letter.subject),
    messageId: messageIdOf(email.id, mail.from),
    date: rfc5322(email.createdAt),
    text: asText(letter, sender),
    html: asHtml(letter, sender),
    attachments,
  };
}

export const messageIdOf = (id: string, from: string): string => `<${id}@${from.slice(from.lastIndexOf('@') + 1)}>`;

async function contentOf(
  runtime: Runtime,
  { template, data }: ClaimedEmail,
  seller: BillingSettings,
): Promise<Content> {
  if (template === 'invoice' || template === 'payment_received') return aboutInvoice(runtime, template, data);
  const { sub, name } = await runtime.database.snapshot(async (db) => {
    const sub = await findSubscription(db, null, data.subscriptionId as string);
    if (!sub) throw new Refused('The subscription does not exist any more.');
    return { sub, name: (await loadBillingCustomers(db, [sub.customerId])).get(sub.customerId)!.name };
  });
  const sender = senderOf(seller);
  const letter =
    template === 'trial_ending'
      ? trialLetter(name, sub.planName, sender, data.trialEnd as string)
      : canceledLetter(name, sub.planName, sender, data.canceledAt as string);
  return { letter, sender, attachments: [] };
}

async function aboutInvoice(
  runtime: Runtime,
  template: 'invoice' | 'payment_received',
  data: Record<string, unknown>,
): Promise<Content> {
  const { database, config } = runtime;
  const paper = await database.snapshot(async (db) =>
    loadPaper(db, config, await readInvoice(db, null, data.invoiceId as string)),
  );
  const { invoice } = paper;
  if (template === 'invoice' && invoice.status === 'void') throw new Refused('The invoice was voided meanwhile.');
  const sender = senderOf(invoice.seller);
  const letter =
    template === 'invoice'
      ? invoiceLetter(invoice, sender, (data.message ?? null) as string | null)
      : paymentLetter(invoice, sender, data.amount as string, data.currency as string);
  const content = Buffer.from(await printInvoice(runtime, paper, { patient: true }));
  const filename = `invoice-${invoice.invoiceNumber}.pdf`;
  return { letter, sender, attachments: [{ filename, content, contentType: 'application/pdf' }] };
}
