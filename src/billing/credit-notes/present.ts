import type { CreditNote as Shown } from '../../../generated/types.gen.ts';
import { formatMoney } from '../../platform/money.ts';
import type { CreditNote } from './credit-note.ts';

export const presentCreditNote = (note: CreditNote): Shown => ({
  id: note.id,
  creditNoteNumber: note.creditNoteNumber,
  invoiceId: note.invoiceId,
  customerId: note.customerId,
  amount: formatMoney(note.amount, note.currency),
  taxAmount: formatMoney(note.taxAmount, note.currency),
  currency: note.currency,
  reason: note.reason,
  status: note.status,
  appliedToInvoice: formatMoney(note.appliedToInvoice, note.currency),
  creditedToBalance: formatMoney(note.creditedToBalance, note.currency),
  issuedAt: note.issuedAt,
  voidedAt: note.voidedAt,
  createdAt: note.createdAt,
  updatedAt: note.updatedAt,
});
