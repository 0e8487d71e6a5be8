import { add, isZero, multiply, parseDecimal, signOf, ZERO } from '../../platform/decimal.ts';
import {
  checkRate,
  effectiveRate,
  listOf,
  objectOf,
  type Question,
  type Rate,
  type TaxCapability,
  textOf,
} from '../tax.ts';

const VERSION = '2025-03-31.basil';
/** The price asked about, in cents: large, so that shares of it are exact. */
const AMOUNT = '100000000';
const PERCENT = parseDecimal('0.01');

/** Stripe's codes of what is sold; without one the default of the Stripe account counts. */
const TAX_CODES: Record<string, string> = {
  saas: 'txcd_10103001',
  api: 'txcd_10103001',
  licensed: 'txcd_10202003',
};

const NAMES: Record<string, string> = {
  vat: 'VAT',
  gst: 'GST',
  hst: 'HST',
  pst: 'PST',
  qst: 'QST',
  rst: 'RST',
  jct: 'JCT',
  igst: 'IGST',
  sales_tax: 'Sales tax',
};

/** Stripe Tax: one calculation over one line; its breakdown holds the rates that add up. */
export const tax: TaxCapability = {
  title: 'Stripe Tax',
  key: 'stripe.secretKey',
  request: (question, { url, secret, id }) => ({
    url: `${url}/v1/tax/calculations`,
    headers: {
      Authorization: `Bearer ${secret}`,
      'Content-Type': 'application/x-www-form-urlencoded',
      'Stripe-Version': VERSION,
      'Idempotency-Key': id,
    },
    body: formOf(question).toString(),
  }),
  read(body) {
    const calculation = objectOf(body);
    if (calculation.object !== 'tax.calculation') throw new RangeError('is no calculation');
    const parts = listOf(calculation.tax_breakdown).map(readPart);
    const rate = checkRate(parts.reduce((sum, part) => add(sum, part.rate), ZERO));
    // a tax that no rate explains must not become none
    const amount = parseDecimal(textOf(calculation.tax_amount_exclusive));
    if (isZero(rate) !== isZero(amount)) throw new RangeError('amount and rates do not agree');
    const names = new Set(parts.filter((part) => signOf(part.rate) > 0).map(({ taxName }) => taxName));
    return { rate, taxName: names.size > 0 ? [...names].sort().join(' + ').slice(0, 100) : 'Tax' };
  },
};

function formOf({ country, state, zip, category }: Question): URLSearchParams {
  const form = new URLSearchParams({
    currency: 'usd',
    'customer_details[address][country]': country,
    'customer_details[address_source]': 'billing',
    'line_items[0][amount]': AMOUNT,
    'line_items[0][reference]': 'price',
    'line_items[0][tax_behavior]': 'exclusive',
  });
  if (state) form.set('customer_details[address][state]', state);
  if (zip) form.set('customer_details[address][postal_code]', zip);
  const code = TAX_CODES[category];
  if (code) form.set('line_items[0][tax_code]', code);
  return form;
}

/** One tax of the breakdown: its percentage, of the part of the price that it taxes. */
function readPart(value: unknown): Rate {
  const { tax_rate_details, taxable_amount, inclusive, taxability_reason } = objectOf(value);
  const { percentage_decimal, tax_type, rate_type } = objectOf(tax_rate_details);
  if (inclusive !== false) throw new RangeError('is not on top of the price');
  // Stripe Tax does not know the place: that is not 0 %
  if (taxability_reason === 'not_supported') throw new RangeError('is not supported');
  if (rate_type === 'flat_amount') throw new RangeError('is no percentage');
  const rate = multiply(parseDecimal(textOf(percentage_decimal)), PERCENT);
  const taxable = parseDecimal(textOf(taxable_amount));
  return {
    taxName: (typeof tax_type === 'string' && NAMES[tax_type]) || 'Tax',
    rate: effectiveRate(rate, taxable, parseDecimal(AMOUNT)),
  };
}
