import { type Call, type Simulator, startSimulator } from './simulator.ts';

export const TAXJAR_KEY = 'taxjar-key-0123456789';
export const STRIPE_KEY = 'sk_test_0123456789abcdef';

export interface TaxSimulator extends Simulator {
  /** Rate of a place (`US CA 94103`, `US CA`, `FR`), of what it is asked about: percent for Stripe, a fraction for TaxJar. */
  readonly rates: Map<string, string>;
  /** The places asked about, with the provider's code of what is sold. */
  asked(): string[];
}

const nameOf = (...parts: (string | null | undefined)[]): string => parts.filter(Boolean).join(' ');

/** POST /v2/taxes of TaxJar, which answers numbers. */
export async function startTaxJar(): Promise<TaxSimulator> {
  const rates = new Map([['FR', '0.2']]);
  const placeOf = ({ to_country, to_state, to_zip }: Record<string, string>) => nameOf(to_country, to_state, to_zip);
  const simulator = await startSimulator((call) => {
    if (call.headers.authorization !== `Bearer ${TAXJAR_KEY}`) return { status: 401, body: { error: 'Unauthorized' } };
    if (`${call.method} ${call.path}` !== 'POST /v2/taxes') return { status: 404, body: { error: 'Not found' } };
    const order = JSON.parse(call.body);
    const rate = rates.get(placeOf(order));
    if (rate === undefined) return { status: 400, body: { error: 'Bad Request', detail: 'to_zip is required' } };
    const tax = {
      order_total_amount: order.amount,
      taxable_amount: order.amount,
      amount_to_collect: order.amount * Number(rate),
      rate: Number(rate),
      has_nexus: true,
    };
    return { status: 200, body: { tax } };
  });
  const asked = () =>
    simulator.calls.map(({ body }) => {
      const order = JSON.parse(body);
      return nameOf(placeOf(order), order.line_items[0].product_tax_code);
    });
  return Object.assign(simulator, { rates, asked });
}

/** POST /v1/tax/calculations of Stripe, which takes a form and answers percentages as text. */
export async function startStripeTax(): Promise<TaxSimulator> {
  const rates = new Map([['FR', '20']]);
  const placeOf = (form: URLSearchParams) =>
    nameOf(...['country', 'state', 'postal_code'].map((part) => form.get(`customer_details[address][${part}]`)));
  const simulator = await startSimulator((call) => {
    if (call.headers.authorization !== `Bearer ${STRIPE_KEY}`) return { status: 401, body: { error: {} } };
    if (`${call.method} ${call.path}` !== 'POST /v1/tax/calculations') return { status: 404, body: { error: {} } };
    const form = formOf(call);
    const percentage = rates.get(placeOf(form));
    if (!call.headers['stripe-version'] || !call.headers['idempotency-key'] || percentage === undefined)
      return { status: 400, body: { error: { code: 'customer_tax_location_invalid' } } };
    return { status: 200, body: calculation(Number(form.get('line_items[0][amount]')), percentage.split(' + ')) };
  });
  const asked = () =>
    simulator.calls.map((call) => nameOf(placeOf(formOf(call)), formOf(call).get('line_items[0][tax_code]')));
  return Object.assign(simulator, { rates, asked });
}

export const formOf = ({ body }: Call): URLSearchParams => new URLSearchParams(body);

/** As Stripe answers it, without the members nobody reads. */
export function calculation(amount: number, percentages: string[], type = 'vat', taxable = amount) {
  const taxes = percentages.map((percentage) => Math.round((taxable * Number(percentage)) / 100));
  return {
    id: 'taxcalc_1',
    object: 'tax.calculation',
    amount_total: amount + taxes.reduce((sum, tax) => sum + tax, 0),
    tax_amount_exclusive: taxes.reduce((sum, tax) => sum + tax, 0),
    tax_amount_inclusive: 0,
    tax_breakdown: percentages.map((percentage_decimal, i) => ({
      amount: taxes[i],
      inclusive: false,
      tax_rate_details: { country: 'FR', percentage_decimal, rate_type: 'percentage', state: null, tax_type: type },
      taxability_reason: 'standard_rated',
      taxable_amount: taxable,
    })),
  };
}
