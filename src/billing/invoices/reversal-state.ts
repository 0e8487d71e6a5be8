import type { ReversalState } from '../pricing/reversal.ts';
import type { Invoice } from './invoice.ts';

type Reversible = Pick<Invoice, 'total' | 'taxAmount' | 'taxInclusive' | 'reversedAmount' | 'reversedTax'>;

/** What credit notes and refunds have taken back of an invoice so far (rules K4). */
export const reversalStateOf = (invoice: Reversible): ReversalState => ({
  total: invoice.total,
  tax: invoice.taxAmount,
  inclusive: invoice.taxInclusive,
  reversedAmount: invoice.reversedAmount,
  reversedTax: invoice.reversedTax,
});
