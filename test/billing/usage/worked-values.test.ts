import { afterEach, describe, expect, test } from '@jest/globals';
import type { TestApp } from '../../support/app.ts';
import {
  closeApps,
  type Entity,
  invoicesOf,
  pay,
  periodRows,
  run,
  runAt,
  startAt,
  subscriptionOf,
} from '../support.ts';
import { linesOf, metric, notesOf, record, START, usageRows, usageSubscription, use, voidEvent } from './support.ts';

afterEach(closeApps);

const FEB = '2026-02-28T10:00:00.000Z';
const MAR = '2026-03-31T10:00:00.000Z';
const TIERS = [
  { upTo: 100, unitPrice: '0.10' },
  { upTo: null, unitPrice: '0.05' },
];
const LATE = { timestamp: '2026-02-20T00:00:00Z' };

/** A subscription whose first period is closed with this usage; the clock stands in the second one. */
async function billed(values: string[], plan: object = {}, over: object = {}): Promise<{ app: TestApp; id: string }> {
  const app = await startAt(START);
  const { id } = await usageSubscription(app, plan, over);
  for (const value of values) await use(app, id, value);
  await runAt(app, FEB);
  app.clock.advance({ days: 1 });
  return { app, id };
}

describe('late usage (rules U6, U7)', () => {
  test('U.1 100 billed, 5 come late: a line of the next invoice', async () => {
    const { app, id } = await billed(['100']);
    await use(app, id, '5', LATE);
    expect(await usageRows(app, id)).toEqual(['2026-01-31 invoiced 100 1000 1000 *', '2026-02-28 pending']);
    await use(app, id, '7');
    await runAt(app, MAR);
    const [first, second, ...none] = await invoicesOf(app, id);
    expect(none).toEqual([]);
    expect(linesOf(first)).toEqual(['API: calls, 100 = 10.00']);
    expect(linesOf(second)).toEqual([
      'API: calls, 7 = 0.70',
      'API: calls, late usage for 2026-01-31 to 2026-02-28, 5 = 0.50',
    ]);
    expect(second.lineItems[1]).toMatchObject({
      kind: 'usage',
      quantity: 1,
      unitPrice: '0.50',
      periodStart: START,
      periodEnd: FEB,
    });
    expect((await usageRows(app, id)).slice(0, 1)).toEqual(['2026-01-31 invoiced 105 1050 1050']);
  });

  test('U.2 105 billed, a void of 10: a credit note of 1.00', async () => {
    const { app, id } = await billed(['95']);
    const [{ id: tenId }] = [await use(app, id, '10', LATE)];
    await runAt(app, MAR);
    const [first, second] = await invoicesOf(app, id);
    expect([first.total, second.total]).toEqual(['9.50', '1.00']);
    app.clock.advance({ hours: 1 });
    expect((await voidEvent(app, tenId)).body.voidedAt).toBe(app.clock.now());
    await runAt(app, '2026-04-30T10:00:00.000Z');
    expect(await notesOf(app, second.id)).toEqual([
      '1.00: API: calls, usage correction for 2026-01-31 to 2026-02-28, -10',
    ]);
    expect(await notesOf(app, first.id)).toEqual([]);
    expect((await usageRows(app, id)).slice(0, 1)).toEqual(['2026-01-31 invoiced 95 950 950']);
  });

  test('U.3 tiers: 90 billed, 20 come late', async () => {
    const { app, id } = await billed(['90'], { unitPrice: undefined, tiers: TIERS });
    await use(app, id, '20', LATE);
    await runAt(app, MAR);
    const [first, second] = await invoicesOf(app, id);
    expect(linesOf(first)).toEqual(['API: calls, 90 = 9.00']);
    expect(linesOf(second)).toEqual(['API: calls, late usage for 2026-01-31 to 2026-02-28, 20 = 1.50']);
  });

  test('U.4 max of 7: a late 5 changes nothing', async () => {
    const { app, id } = await billed(['7', '3'], { usageMetric: metric('max') });
    await use(app, id, '5', LATE);
    await runAt(app, MAR);
    expect((await invoicesOf(app, id)).map(linesOf)).toEqual([['API: calls, 7 = 0.70']]);
    expect(await usageRows(app, id)).toEqual([
      '2026-01-31 invoiced 7 70 70',
      '2026-02-28 skipped 0 0 0',
      '2026-03-31 pending',
    ]);
  });

  test.each([
    ['without a coupon', '', '0.80', '0.20'],
    ['with a coupon of 50 %', 'HALF', '0.40', '0.10'],
  ])('U.5 last of 8: a later 6 comes late, %s', async (_, code, total, credited) => {
    const app = await startAt(START);
    if (code) await app.given.coupon({ code, discountValue: '50', duration: 'forever' });
    const plan = { usageMetric: metric('last') };
    const { id } = await usageSubscription(app, plan, code ? { couponCode: code } : {});
    await use(app, id, '8', { timestamp: '2026-01-31T10:00:00Z' });
    await runAt(app, FEB);
    app.clock.advance({ days: 1 });
    await use(app, id, '6', LATE);
    await runAt(app, MAR);
    const [invoice] = await invoicesOf(app, id);
    expect(invoice).toMatchObject({ total, creditNotesAmount: credited });
    expect(await notesOf(app, invoice.id)).toEqual([
      `${credited}: API: calls, usage correction for 2026-01-31 to 2026-02-28, -2`,
    ]);
  });

  test('U.6 a skipped period bills in full', async () => {
    const { app, id } = await billed([]);
    expect(await usageRows(app, id)).toEqual(['2026-01-31 skipped 0 0 0', '2026-02-28 pending']);
    await use(app, id, '3', LATE);
    await runAt(app, MAR);
    const [invoice] = await invoicesOf(app, id);
    expect(linesOf(invoice)).toEqual(['API: calls, late usage for 2026-01-31 to 2026-02-28, 3 = 0.30']);
    expect((await usageRows(app, id))[0]).toBe('2026-01-31 invoiced 3 30 30');
  });

  test('U.7 12.5, 0.000000000001 and -2.5 are summed exactly', async () => {
    const { app, id } = await billed(['12.5', '0.000000000001', '-2.5']);
    const [invoice] = await invoicesOf(app, id);
    expect(linesOf(invoice)).toEqual(['API: calls, 10.000000000001 = 1.00']);
    const explained = (await app.api.get(`/api/billing/invoices/${invoice.id}/explain`)).body;
    expect(explained).toMatchObject({ verified: true });
    expect(explained.steps[0].inputs).toMatchObject({ usage: '10.000000000001', aggregation: 'sum' });
  });

  test('U.8 a batch: accepted, duplicate, conflict, rejected', async () => {
    const app = await startAt(START);
    const { id } = await usageSubscription(app);
    const event = { subscriptionId: id, metricName: 'calls', idempotencyKey: 'a' };
    const ahead = new Date(Date.parse(START) + 3_600_000).toISOString();
    const answer = await record(app, [
      { ...event, value: '1' },
      { ...event, value: '1' },
      { ...event, value: '2' },
      { ...event, idempotencyKey: 'b', timestamp: ahead },
    ]);
    expect(answer.status).toBe(201);
    const { results } = answer.body;
    expect(results.map(({ status }: Entity) => status)).toEqual(['accepted', 'duplicate', 'conflict', 'rejected']);
    expect(results[1].id).toBe(results[0].id);
    expect(results[2].error.error).toBe('idempotency_key_reused');
    expect(results[3].error).toMatchObject({ error: 'validation_error', fields: { timestamp: expect.any(String) } });
  });

  test('U.9 an event at the end of the period belongs to the next one', async () => {
    const app = await startAt(START);
    const { id } = await usageSubscription(app);
    app.clock.set(FEB);
    await use(app, id, '4', { timestamp: '2026-02-28T09:59:59.999Z' });
    await use(app, id, '6', { timestamp: FEB });
    await run(app);
    await runAt(app, MAR);
    expect((await invoicesOf(app, id)).map(linesOf)).toEqual([['API: calls, 4 = 0.40'], ['API: calls, 6 = 0.60']]);
  });

  test('"0.0001" is exact: as a price of 3 000 000 units, and as the value of 3000 events', async () => {
    const app = await startAt(START);
    const cheap = await usageSubscription(app, { unitPrice: '0.0001' });
    const small = await usageSubscription(app, { unitPrice: '1000' });
    await use(app, cheap.id, '3000000');
    const event = { subscriptionId: small.id, metricName: 'calls', value: '0.0001' };
    for (let i = 0; i < 3; i++) expect((await record(app, Array(1000).fill(event))).status).toBe(201);
    await runAt(app, FEB);
    expect((await invoicesOf(app, cheap.id)).map(linesOf)).toEqual([['API: calls, 3000000 = 300.00']]);
    expect((await invoicesOf(app, small.id)).map(linesOf)).toEqual([['API: calls, 0.3 = 300.00']]);
  });
});

describe('the billing of usage (rules S8)', () => {
  test.each([
    ['S.9', 0, [['API (Monthly) = 20.00'], ['API (Monthly) = 20.00', 'API: calls, 50 = 5.00']]],
    ['S.10', 7, [['API (Monthly) = 20.00'], ['API (Monthly) = 20.00'], ['API: calls, 50 = 5.00']]],
  ])('%s base price 20, usage 50, invoiced %d days ahead', async (_, preRenewalInvoiceDays, expected) => {
    const app = await startAt(START);
    const { id } = await usageSubscription(app, { basePrice: '20.00' }, { preRenewalInvoiceDays });
    await use(app, id, '50');
    await runAt(app, '2026-02-21T10:00:00.000Z');
    await runAt(app, FEB);
    expect((await invoicesOf(app, id)).map(linesOf)).toEqual(expected);
  });

  test('S.12 nothing used: the row is skipped, no invoice, no number', async () => {
    const { app, id } = await billed([]);
    expect(await invoicesOf(app, id)).toEqual([]);
    expect(await periodRows(app, id)).toContain('usage 2026-01-31: skipped');
    expect(await app.database.read('counters').where('scope', 'like', 'invoice:%')).toEqual([]);
  });

  test('S11 d a dirty row of a canceled subscription is billed at once', async () => {
    const { app, id } = await billed(['10']);
    await use(app, id, '2');
    app.clock.advance({ hours: 1 });
    await app.api.delete(`/api/billing/subscriptions/${id}`);
    app.clock.advance({ hours: 1 });
    await use(app, id, '5', LATE);
    await use(app, id, '-1', { timestamp: '2026-03-01T00:00:00Z' });
    await run(app);
    const [first, final, late] = await invoicesOf(app, id);
    expect(linesOf(first)).toEqual(['API: calls, 10 = 1.00']);
    expect(linesOf(final)).toEqual(['API: calls, 2 = 0.20']);
    expect(linesOf(late)).toEqual(['API: calls, late usage for 2026-01-31 to 2026-02-28, 5 = 0.50']);
    expect(await notesOf(app, final.id)).toEqual([
      '0.10: API: calls, usage correction for 2026-02-28 to 2026-03-01, -1',
    ]);
    const before = (await subscriptionOf(app, id)).version;
    await run(app);
    expect((await subscriptionOf(app, id)).version).toBe(before);
    expect((await invoicesOf(app, id)).length).toBe(3);
  });

  test('a correction of a paid invoice goes to the credit balance, and from there to the next invoice', async () => {
    const { app, id } = await billed(['100']);
    const [first] = await invoicesOf(app, id);
    await pay(app, first.id, '10.00');
    await use(app, id, '-30', LATE);
    await use(app, id, '50');
    await runAt(app, MAR);
    const [again, second] = await invoicesOf(app, id);
    expect(again).toMatchObject({ status: 'paid', amountDue: '0.00' });
    expect(second).toMatchObject({ total: '5.00', creditsApplied: '3.00', amountDue: '2.00' });
  });
});
