import { afterEach, describe, expect, test } from '@jest/globals';
import { runLifecycle } from '../../src/billing/run/lifecycle.ts';
import { addMilliseconds } from '../../src/platform/calendar.ts';
import {
  changePlan,
  closeApps,
  type Entity,
  invoiceOf,
  invoicesOf,
  putSubscription,
  startAt,
  subscriptionOf,
} from '../billing/support.ts';
import type { TestApp } from '../support/app.ts';

afterEach(closeApps);

const at = (date: string) => (date.length > 10 ? `${date}:00.000Z` : `${date}T10:00:00.000Z`);

/** [instant, what happens]; runs twelve hours apart happen in between. */
type Story = [string, (app: TestApp, id: string) => Promise<{ status: number; text: string }>][];

async function live(app: TestApp, id: string, story: Story, end: string): Promise<void> {
  for (const [instant, happen] of story) {
    await runUntil(app, at(instant));
    const { status, text } = await happen(app, id);
    expect({ status, text }).toMatchObject({ status: 200 });
  }
  await runUntil(app, at(end));
}

async function runUntil(app: TestApp, end: string): Promise<void> {
  for (let next = app.clock.now(); next < end; next = addMilliseconds(next, 12 * 3_600_000)) {
    app.clock.set(next);
    expect((await runLifecycle(app.runtime)).errors).toEqual([]);
  }
  app.clock.set(end);
}

const span = (from: string | null, to: string | null) =>
  from === null ? '' : ` ${from.slice(2, 10)}..${to!.slice(2, 10)}`;

/** Every item of every invoice that stands, in order, and every credit note. */
async function items(app: TestApp, id: string): Promise<string[]> {
  const found: string[] = [];
  for (const { id: invoiceId, status } of await invoicesOf(app, id)) {
    if (status === 'void') continue;
    const invoice = await invoiceOf(app, invoiceId);
    const lines = invoice.lineItems.map(
      (line: Entity) => `${line.description}${span(line.periodStart, line.periodEnd)} ${line.amount}`,
    );
    found.push(`${invoice.invoiceNumber.slice(-2)} ${invoice.issuedAt.slice(2, 10)} = ${invoice.total}`, ...lines);
    for (const note of invoice.creditNotes.toReversed())
      found.push(`credit ${note.issuedAt.slice(2, 10)} ${note.amount}`);
  }
  return found;
}

const to =
  (newPlanId: string, more: Entity = {}) =>
  (app: TestApp, id: string) =>
    changePlan(app, id, { newPlanId, ...more });
const seats = (quantity: number) => (app: TestApp, id: string) => putSubscription(app, id, { quantity });

describe('a year of changes', () => {
  test('flat, from January 31, with 20 % forever and a tax: up, down at the end, to a yearly plan', async () => {
    const app = await startAt(at('2026-01-31'));
    await app.given.taxRule({ country: 'DE', rate: '0.19', taxName: 'VAT' });
    const customer = await app.given.customer({ billingCountry: 'DE' });
    const { id: planId, productId } = await app.given.plan({ name: 'Basic', basePrice: '49.99' });
    const plan = async (over: Entity) => (await app.given.plan({ productId, ...over })).id;
    const pro = await plan({ name: 'Pro', basePrice: '99.99' });
    const year = await plan({ name: 'Year', basePrice: '990', billingCycle: 'yearly' });
    const { code } = await app.given.coupon({ code: 'OFF', discountValue: '20', duration: 'forever' });
    const terms = { planId, customerId: customer.id, couponCode: code, preRenewalInvoiceDays: 0 };
    const { id } = await app.given.subscription(terms);
    const story: Story = [
      ['2026-02-14', to(pro)],
      ['2026-04-10', to(planId, { effective: 'period_end' })],
      ['2026-06-15', to(year)],
      ['2026-12-31', to(year, { quantity: 1 })],
    ];
    await live(app, id, story, '2027-06-20');
    expect(await items(app, id)).toEqual([
      '01 26-01-31 = 47.59',
      'Basic (Monthly) 26-01-31..26-02-28 49.99',
      'Discount: OFF -10.00',
      '02 26-02-14 = 23.80',
      'Unused time: Basic 26-02-14..26-02-28 -20.00',
      'Remaining time: Pro 26-02-14..26-02-28 40.00',
      '03 26-02-28 = 95.19',
      'Pro (Monthly) 26-02-28..26-03-31 99.99',
      'Discount: OFF -20.00',
      '04 26-03-31 = 95.19',
      'Pro (Monthly) 26-03-31..26-04-30 99.99',
      'Discount: OFF -20.00',
      '05 26-04-30 = 47.59',
      'Basic (Monthly) 26-04-30..26-05-31 49.99',
      'Discount: OFF -10.00',
      '06 26-05-31 = 47.59',
      'Basic (Monthly) 26-05-31..26-06-30 49.99',
      'Discount: OFF -10.00',
      'credit 26-06-15 23.80',
      '07 26-06-15 = 942.48',
      'Year (Yearly) 26-06-15..27-06-15 990.00',
      'Discount: OFF -198.00',
      '01 27-06-15 = 942.48',
      'Year (Yearly) 27-06-15..28-06-15 990.00',
      'Discount: OFF -198.00',
    ]);
    expect(await subscriptionOf(app, id)).toMatchObject({ currentPeriodEnd: at('2028-06-15') });
  });

  test('per_unit in dinars of three decimals, over the end of summer time and the year', async () => {
    const app = await startAt(at('2026-10-25'));
    const over = { name: 'Seats', pricingModel: 'per_unit', basePrice: '0', unitPrice: '3.3335', currency: 'KWD' };
    const { id: planId, productId } = await app.given.plan(over);
    const dearer = (await app.given.plan({ ...over, productId, name: 'More', unitPrice: '5.1' })).id;
    const { id } = await app.given.subscription({ planId, quantity: 3, preRenewalInvoiceDays: 0 });
    const story: Story = [
      ['2026-11-01', seats(7)],
      ['2026-11-01T10:00', seats(5)],
      ['2026-12-31', to(dearer)],
      ['2027-01-01T00:30', to(planId, { quantity: 2, billingCycle: 'quarterly' })],
      ['2027-02-28', seats(1)],
    ];
    await live(app, id, story, '2027-04-05');
    expect(await items(app, id)).toEqual([
      '01 26-10-25 = 10.001',
      'Seats (Monthly) 26-10-25..26-11-25 10.001',
      '02 26-11-01 = 10.323',
      'Unused time: Seats 26-11-01..26-11-25 -7.743',
      'Remaining time: Seats 26-11-01..26-11-25 18.066',
      'credit 26-11-01 5.162',
      '03 26-11-25 = 16.668',
      'Seats (Monthly) 26-11-25..26-12-25 16.668',
      '04 26-12-25 = 16.668',
      'Seats (Monthly) 26-12-25..27-01-25 16.668',
      'credit 27-01-01 12.945', // 20.068 unused: the invoice of the change first
      '05 26-12-31 = 7.123',
      'Unused time: Seats 26-12-31..27-01-25 -13.442',
      'Remaining time: More 26-12-31..27-01-25 20.565',
      'credit 27-01-01 7.123',
      '01 27-01-01 = 20.001',
      'Seats (Quarterly) 27-01-01..27-04-01 20.001',
      'credit 27-02-28 3.511',
      '02 27-04-01 = 10.001',
      'Seats (Quarterly) 27-04-01..27-07-01 10.001',
    ]);
  });

  test('tiered in yen: graduated and volume with fees, from February 29', async () => {
    const app = await startAt(at('2028-02-29'));
    const tiers = [
      { upTo: 10, unitPrice: '500', flatFee: '1000' },
      { upTo: 20, unitPrice: '300' },
      { upTo: null, unitPrice: '99.5', flatFee: '250' },
    ];
    const over = { name: 'Steps', pricingModel: 'tiered', basePrice: '0', tiers, currency: 'JPY' };
    const { id: planId, productId } = await app.given.plan(over);
    const volume = (await app.given.plan({ ...over, productId, name: 'Volume', tierMode: 'volume' })).id;
    const { id } = await app.given.subscription({ planId, quantity: 10, preRenewalInvoiceDays: 0 });
    const story: Story = [
      ['2028-03-10', seats(25)],
      ['2028-03-20', to(volume)],
      ['2028-04-05', to(volume, { quantity: 11, effective: 'period_end' })],
      ['2028-05-15', to(volume, { billingCycle: 'yearly' })],
    ];
    await live(app, id, story, '2029-05-20');
    expect(await items(app, id)).toEqual([
      '01 28-02-29 = 6000',
      'Steps (Monthly), units 1-10 28-02-29..28-03-29 5000',
      'Steps (Monthly), fee for units 1-10 28-02-29..28-03-29 1000',
      '02 28-03-10 = 2456',
      'Unused time: Steps 28-03-10..28-03-29 -3931',
      'Remaining time: Steps 28-03-10..28-03-29 6387',
      'credit 28-03-20 2175',
      '03 28-03-29 = 2738',
      'Volume (Monthly), units 21+ 28-03-29..28-04-29 2488',
      'Volume (Monthly), fee for units 21+ 28-03-29..28-04-29 250',
      '04 28-04-29 = 3300',
      'Volume (Monthly), units 11-20 28-04-29..28-05-29 3300',
      'credit 28-05-15 1540',
      '05 28-05-15 = 39600',
      'Volume (Yearly), units 11-20 28-05-15..29-05-15 39600',
      '01 29-05-15 = 39600',
      'Volume (Yearly), units 11-20 29-05-15..30-05-15 39600',
    ]);
  });
});
