import { afterEach, describe, expect, test } from '@jest/globals';
import { addDays } from '../../../src/platform/calendar.ts';
import { asLines, difference, dump } from '../../support/dump.ts';
import { expectRefusal, UNKNOWN_ID } from '../../support/refusals.ts';
import { adjust, closeApps, type Entity, invoicesOf, putSubscription, run, runAt, startAt } from '../support.ts';
import { linesOf, START, upcomingOf, usageSubscription, use, voidEvent } from './support.ts';

afterEach(closeApps);

const FEB = '2026-02-28T10:00:00.000Z';
const MAR = '2026-03-31T10:00:00.000Z';

/** What the boundary issues is what was said just before it: every amount, and the lines without their ids. */
function expectSame(preview: Entity, { lineItems, ...invoice }: Entity): void {
  const members = ['customerId', 'customerName', 'subscriptionId', 'currency', 'subtotal', 'discountAmount', 'taxName'];
  const more = ['taxRate', 'taxInclusive', 'taxAmount', 'total', 'creditsApplied', 'amountDue', 'dueDate'];
  for (const name of [...members, ...more]) expect([name, preview[name]]).toEqual([name, invoice[name]]);
  expect(preview.lineItems).toEqual(lineItems.map(({ id: _, ...line }: Entity) => line));
}

describe('getUpcomingInvoice (rules I7)', () => {
  test('200 equals the invoice of the boundary: advance, usage, late usage, discounts, tax, credit', async () => {
    const app = await startAt(START);
    await app.given.taxRule({ country: 'US', region: 'CA', rate: '0.0725' });
    const customer = await app.given.customer({ billingCountry: 'US', billingState: 'CA' });
    await app.given.coupon({ code: 'TEN', discountValue: '10', duration: 'forever' });
    const over = { customerId: customer.id, couponCode: 'TEN' };
    const { id } = await usageSubscription(app, { basePrice: '20.00' }, over);
    await use(app, id, '50');
    await runAt(app, FEB);
    app.clock.advance({ days: 1 });
    await use(app, id, '3', { timestamp: '2026-02-20T00:00:00Z' });
    await use(app, id, '7.5');
    await adjust(app, customer.id, '5.00');
    const before = asLines(await dump(app.database.read));
    const preview = await upcomingOf(app, id);
    expect(difference(before, asLines(await dump(app.database.read)))).toEqual([]);
    expect(preview.status).toBe(200);
    expect(preview.body).toMatchObject({
      periodStart: MAR,
      periodEnd: '2026-04-30T10:00:00.000Z',
      issueDate: MAR,
      dueDate: addDays(MAR, 30),
      creditsApplied: '5.00',
    });
    expect(linesOf(preview.body)).toEqual([
      'API (Monthly) = 20.00',
      'API: calls, 7.5 = 0.75',
      'API: calls, late usage for 2026-01-31 to 2026-02-28, 3 = 0.30',
      'Discount: TEN = -2.11',
    ]);
    await runAt(app, MAR);
    expectSame(preview.body, (await invoicesOf(app, id)).at(-1)!);
  });

  test('200 only the usage when the next period is invoiced already', async () => {
    const app = await startAt(START);
    const { id } = await usageSubscription(app, { basePrice: '20.00' }, { preRenewalInvoiceDays: 7 });
    expect(linesOf((await upcomingOf(app, id)).body)).toEqual(['API (Monthly) = 20.00']);
    await use(app, id, '2');
    await runAt(app, '2026-02-21T10:00:00.000Z');
    expect(linesOf((await upcomingOf(app, id)).body)).toEqual(['API: calls, 2 = 0.20']);
  });

  test('200 the first invoice at the end of a trial, without the usage of the trial', async () => {
    const app = await startAt(START);
    const { id } = await usageSubscription(app, { basePrice: '20.00' }, { trialDays: 14 });
    await use(app, id, '9');
    const { body } = await upcomingOf(app, id);
    const start = addDays(START, 14);
    expect(linesOf(body)).toEqual(['API (Monthly) = 20.00']);
    expect(body).toMatchObject({ periodStart: start, issueDate: start });
    await runAt(app, start);
    expectSame(body, (await invoicesOf(app, id))[0]);
  });

  test('200 no lines and zeros when there is nothing to bill', async () => {
    const app = await startAt(START);
    const { id } = await usageSubscription(app);
    expect((await upcomingOf(app, id)).body).toMatchObject({
      lineItems: [],
      subtotal: '0.00',
      total: '0.00',
      amountDue: '0.00',
    });
  });

  test('200 the last usage of a subscription that ends with its period; 400 when nothing is left', async () => {
    const app = await startAt(START);
    const { id } = await usageSubscription(app, { basePrice: '20.00' });
    await putSubscription(app, id, { cancelAtPeriodEnd: true });
    expectRefusal(await upcomingOf(app, id), 400, 'subscription_not_active');
    const event = await use(app, id, '9');
    const { body } = await upcomingOf(app, id);
    expect(linesOf(body)).toEqual(['API: calls, 9 = 0.90']);
    expect(body).toMatchObject({ periodStart: START, periodEnd: FEB });
    await voidEvent(app, event.id);
    expectRefusal(await upcomingOf(app, id), 400, 'subscription_not_active');
  });

  test('200 as of now when the run is late', async () => {
    const app = await startAt(START);
    const { id } = await usageSubscription(app, { basePrice: '20.00' });
    app.clock.set(addDays(FEB, 3));
    expect((await upcomingOf(app, id)).body).toMatchObject({ periodStart: FEB, issueDate: addDays(FEB, 3) });
    await run(app);
  });

  test('400 subscription_not_active when paused or canceled', async () => {
    const app = await startAt(START);
    const { id } = await usageSubscription(app);
    await putSubscription(app, id, { status: 'paused' });
    expectRefusal(await upcomingOf(app, id), 400, 'subscription_not_active');
    await app.api.delete(`/api/billing/subscriptions/${id}`);
    expectRefusal(await upcomingOf(app, id), 400, 'subscription_not_active');
  });

  test('404 not_found of another customer, 401 unauthorized without credentials', async () => {
    const app = await startAt(START);
    const { id, customerId } = await usageSubscription(app);
    const path = (of: string) => `/api/v1/billing/subscriptions/${of}/upcoming-invoice`;
    const keyOf = async (of: string) => app.withKey((await app.given.apiKey({ customerId: of })).key);
    expect((await (await keyOf(customerId)).get(path(id))).status).toBe(200);
    expectRefusal(await (await keyOf((await app.given.customer()).id)).get(path(id)), 404, 'not_found');
    expectRefusal(await upcomingOf(app, UNKNOWN_ID), 404, 'not_found');
    expectRefusal(await app.anonymous.get(path(id).replace('/v1', '')), 401, 'unauthorized');
  });
});
