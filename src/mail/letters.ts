import { dateText, moneyText } from '../billing/invoice-views/pdf/wording.ts';
import type { Invoice, Seller } from '../billing/invoices/invoice.ts';
import type { Instant } from '../platform/calendar.ts';
import type { Letter, Sender } from './layout.ts';

const FALLBACK_NAME = 'Billing';

/** How a letter names the seller: that of the invoice it is about, else that of the settings (rules I8). */
export const senderOf = (seller: Omit<Seller, 'invoiceFooter'>): Sender => ({
  name: seller.companyName ?? FALLBACK_NAME,
  lines: [
    ...(seller.companyAddress?.split(/\r\n|\r|\n/) ?? []),
    seller.companyTaxId && `Tax ID ${seller.companyTaxId}`,
    seller.companyEmail,
  ]
    .filter((line): line is string => Boolean(line))
    .map((line) => line.trim()),
});

const greeting = (name: string): string => `Hello ${name},`;
const from = (sender: Sender): string => (sender.name === FALLBACK_NAME ? '' : ` from ${sender.name}`);

/** An issued invoice, with the words of the person who sends it. */
export function invoiceLetter(invoice: Invoice, sender: Sender, message: string | null): Letter {
  const { invoiceNumber, currency, amountDue, total, dueDate, issuedAt, status } = invoice;
  const due = status !== 'paid' && amountDue > 0n;
  const facts: Letter['facts'] = [
    ['Invoice', invoiceNumber ?? ''],
    ['Issued', dateText(issuedAt!)],
    ['Total', moneyText(total, currency)],
  ];
  if (due && total !== amountDue) facts.push(['Already settled', moneyText(total - amountDue, currency)]);
  if (due && dueDate) facts.push(['Due', dateText(dueDate)]);
  return {
    subject: `Invoice ${invoiceNumber}${from(sender)}`,
    heading: `Invoice ${invoiceNumber}`,
    greeting: greeting(invoice.customerName),
    paragraphs: [
      due ? 'Your invoice is attached as a PDF.' : 'Your invoice is attached as a PDF. Nothing is left to pay.',
    ],
    message,
    facts,
    figure: due
      ? { label: dueDate ? `To pay by ${dateText(dueDate)}` : 'To pay', value: moneyText(amountDue, currency) }
      : { label: 'Paid', value: moneyText(total, currency) },
  };
}

/** A payment received for an invoice. `amount` as the event told it. */
export function paymentLetter(invoice: Invoice, sender: Sender, amount: string, currency: string): Letter {
  const facts: Letter['facts'] = [
    ['Invoice', invoice.invoiceNumber ?? ''],
    ['Total', moneyText(invoice.total, invoice.currency)],
    ['Still to pay', moneyText(invoice.amountDue, invoice.currency)],
  ];
  return {
    subject: `Payment received for invoice ${invoice.invoiceNumber}${from(sender)}`,
    heading: 'Thank you for your payment',
    greeting: greeting(invoice.customerName),
    paragraphs: ['We have received your payment. The invoice is attached for your records.'],
    message: null,
    facts,
    figure: { label: 'Received', value: `${currency} ${amount}` },
  };
}

export function trialLetter(customer: string, plan: string, sender: Sender, trialEnd: Instant): Letter {
  return {
    subject: `Your trial of ${plan} ends on ${dateText(trialEnd)}`,
    heading: 'Your trial is about to end',
    greeting: greeting(customer),
    paragraphs: [
      `Your trial of ${plan}${from(sender)} ends soon. After that the subscription begins, unless you cancel it before.`,
    ],
    message: null,
    facts: [
      ['Plan', plan],
      ['Trial ends', dateText(trialEnd)],
    ],
    figure: null,
  };
}

export function canceledLetter(customer: string, plan: string, sender: Sender, canceledAt: Instant): Letter {
  return {
    subject: `Your subscription to ${plan} has ended`,
    heading: 'Your subscription has ended',
    greeting: greeting(customer),
    paragraphs: [`Your subscription to ${plan}${from(sender)} has been canceled. Open invoices remain due.`],
    message: null,
    facts: [
      ['Plan', plan],
      ['Ended', dateText(canceledAt)],
    ],
    figure: null,
  };
}
