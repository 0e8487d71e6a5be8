import { afterEach, describe, expect, test } from '@jest/globals';
import {
  billedPeriods,
  closeApps,
  invoicesOf,
  periodRows,
  run,
  runAt,
  runEvery,
  startAt,
  subscriptionOf,
} from '../billing/support.ts';

afterEach(closeApps);

/** WORKED VALUES of rules §8, timelines. */
describe('timelines', () => {
  test('S.1 7 days, hourly runs: each period is invoiced a week ahead and begins at its own day', async () => {
    const app = await startAt('2026-01-31T10:00:00.000Z');
    const { id } = await app.given.subscription();
    await runEvery(app, 1, '2026-04-01T10:00:00.000Z');
    expect(await billedPeriods(app, id)).toEqual([
      '2026-01-31: 2026-01-31 - 2026-02-28',
      '2026-02-21: 2026-02-28 - 2026-03-31',
      '2026-03-24: 2026-03-31 - 2026-04-30',
    ]);
    const invoices = await invoicesOf(app, id);
    expect(invoices.map(({ issuedAt, dueDate }) => [issuedAt, dueDate])).toEqual([
      ['2026-01-31T10:00:00.000Z', '2026-03-02T10:00:00.000Z'],
      ['2026-02-21T10:00:00.000Z', '2026-03-23T10:00:00.000Z'],
      ['2026-03-24T10:00:00.000Z', '2026-04-23T10:00:00.000Z'],
    ]);
    expect(await subscriptionOf(app, id)).toMatchObject({
      currentPeriodStart: '2026-03-31T10:00:00.000Z',
      currentPeriodEnd: '2026-04-30T10:00:00.000Z',
    });
    app.clock.set('2026-04-23T09:59:59.999Z');
    expect(await run(app)).toMatchObject({ invoicesGenerated: 0 });
    expect(await runAt(app, '2026-04-23T10:00:00.000Z')).toMatchObject({ invoicesPreGenerated: 1, renewed: 0 });
  });

  test('S.2 no run for three months, then one: every missed period, in order; a second run does nothing', async () => {
    const app = await startAt('2026-01-31T10:00:00.000Z');
    const { id } = await app.given.subscription();
    expect(await runAt(app, '2026-05-02T00:00:00.000Z')).toMatchObject({
      renewed: 3,
      invoicesGenerated: 3,
      invoicesPreGenerated: 3,
    });
    expect(await billedPeriods(app, id)).toEqual([
      '2026-01-31: 2026-01-31 - 2026-02-28',
      '2026-05-02: 2026-02-28 - 2026-03-31',
      '2026-05-02: 2026-03-31 - 2026-04-30',
      '2026-05-02: 2026-04-30 - 2026-05-31',
    ]);
    expect((await invoicesOf(app, id)).map(({ invoiceNumber, dueDate }) => [invoiceNumber, dueDate])).toEqual([
      ['INV-2026-0001', '2026-03-02T10:00:00.000Z'],
      ['INV-2026-0002', '2026-06-01T00:00:00.000Z'],
      ['INV-2026-0003', '2026-06-01T00:00:00.000Z'],
      ['INV-2026-0004', '2026-06-01T00:00:00.000Z'],
    ]);
    expect(await subscriptionOf(app, id)).toMatchObject({
      currentPeriodStart: '2026-04-30T10:00:00.000Z',
      currentPeriodEnd: '2026-05-31T10:00:00.000Z',
    });
    expect(await run(app)).toMatchObject({ renewed: 0, invoicesGenerated: 0, invoicesPreGenerated: 0 });
  });

  test('S.3 0 days, one run after three months: an invoice per boundary', async () => {
    const app = await startAt('2026-01-01T00:00:00.000Z');
    const { id } = await app.given.subscription({ preRenewalInvoiceDays: 0 });
    expect(await runAt(app, '2026-04-10T00:00:00.000Z')).toMatchObject({
      renewed: 3,
      invoicesGenerated: 3,
      invoicesPreGenerated: 0,
    });
    expect(await billedPeriods(app, id)).toEqual([
      '2026-01-01: 2026-01-01 - 2026-02-01',
      '2026-04-10: 2026-02-01 - 2026-03-01',
      '2026-04-10: 2026-03-01 - 2026-04-01',
      '2026-04-10: 2026-04-01 - 2026-05-01',
    ]);
  });

  test('S.4 90 days: never more than one period ahead', async () => {
    const app = await startAt('2026-01-01T00:00:00.000Z');
    const { id } = await app.given.subscription({ preRenewalInvoiceDays: 90 });
    await run(app);
    await run(app);
    expect(await billedPeriods(app, id)).toEqual([
      '2026-01-01: 2026-01-01 - 2026-02-01',
      '2026-01-01: 2026-02-01 - 2026-03-01',
    ]);
    await runAt(app, '2026-02-01T00:00:00.000Z');
    expect((await billedPeriods(app, id)).slice(2)).toEqual(['2026-02-01: 2026-03-01 - 2026-04-01']);
    const [, second, third] = await invoicesOf(app, id);
    expect(second.dueDate).toBe('2026-02-01T00:00:00.000Z'); // issue + 30 days would be the day before it begins
    expect(third.dueDate).toBe('2026-03-03T00:00:00.000Z');
  });

  test('S.5 yearly, 30 days', async () => {
    const app = await startAt('2026-01-01T00:00:00.000Z');
    const plan = await app.given.plan({ billingCycle: 'yearly', basePrice: '1200.00' });
    const { id } = await app.given.subscription({
      planId: plan.id,
      billingCycle: 'yearly',
      preRenewalInvoiceDays: 30,
    });
    await runAt(app, '2026-12-01T23:59:59.999Z');
    expect(await billedPeriods(app, id)).toEqual(['2026-01-01: 2026-01-01 - 2027-01-01']);
    await runAt(app, '2026-12-02T00:00:00.000Z');
    expect((await billedPeriods(app, id))[1]).toBe('2026-12-02: 2027-01-01 - 2028-01-01');
  });

  test('S.9 usage_based, 0 days: the advance part at the creation and at each boundary', async () => {
    const app = await startAt('2026-01-31T10:00:00.000Z');
    const usageMetric = { name: 'calls', aggregation: 'sum' };
    const plan = await app.given.plan({
      pricingModel: 'usage_based',
      basePrice: '20.00',
      unitPrice: '0.10',
      usageMetric,
    });
    const { id } = await app.given.subscription({ planId: plan.id, preRenewalInvoiceDays: 0 });
    await runAt(app, '2026-02-28T10:00:00.000Z');
    expect((await invoicesOf(app, id)).map(({ total }) => total)).toEqual(['20.00', '20.00']);
    expect(await periodRows(app, id)).toEqual([
      'advance 2026-01-31: invoiced',
      'usage 2026-01-31: skipped',
      'advance 2026-02-28: invoiced',
      'usage 2026-02-28: pending',
      'advance 2026-03-31: pending',
    ]);
  });

  test('S.10 the same with 7 days: the advance part is billed ahead, alone', async () => {
    const app = await startAt('2026-01-31T10:00:00.000Z');
    const usageMetric = { name: 'calls', aggregation: 'sum' };
    const plan = await app.given.plan({
      pricingModel: 'usage_based',
      basePrice: '20.00',
      unitPrice: '0.10',
      usageMetric,
    });
    const { id } = await app.given.subscription({ planId: plan.id });
    await runAt(app, '2026-02-21T10:00:00.000Z');
    expect(await billedPeriods(app, id)).toEqual([
      '2026-01-31: 2026-01-31 - 2026-02-28',
      '2026-02-21: 2026-02-28 - 2026-03-31',
    ]);
    expect(await periodRows(app, id)).toContain('usage 2026-01-31: pending');
    expect(await runAt(app, '2026-02-28T10:00:00.000Z')).toMatchObject({ renewed: 1, invoicesGenerated: 0 });
    expect(await periodRows(app, id)).toContain('usage 2026-01-31: skipped');
  });

  test('S.11 eight runners at the same instant: one invoice', async () => {
    const app = await startAt('2026-01-31T10:00:00.000Z');
    const { id } = await app.given.subscription();
    app.clock.set('2026-02-21T10:00:00.000Z');
    const answers = await Promise.all(Array.from({ length: 8 }, () => run(app)));
    expect(answers.reduce((sum, { invoicesGenerated }) => sum + invoicesGenerated, 0)).toBe(1);
    expect(await billedPeriods(app, id)).toHaveLength(2);
  });

  test('S.12 a plan that bills nothing: rows skipped, no invoice, no number used', async () => {
    const app = await startAt('2026-01-31T10:00:00.000Z');
    const usageMetric = { name: 'calls', aggregation: 'sum' };
    const usageOnly = await app.given.plan({
      pricingModel: 'usage_based',
      basePrice: '0',
      unitPrice: '0.10',
      usageMetric,
    });
    const free = await app.given.plan({ basePrice: '0.00' });
    const usage = await app.given.subscription({ planId: usageOnly.id });
    const flat = await app.given.subscription({ planId: free.id });
    expect(await runAt(app, '2026-03-31T10:00:00.000Z')).toMatchObject({ renewed: 4, invoicesGenerated: 0 });
    expect(await periodRows(app, usage.id)).toEqual([
      'advance 2026-01-31: skipped',
      'usage 2026-01-31: skipped',
      'advance 2026-02-28: skipped',
      'usage 2026-02-28: skipped',
      'advance 2026-03-31: skipped',
      'usage 2026-03-31: pending',
      'advance 2026-04-30: pending',
    ]);
    expect(await invoicesOf(app, flat.id)).toEqual([]);
    expect(await app.given.invoice()).toMatchObject({ invoiceNumber: 'INV-2026-0001' });
  });
});

describe('anchored periods', () => {
  const starts = async (anchor: string, cycle: string, end: string) => {
    const app = await startAt(anchor);
    const { id } = await app.given.subscription({ billingCycle: cycle });
    await runAt(app, end);
    return (await invoicesOf(app, id)).map(({ lineItems: [line] }) => line.periodStart);
  };

  test('a subscription of the 31st over 13 months: the day comes back after each short month', async () => {
    const ends = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31, 31, 28];
    const expected = ends.map((day, i) => {
      const month = String((i % 12) + 1).padStart(2, '0');
      return `${i < 12 ? 2026 : 2027}-${month}-${day}T10:00:00.000Z`;
    });
    expect(await starts('2026-01-31T10:00:00.000Z', 'monthly', '2027-02-28T10:00:00.000Z')).toEqual(expected);
  });

  test('monthly from Feb 29 of a leap year', async () => {
    expect(await starts('2028-02-29T23:59:59.999Z', 'monthly', '2028-05-01T00:00:00.000Z')).toEqual([
      '2028-02-29T23:59:59.999Z',
      '2028-03-29T23:59:59.999Z',
      '2028-04-29T23:59:59.999Z',
    ]);
  });

  test('yearly from Feb 29: Feb 28, and Feb 29 again four years later', async () => {
    expect(await starts('2024-02-29T23:59:59.999Z', 'yearly', '2028-02-29T23:59:59.999Z')).toEqual([
      '2024-02-29T23:59:59.999Z',
      '2025-02-28T23:59:59.999Z',
      '2026-02-28T23:59:59.999Z',
      '2027-02-28T23:59:59.999Z',
      '2028-02-29T23:59:59.999Z',
    ]);
  });

  test('quarterly from Nov 30', async () => {
    expect(await starts('2026-11-30T00:00:00.000Z', 'quarterly', '2027-08-30T00:00:00.000Z')).toEqual([
      '2026-11-30T00:00:00.000Z',
      '2027-02-28T00:00:00.000Z',
      '2027-05-30T00:00:00.000Z',
      '2027-08-30T00:00:00.000Z',
    ]);
  });

  test('more than 120 actions are due: one run does 120, the next the rest', async () => {
    const app = await startAt('2026-01-01T00:00:00.000Z');
    const { id } = await app.given.subscription();
    expect(await runAt(app, '2032-01-01T00:00:00.000Z')).toMatchObject({ renewed: 60, invoicesGenerated: 60 });
    expect(await run(app)).toMatchObject({ renewed: 12, invoicesGenerated: 12 });
    expect(await invoicesOf(app, id)).toHaveLength(73);
    expect(await run(app)).toMatchObject({ renewed: 0, invoicesGenerated: 0 });
  });
});
