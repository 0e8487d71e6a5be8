import { composeInvoice } from './compose.ts';
import type { DiscountInput } from './discounts.ts';
import { advanceLines, type Charge } from './lines.ts';

/**
 * F: the advance price of the charge's full period less the discounts that cover its start and admit its plan,
 * in minor units without tax, as an invoice would give it (rules Q5, R2). 0 for a plan without advance part.
 */
export function fullPrice(charge: Charge, discounts: readonly DiscountInput[]): bigint {
  const lines = advanceLines(charge);
  if (lines.length === 0) return 0n;
  const { currency } = charge;
  return composeInvoice({ currency, lines, discounts, tax: null, creditBalance: 0n, applyCredits: false }).taxable;
}
