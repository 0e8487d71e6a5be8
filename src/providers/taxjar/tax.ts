import { isZero, parseDecimal } from '../../platform/decimal.ts';
import { effectiveRate, objectOf, type Question, type TaxCapability, textOf } from '../tax.ts';

/** Of the order asked about, in whole units: a power of ten, so that shares of it are exact. */
const PRICE = 1000;

/** TaxJar's codes of what is sold; without one it is taxed in full. */
const TAX_CODES: Record<string, string> = { saas: '30070', api: '30070', licensed: '31000' };

/** How the tax is called on invoices: TaxJar does not say. */
const NAMES: Record<string, string> = { US: 'Sales tax', CA: 'Sales tax', AU: 'GST', NZ: 'GST', SG: 'GST', IN: 'GST' };
const VAT = new Set(
  'AT BE BG CH CY CZ DE DK EE ES FI FR GB GR HR HU IE IT LT LU LV MT NL NO PL PT RO SE SI SK'.split(' '),
);
const nameIn = (country: string): string => NAMES[country] ?? (VAT.has(country) ? 'VAT' : 'Tax');

/** TaxJar: the tax of one order of one line; `rate` is a fraction of its taxable part. */
export const tax: TaxCapability = {
  title: 'TaxJar',
  key: 'tax.taxjarApiKey',
  request: (question, { url, secret }) => ({
    url: `${url}/v2/taxes`,
    headers: { Authorization: `Bearer ${secret}`, 'Content-Type': 'application/json' },
    body: JSON.stringify(orderOf(question)),
  }),
  read(body, { country }) {
    const answer = objectOf(objectOf(body).tax);
    const [rate, taxable, total] = [answer.rate, answer.taxable_amount, answer.order_total_amount].map((value) =>
      parseDecimal(textOf(value)),
    );
    const effective = effectiveRate(rate!, taxable!, total!);
    // a tax that no rate explains must not become none
    if (isZero(effective) !== isZero(parseDecimal(textOf(answer.amount_to_collect))))
      throw new RangeError('amount and rate do not agree');
    return { rate: effective, taxName: nameIn(country) };
  },
};

function orderOf({ country, state, zip, category }: Question): object {
  const code = TAX_CODES[category];
  const line = { id: '1', quantity: 1, unit_price: PRICE, ...(code ? { product_tax_code: code } : {}) };
  return {
    to_country: country,
    ...(state ? { to_state: state } : {}),
    ...(zip ? { to_zip: zip } : {}),
    amount: PRICE,
    shipping: 0,
    line_items: [line],
  };
}
