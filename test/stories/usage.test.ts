import { afterEach, expect, test } from '@jest/globals';
import { addMonths } from '../../src/platform/calendar.ts';
import { closeApps, type Entity, invoicesOf, runAt, startAt } from '../billing/support.ts';
import { linesOf, metric, record, START, usageSubscription } from '../billing/usage/support.ts';

afterEach(closeApps);

type Used = (month: number) => { value?: string; properties?: object }[];

/**
 * A subscription from 2026-01-31 for a year: in month m (1 to 12) it uses what `used` says, a day apart, and the run comes
 * at the end of each month. Answers each invoice as `day: lines`, the lines without the name of the metric.
 */
async function year(plan: object, sub: object, used: Used): Promise<string[]> {
  const app = await startAt(START);
  const { id } = await usageSubscription(app, plan, sub);
  for (let month = 1; month <= 12; month++) {
    const events = used(month).map((event) => ({ subscriptionId: id, metricName: 'calls', ...event }));
    for (const event of events) {
      app.clock.advance({ days: 1 });
      expect((await record(app, event)).status).toBe(201);
    }
    await runAt(app, addMonths(START, month));
  }
  return (await invoicesOf(app, id)).map((invoice: Entity) => {
    const lines = linesOf(invoice).map((line) => line.replace('API: calls, ', ''));
    return `${invoice.issuedAt.slice(0, 10)}: ${lines.join(' | ')}`;
  });
}

const values = (...all: number[]) => all.map((value) => ({ value: String(value) }));
/** Four events of `count` different users; of one without a number when it is 0. */
const users = (count: number) => [0, 1, 2, 3].map((n) => ({ properties: { user: n % count || 'x' } }));
const TIERS = [
  { upTo: 10, unitPrice: '5' },
  { upTo: 20, unitPrice: '3', flatFee: '7' },
  { upTo: null, unitPrice: '1' },
];
const LONG = 120_000;

test(
  'a sum beside a base price',
  async () => {
    expect(await year({ basePrice: '20.00' }, {}, (m) => values(10 * m, 2.5, -2.5))).toEqual([
      '2026-01-31: API (Monthly) = 20.00',
      '2026-02-28: API (Monthly) = 20.00 | 10 = 1.00',
      '2026-03-31: API (Monthly) = 20.00 | 20 = 2.00',
      '2026-04-30: API (Monthly) = 20.00 | 30 = 3.00',
      '2026-05-31: API (Monthly) = 20.00 | 40 = 4.00',
      '2026-06-30: API (Monthly) = 20.00 | 50 = 5.00',
      '2026-07-31: API (Monthly) = 20.00 | 60 = 6.00',
      '2026-08-31: API (Monthly) = 20.00 | 70 = 7.00',
      '2026-09-30: API (Monthly) = 20.00 | 80 = 8.00',
      '2026-10-31: API (Monthly) = 20.00 | 90 = 9.00',
      '2026-11-30: API (Monthly) = 20.00 | 100 = 10.00',
      '2026-12-31: API (Monthly) = 20.00 | 110 = 11.00',
      '2027-01-31: API (Monthly) = 20.00 | 120 = 12.00',
    ]);
  },
  LONG,
);

test(
  'the greatest value',
  async () => {
    expect(await year({ usageMetric: metric('max') }, {}, (m) => values(m, 2 * m, m))).toEqual([
      '2026-02-28: 2 = 0.20',
      '2026-03-31: 4 = 0.40',
      '2026-04-30: 6 = 0.60',
      '2026-05-31: 8 = 0.80',
      '2026-06-30: 10 = 1.00',
      '2026-07-31: 12 = 1.20',
      '2026-08-31: 14 = 1.40',
      '2026-09-30: 16 = 1.60',
      '2026-10-31: 18 = 1.80',
      '2026-11-30: 20 = 2.00',
      '2026-12-31: 22 = 2.20',
      '2027-01-31: 24 = 2.40',
    ]);
  },
  LONG,
);

test(
  'the last value',
  async () => {
    expect(await year({ usageMetric: metric('last') }, {}, (m) => values(50, m))).toEqual([
      '2026-02-28: 1 = 0.10',
      '2026-03-31: 2 = 0.20',
      '2026-04-30: 3 = 0.30',
      '2026-05-31: 4 = 0.40',
      '2026-06-30: 5 = 0.50',
      '2026-07-31: 6 = 0.60',
      '2026-08-31: 7 = 0.70',
      '2026-09-30: 8 = 0.80',
      '2026-10-31: 9 = 0.90',
      '2026-11-30: 10 = 1.00',
      '2026-12-31: 11 = 1.10',
      '2027-01-31: 12 = 1.20',
    ]);
  },
  LONG,
);

test(
  'the number of events; nothing in every fourth month',
  async () => {
    expect(await year({ usageMetric: metric('count') }, {}, (m) => Array(m % 4).fill({ value: '7' }))).toEqual([
      '2026-02-28: 1 = 0.10',
      '2026-03-31: 2 = 0.20',
      '2026-04-30: 3 = 0.30',
      '2026-06-30: 1 = 0.10',
      '2026-07-31: 2 = 0.20',
      '2026-08-31: 3 = 0.30',
      '2026-10-31: 1 = 0.10',
      '2026-11-30: 2 = 0.20',
      '2026-12-31: 3 = 0.30',
    ]);
  },
  LONG,
);

test(
  'the number of different users',
  async () => {
    expect(await year({ usageMetric: metric('unique', 'user') }, {}, (m) => users(m % 5))).toEqual([
      '2026-02-28: 1 = 0.10',
      '2026-03-31: 2 = 0.20',
      '2026-04-30: 3 = 0.30',
      '2026-05-31: 4 = 0.40',
      '2026-06-30: 1 = 0.10',
      '2026-07-31: 1 = 0.10',
      '2026-08-31: 2 = 0.20',
      '2026-09-30: 3 = 0.30',
      '2026-10-31: 4 = 0.40',
      '2026-11-30: 1 = 0.10',
      '2026-12-31: 1 = 0.10',
      '2027-01-31: 2 = 0.20',
    ]);
  },
  LONG,
);

test(
  'graduated tiers with a fee',
  async () => {
    expect(await year({ unitPrice: undefined, tiers: TIERS }, {}, (m) => values(2 * m, 0.5))).toEqual([
      '2026-02-28: 2.5 = 12.50',
      '2026-03-31: 4.5 = 22.50',
      '2026-04-30: 6.5 = 32.50',
      '2026-05-31: 8.5 = 42.50',
      '2026-06-30: 10 = 50.00 | 0.5 = 1.50 | fee for units 11-20 = 7.00',
      '2026-07-31: 10 = 50.00 | 2.5 = 7.50 | fee for units 11-20 = 7.00',
      '2026-08-31: 10 = 50.00 | 4.5 = 13.50 | fee for units 11-20 = 7.00',
      '2026-09-30: 10 = 50.00 | 6.5 = 19.50 | fee for units 11-20 = 7.00',
      '2026-10-31: 10 = 50.00 | 8.5 = 25.50 | fee for units 11-20 = 7.00',
      '2026-11-30: 10 = 50.00 | 10 = 30.00 | fee for units 11-20 = 7.00 | 0.5 = 0.50',
      '2026-12-31: 10 = 50.00 | 10 = 30.00 | fee for units 11-20 = 7.00 | 2.5 = 2.50',
      '2027-01-31: 10 = 50.00 | 10 = 30.00 | fee for units 11-20 = 7.00 | 4.5 = 4.50',
    ]);
  },
  LONG,
);

test(
  'the same tiers by volume',
  async () => {
    expect(
      await year({ unitPrice: undefined, tiers: TIERS, tierMode: 'volume' }, {}, (m) => values(2 * m, 0.5)),
    ).toEqual([
      '2026-02-28: 2.5 = 12.50',
      '2026-03-31: 4.5 = 22.50',
      '2026-04-30: 6.5 = 32.50',
      '2026-05-31: 8.5 = 42.50',
      '2026-06-30: 10.5 = 31.50 | fee for units 11-20 = 7.00',
      '2026-07-31: 12.5 = 37.50 | fee for units 11-20 = 7.00',
      '2026-08-31: 14.5 = 43.50 | fee for units 11-20 = 7.00',
      '2026-09-30: 16.5 = 49.50 | fee for units 11-20 = 7.00',
      '2026-10-31: 18.5 = 55.50 | fee for units 11-20 = 7.00',
      '2026-11-30: 20.5 = 20.50',
      '2026-12-31: 22.5 = 22.50',
      '2027-01-31: 24.5 = 24.50',
    ]);
  },
  LONG,
);

test(
  'a monthly plan sold quarterly: the usage of three months at the same unit price',
  async () => {
    expect(await year({ basePrice: '20.00' }, { billingCycle: 'quarterly' }, (m) => values(m, m))).toEqual([
      '2026-01-31: API (Quarterly) = 60.00',
      '2026-04-30: API (Quarterly) = 60.00 | 12 = 1.20',
      '2026-07-31: API (Quarterly) = 60.00 | 30 = 3.00',
      '2026-10-31: API (Quarterly) = 60.00 | 48 = 4.80',
      '2027-01-31: API (Quarterly) = 60.00 | 66 = 6.60',
    ]);
  },
  LONG,
);

test(
  'invoices ahead of the period: the usage alone at its end',
  async () => {
    expect(await year({ basePrice: '20.00' }, { preRenewalInvoiceDays: 7 }, (m) => values(m % 3))).toEqual([
      '2026-01-31: API (Monthly) = 20.00',
      '2026-02-28: API (Monthly) = 20.00',
      '2026-02-28: 1 = 0.10',
      '2026-03-31: API (Monthly) = 20.00',
      '2026-03-31: 2 = 0.20',
      '2026-04-30: API (Monthly) = 20.00',
      '2026-05-31: API (Monthly) = 20.00',
      '2026-05-31: 1 = 0.10',
      '2026-06-30: API (Monthly) = 20.00',
      '2026-06-30: 2 = 0.20',
      '2026-07-31: API (Monthly) = 20.00',
      '2026-08-31: API (Monthly) = 20.00',
      '2026-08-31: 1 = 0.10',
      '2026-09-30: API (Monthly) = 20.00',
      '2026-09-30: 2 = 0.20',
      '2026-10-31: API (Monthly) = 20.00',
      '2026-11-30: API (Monthly) = 20.00',
      '2026-11-30: 1 = 0.10',
      '2026-12-31: API (Monthly) = 20.00',
      '2026-12-31: 2 = 0.20',
      '2027-01-31: API (Monthly) = 20.00',
    ]);
  },
  LONG,
);
