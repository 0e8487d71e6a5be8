import { formatMoney } from '../../../platform/money.ts';
import type { CreditNote } from '../../credit-notes/credit-note.ts';
import type { InvoiceCredit } from '../../credits/of-invoice.ts';
import type { Invoice } from '../../invoices/invoice.ts';
import type { Payment } from '../../payments/payment.ts';
import { compared, type Step } from './step.ts';

/** What settled an invoice until now; each list oldest first. */
export interface Settlements {
  readonly credits: readonly InvoiceCredit[];
  readonly creditNotes: readonly CreditNote[];
  readonly payments: readonly Payment[];
}

/** Credit used or returned after the issue, credit notes, payments, and what is due (rules I3, I6). */
export function settlementSteps(
  invoice: Invoice,
  computedTotal: bigint,
  creditAtIssue: bigint,
  settled: Settlements,
): Step[] {
  const later = creditSteps(settled.credits, creditAtIssue, invoice.currency);
  const notes = settled.creditNotes.filter(({ status }) => status === 'issued');
  const payments = settled.payments.filter(({ status }) => status === 'succeeded');
  return [
    ...later,
    ...notes.map(creditNoteStep),
    ...payments.map(paymentStep),
    dueStep(invoice, {
      total: computedTotal,
      creditsApplied: sum(settled.credits.map(({ amount }) => -amount)),
      creditNotesAmount: sum(notes.map(({ appliedToInvoice }) => appliedToInvoice)),
      amountPaid: sum(payments.map(({ appliedAmount }) => appliedAmount)),
    }),
  ];
}

const sum = (amounts: readonly bigint[]): bigint => amounts.reduce((total, amount) => total + amount, 0n);
const step = (of: Omit<Step, 'lineItemId' | 'differs'>): Step => ({ ...of, lineItemId: null, differs: false });

/** The entry of the credit used at issue stands beside that step already. */
function creditSteps(credits: readonly InvoiceCredit[], atIssue: bigint, currency: string): Step[] {
  const later = atIssue > 0n ? credits.slice(1) : credits;
  return later.map(({ id, reason, amount, createdAt }) =>
    step({
      kind: 'credit',
      description: amount < 0n ? 'Credit applied after the issue' : 'Credit returned',
      formula: `-(${formatMoney(amount, currency)})`,
      inputs: { creditEntryId: id, reason, amount: formatMoney(amount, currency), createdAt },
      result: formatMoney(-amount, currency),
    }),
  );
}

function creditNoteStep(note: CreditNote): Step {
  const money = (minor: bigint) => formatMoney(minor, note.currency);
  const applied = money(note.amount - note.creditedToBalance);
  return compared(
    step({
      kind: 'credit_note',
      description: `Credit note ${note.creditNoteNumber}`,
      formula: `${money(note.amount)} - ${money(note.creditedToBalance)}`,
      inputs: {
        creditNoteId: note.id,
        amount: money(note.amount),
        creditedToBalance: money(note.creditedToBalance),
        ...(note.issuedAt ? { issuedAt: note.issuedAt } : {}),
      },
      result: applied,
    }),
    'stored',
    [['appliedToInvoice', applied, money(note.appliedToInvoice)]],
  );
}

function paymentStep(payment: Payment): Step {
  const money = (minor: bigint) => formatMoney(minor, payment.currency);
  const applied = money(payment.amount - payment.creditedAmount);
  return compared(
    step({
      kind: 'payment',
      description: `Payment by ${payment.method}`,
      formula: `${money(payment.amount)} - ${money(payment.creditedAmount)}`,
      inputs: {
        paymentId: payment.id,
        amount: money(payment.amount),
        creditedAmount: money(payment.creditedAmount),
        ...(payment.paidAt ? { paidAt: payment.paidAt } : {}),
      },
      result: applied,
    }),
    'stored',
    [['appliedAmount', applied, money(payment.appliedAmount)]],
  );
}

type Settled = Pick<Invoice, 'total' | 'creditsApplied' | 'creditNotesAmount' | 'amountPaid'>;

function dueStep(invoice: Invoice, settled: Settled): Step {
  const money = (minor: bigint) => formatMoney(minor, invoice.currency);
  const { total, creditsApplied, creditNotesAmount, amountPaid } = settled;
  const isVoid = invoice.status === 'void';
  const due = money(isVoid ? 0n : total - creditsApplied - creditNotesAmount - amountPaid);
  return compared(
    step({
      kind: 'due',
      description: 'Amount due',
      formula: isVoid
        ? 'nothing is due on a void invoice'
        : [total, creditsApplied, creditNotesAmount, amountPaid].map(money).join(' - '),
      inputs: {
        total: money(total),
        creditsApplied: money(creditsApplied),
        creditNotesAmount: money(creditNotesAmount),
        amountPaid: money(amountPaid),
        status: invoice.status,
      },
      result: due,
    }),
    'stored',
    [
      ['creditsApplied', money(creditsApplied), money(invoice.creditsApplied)],
      ['creditNotesAmount', money(creditNotesAmount), money(invoice.creditNotesAmount)],
      ['amountPaid', money(amountPaid), money(invoice.amountPaid)],
      ['amountDue', due, money(invoice.amountDue)],
    ],
  );
}
