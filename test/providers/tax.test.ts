import { describe, expect, test } from '@jest/globals';
import { questionOf, regionOf } from '../../src/billing/tax/quote.ts';
import { formatDecimal, parseDecimal } from '../../src/platform/decimal.ts';
import { tax as stripeTax } from '../../src/providers/stripe/tax.ts';
import { effectiveRate } from '../../src/providers/tax.ts';
import { tax as taxJar } from '../../src/providers/taxjar/tax.ts';
import { calculation } from '../support/providers/tax.ts';

/** As askJson gives it: every number is its text. */
const received = (body: unknown): unknown =>
  JSON.parse(JSON.stringify(body), (_, v) => (typeof v === 'number' ? String(v) : v));
const FRANCE = { country: 'FR', state: '', zip: '', category: '' };
const CALIFORNIA = { country: 'US', state: 'CA', zip: '94103', category: 'saas' };
const ACCESS = { url: 'https://tax.example', secret: 'secret', timeoutMs: 1, id: 'id-1' };
const AMOUNT = 100_000_000;

describe('the question', () => {
  const place = { country: ' us', state: 'ca ', zip: null, category: 'saas' };

  test.each([
    [{}, 'CA', { country: 'US', state: 'CA', zip: '', category: 'saas' }],
    [{ zip: '94103' }, 'CA 94103', CALIFORNIA],
    [{ zip: ' 94103-1234 ' }, 'CA 94103', CALIFORNIA],
    [{ zip: '941' }, 'CA', { ...CALIFORNIA, zip: '' }],
    [{ state: 'CA 94103' }, 'CA 94103', CALIFORNIA],
    [{ state: '94103' }, '94103', { ...CALIFORNIA, state: '' }],
    [{ state: 'CA 94103', zip: '10001' }, 'CA 94103 10001', { ...CALIFORNIA, state: 'CA 94103', zip: '10001' }],
    [{ zip: '94103', state: null }, '94103', { ...CALIFORNIA, state: '' }],
    [{ country: 'FR', state: null, zip: '75001', category: null }, '', FRANCE],
  ])('%j: region %j', (over, region, question) => {
    const asked = questionOf({ ...place, ...over })!;
    expect([asked, regionOf(asked)]).toEqual([question, region]);
  });

  test('there is none without a country', () => {
    expect(questionOf({ ...place, country: ' ' })).toBeUndefined();
  });
});

describe('the rate on the whole price', () => {
  const rate = (...texts: [string, string, string]) => {
    const [a, b, c] = texts.map(parseDecimal);
    return formatDecimal(effectiveRate(a!, b!, c!));
  };

  test.each([
    ['0.0825', '100', '100', '0.0825'],
    ['0.0825', '80', '100', '0.066'],
    ['0.0825', '0.5', '10', '0.004125'],
    ['0.08875', '100.0', '1000', '0.008875'],
    ['0.1234567', '1', '1', '0.123457'],
    ['0.07', '1', '3', '0.023333'],
    ['0', '0', '100', '0'],
  ])('%s of %s of %s is %s', (...[a, b, c, expected]) => expect(rate(a, b, c)).toBe(expected));

  test.each([
    ['7.25', '100', '100'],
    ['-0.01', '100', '100'],
    ['0.07', '101', '100'],
    ['0.07', '-1', '100'],
    ['0.07', '0', '0'],
  ])('%s of %s of %s is none', (...texts) => expect(() => rate(...texts)).toThrow(RangeError));
});

describe('Stripe Tax', () => {
  const read = (body: unknown) => {
    const { rate, taxName } = stripeTax.read(received(body), FRANCE);
    return [formatDecimal(rate), taxName];
  };

  test('asks by form, with a pinned version and a key for this call', () => {
    const { url, headers, body } = stripeTax.request(CALIFORNIA, ACCESS);
    expect(url).toBe('https://tax.example/v1/tax/calculations');
    expect(headers).toEqual({
      Authorization: 'Bearer secret',
      'Content-Type': 'application/x-www-form-urlencoded',
      'Stripe-Version': '2025-03-31.basil',
      'Idempotency-Key': 'id-1',
    });
    expect(Object.fromEntries(new URLSearchParams(body))).toEqual({
      currency: 'usd',
      'customer_details[address][country]': 'US',
      'customer_details[address][state]': 'CA',
      'customer_details[address][postal_code]': '94103',
      'customer_details[address_source]': 'billing',
      'line_items[0][amount]': '100000000',
      'line_items[0][reference]': 'price',
      'line_items[0][tax_behavior]': 'exclusive',
      'line_items[0][tax_code]': 'txcd_10103001',
    });
  });

  test.each([
    ['', null],
    ['saas', 'txcd_10103001'],
    ['api', 'txcd_10103001'],
    ['licensed', 'txcd_10202003'],
  ])('category %j is %s', (category, code) => {
    const { body } = stripeTax.request({ ...FRANCE, category }, ACCESS);
    expect(new URLSearchParams(body).get('line_items[0][tax_code]')).toBe(code);
  });

  test('a percentage becomes a fraction', () => {
    expect(read(calculation(AMOUNT, ['20.0']))).toEqual(['0.2', 'VAT']);
    expect(read(calculation(AMOUNT, ['0.5']))).toEqual(['0.005', 'VAT']);
  });

  test('the rates of state, county and city add up; a part that is taxed counts as a part', () => {
    expect(read(calculation(AMOUNT, ['6.0', '0.25', '2.375'], 'sales_tax'))).toEqual(['0.08625', 'Sales tax']);
    expect(read(calculation(AMOUNT, ['6.25', '2.0'], 'sales_tax', AMOUNT * 0.8))).toEqual(['0.066', 'Sales tax']);
  });

  test('a definite zero is zero', () => {
    expect(read(calculation(AMOUNT, ['0.0']))).toEqual(['0', 'Tax']);
    expect(read(calculation(AMOUNT, []))).toEqual(['0', 'Tax']);
  });

  const good = calculation(AMOUNT, ['20.0']);
  const [part] = good.tax_breakdown;
  const withPart = (over: object) => ({ ...good, tax_breakdown: [{ ...part, ...over }] });
  const withRate = (over: object) => withPart({ tax_rate_details: { ...part!.tax_rate_details, ...over } });

  test.each<[string, unknown]>([
    ['nothing', null],
    ['a list', []],
    ['an error', { error: { message: 'no' } }],
    ['another object', { ...good, object: 'tax.transaction' }],
    ['no breakdown', { ...good, tax_breakdown: undefined }],
    ['an empty breakdown of a tax', { ...good, tax_breakdown: [] }],
    ['a rate of 0 beside a tax', { ...calculation(AMOUNT, ['0.0']), tax_amount_exclusive: 1 }],
    ['no tax beside a rate', { ...good, tax_amount_exclusive: 0 }],
    ['no amount', { ...good, tax_amount_exclusive: undefined }],
    ['a flat amount', withRate({ rate_type: 'flat_amount' })],
    ['no percentage', withRate({ percentage_decimal: null })],
    ['a percentage beyond reason', withRate({ percentage_decimal: '2000' })],
    ['a negative one', withRate({ percentage_decimal: '-20' })],
    ['one with an exponent', withRate({ percentage_decimal: '2e1' })],
    [
      'a place it does not support',
      {
        ...calculation(AMOUNT, ['0.0']),
        tax_breakdown: [{ ...calculation(AMOUNT, ['0.0']).tax_breakdown[0], taxability_reason: 'not_supported' }],
      },
    ],
    ['no details', withPart({ tax_rate_details: null })],
    ['a tax in the price', withPart({ inclusive: true })],
    ['more taxed than there is', withPart({ taxable_amount: AMOUNT + 1 })],
    ['no taxable amount', withPart({ taxable_amount: undefined })],
  ])('%s is no rate', (_, body) => expect(() => read(body)).toThrow(RangeError));
});

describe('TaxJar', () => {
  const good = { order_total_amount: 1000, taxable_amount: 1000, amount_to_collect: 86.25, rate: 0.08625 };
  const read = (tax: unknown, question = CALIFORNIA) => {
    const answer = taxJar.read(received({ tax }), question);
    return [formatDecimal(answer.rate), answer.taxName];
  };

  test('asks about an order of one line', () => {
    const { url, headers, body } = taxJar.request(CALIFORNIA, ACCESS);
    expect(url).toBe('https://tax.example/v2/taxes');
    expect(headers).toEqual({ Authorization: 'Bearer secret', 'Content-Type': 'application/json' });
    expect(JSON.parse(body!)).toEqual({
      to_country: 'US',
      to_state: 'CA',
      to_zip: '94103',
      amount: 1000,
      shipping: 0,
      line_items: [{ id: '1', quantity: 1, unit_price: 1000, product_tax_code: '30070' }],
    });
    const plain = JSON.parse(taxJar.request(FRANCE, ACCESS).body!);
    expect(plain).toMatchObject({ to_country: 'FR', line_items: [{ id: '1', quantity: 1, unit_price: 1000 }] });
    expect(Object.keys(plain)).toEqual(['to_country', 'amount', 'shipping', 'line_items']);
  });

  test('a fraction is a fraction', () => {
    expect(read(good)).toEqual(['0.08625', 'Sales tax']);
    expect(read({ ...good, rate: 0.2, amount_to_collect: 200 }, FRANCE)).toEqual(['0.2', 'VAT']);
    expect(read({ ...good, rate: 0.0825, taxable_amount: 800, amount_to_collect: 66 })).toEqual(['0.066', 'Sales tax']);
  });

  test('a definite zero is zero', () => {
    expect(read({ ...good, rate: 0, taxable_amount: 0, amount_to_collect: 0 })).toEqual(['0', 'Sales tax']);
  });

  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['a text', 'no'],
    ['no rate', { ...good, rate: undefined }],
    ['null', { ...good, rate: null }],
    ['a percentage', { ...good, rate: 8.625 }],
    ['a negative rate', { ...good, rate: -0.08 }],
    ['a rate of 0 beside a tax', { ...good, rate: 0 }],
    ['no amount', { ...good, amount_to_collect: undefined }],
    ['an order of nothing', { ...good, order_total_amount: 0 }],
    ['no taxable amount', { ...good, taxable_amount: undefined }],
  ])('%s is no rate', (_, tax) => expect(() => read(tax)).toThrow(RangeError));
});
