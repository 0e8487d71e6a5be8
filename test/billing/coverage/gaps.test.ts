import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { addDays } from '../../../src/platform/calendar.ts';
import { execute } from '../../../src/platform/db/sql.ts';
import { startApp, type TestApp } from '../../support/app.ts';
import { coverageUntil, gapsOf } from '../../support/coverage.ts';
import { loosen, undone } from '../../support/loosen.ts';

/** What is made wrong, and the gap that must be named: kind, first day of the period, and why. */
interface Corruption {
  name: string;
  sql: string[];
  /** Days that pass without a run before anybody looks. */
  days?: number;
  gap: [sub: 'plain' | 'usage' | 'free' | 'resumed' | 'trial' | 'ended', kind: string, day: string, reason: string];
}

let app: TestApp;
const subs: Record<string, string> = {};

beforeAll(async () => {
  app = await startApp({ now: '2026-01-15T10:00:00.000Z' });
  const { given, api, clock, cron } = app;
  const metric = { name: 'calls', aggregation: 'sum', uniqueProperty: null };
  const usage = await given.plan({
    pricingModel: 'usage_based',
    basePrice: '20',
    unitPrice: '0.10',
    usageMetric: metric,
  });
  const free = await given.plan({ basePrice: '0' });
  const sell = async (name: string, over: object = {}) => {
    subs[name] = (await given.subscription({ preRenewalInvoiceDays: 0, ...over })).id;
  };
  const put = (name: string, body: object) => api.put(`/api/billing/subscriptions/${subs[name]}`, body);
  await sell('plain');
  await sell('usage', { planId: usage.id });
  await sell('free', { planId: free.id });
  await sell('resumed');
  await sell('trial', { trialDays: 40 });
  await sell('ended');
  await put('resumed', { status: 'paused' });
  await put('ended', { cancelAtPeriodEnd: true });
  clock.set('2026-03-01T00:00:00.000Z');
  await cron.post('/api/billing/cron/run');
  await put('resumed', { status: 'active' });
  clock.set('2026-04-20T00:00:00.000Z');
  await cron.post('/api/billing/cron/run');
  await app.drain();
  await loosen(app);
}, 120_000);
afterAll(() => app.close());

const ROW = (sub: string, day: string, kind = 'advance') =>
  `subscription_id = '{${sub}}' and kind = '${kind}' and cast(period_start as text) like '${day}%'`;
const INVOICE = (sub: string, day: string) => `(select invoice_id from billing_periods where ${ROW(sub, day)})`;

const CORRUPTIONS: Corruption[] = [
  {
    name: 'a row is deleted',
    sql: [`delete from billing_periods where ${ROW('plain', '2026-02-15')}`],
    gap: ['plain', 'advance', '2026-02-15', 'the run has passed it and left no row'],
  },
  {
    name: 'the row of the first period after a pause is deleted',
    sql: [`delete from billing_periods where ${ROW('resumed', '2026-03-01')}`],
    gap: ['resumed', 'advance', '2026-03-01', 'the run has passed it and left no row'],
  },
  {
    name: 'the last row of an ended subscription is deleted',
    sql: [`delete from billing_periods where ${ROW('ended', '2026-01-15')}`],
    gap: ['ended', 'advance', '2026-01-15', 'the run has passed it and left no row'],
  },
  {
    name: 'the row of the usage is deleted',
    sql: [`delete from billing_periods where ${ROW('usage', '2026-03-15', 'usage')}`],
    gap: ['usage', 'usage', '2026-03-15', 'the run has passed it and left no row'],
  },
  {
    name: 'a row is moved to another subscription',
    sql: [`update billing_periods set subscription_id = '{ended}' where ${ROW('plain', '2026-02-15')}`],
    gap: ['plain', 'advance', '2026-02-15', 'the run has passed it and left no row'],
  },
  {
    name: 'a row is moved by a day',
    sql: [`update billing_periods set period_start = '2026-02-16T10:00:00.000Z' where ${ROW('plain', '2026-02-15')}`],
    gap: ['plain', 'advance', '2026-02-15', 'the run has passed it and left no row'],
  },
  {
    name: 'a row ends too early',
    sql: [`update billing_periods set period_end = '2026-03-01T00:00:00.000Z' where ${ROW('plain', '2026-02-15')}`],
    gap: ['plain', 'advance', '2026-02-15', 'it was billed until 2026-03-01T00:00:00.000Z only'],
  },
  {
    name: 'the invoice of a row is deleted',
    sql: [`delete from invoices where id = ${INVOICE('plain', '2026-02-15')}`],
    gap: ['plain', 'advance', '2026-02-15', 'its invoice does not exist or is of another subscription'],
  },
  {
    name: 'the invoice of a row is of another subscription',
    sql: [
      `update billing_periods set invoice_id = ${INVOICE('usage', '2026-02-15')} where ${ROW('plain', '2026-02-15')}`,
    ],
    gap: ['plain', 'advance', '2026-02-15', 'its invoice does not exist or is of another subscription'],
  },
  {
    name: 'two periods name one invoice',
    sql: [
      `update billing_periods set invoice_id = ${INVOICE('plain', '2026-01-15')} where ${ROW('plain', '2026-02-15')}`,
    ],
    gap: ['plain', 'advance', '2026-02-15', 'its invoice has no line for it'],
  },
  {
    name: 'the invoice is void, and nobody waived the period',
    sql: [`update invoices set status = 'void' where id = ${INVOICE('plain', '2026-02-15')}`],
    gap: ['plain', 'advance', '2026-02-15', 'its invoice is void'],
  },
  {
    name: 'the invoice is a draft',
    sql: [`update invoices set status = 'draft' where id = ${INVOICE('plain', '2026-02-15')}`],
    gap: ['plain', 'advance', '2026-02-15', 'its invoice is draft'],
  },
  {
    name: 'the lines are gone',
    sql: [`delete from invoice_lines where invoice_id = ${INVOICE('plain', '2026-02-15')}`],
    gap: ['plain', 'advance', '2026-02-15', 'its invoice has no line for it'],
  },
  {
    name: 'a row is pending again',
    sql: [`update billing_periods set state = 'pending', invoice_id = null where ${ROW('plain', '2026-02-15')}`],
    gap: ['plain', 'advance', '2026-02-15', 'due 2026-02-15T10:00:00.000Z and not billed'],
  },
  {
    name: 'a paid period is called skipped',
    sql: [
      `update billing_periods set state = 'skipped', reason = 'nothing_to_bill', invoice_id = null
       where ${ROW('plain', '2026-02-15')}`,
    ],
    gap: ['plain', 'advance', '2026-02-15', 'skipped as nothing to bill, but its price is not zero'],
  },
  {
    name: 'a paid period is called waived',
    sql: [
      `update billing_periods set state = 'waived', reason = 'waived', invoice_id = null
       where ${ROW('plain', '2026-02-15')}`,
    ],
    gap: ['plain', 'advance', '2026-02-15', 'waived, but no voided invoice billed it'],
  },
  {
    name: 'the subscription was set to canceled by hand',
    sql: [
      `update subscriptions set status = 'canceled', canceled_at = '2026-02-10T00:00:00.000Z', next_action_at = null
       where id = '{plain}'`,
      `delete from billing_periods where ${ROW('plain', '2026-03-15')}`,
    ],
    gap: ['plain', 'advance', '2026-03-15', 'the run has passed it and left no row'],
  },
  {
    name: 'the subscription was set to paused by hand, and the run never comes',
    sql: [
      `update subscriptions set status = 'paused', pause_reason = 'requested', next_action_at = null where id = '{plain}'`,
    ],
    days: 30,
    gap: ['plain', 'advance', '2026-05-15', 'due 2026-05-15T10:00:00.000Z and not billed'],
  },
  {
    name: 'the next action was lost, and the run never comes',
    sql: [`update subscriptions set next_action_at = null where id = '{plain}'`],
    days: 30,
    gap: ['plain', 'advance', '2026-05-15', 'due 2026-05-15T10:00:00.000Z and not billed'],
  },
  {
    name: 'a failed try that is never repeated',
    sql: [
      `update subscriptions set error_count = 3, last_error = 'The tax provider is down.', next_action_at = null
       where id = '{plain}'`,
    ],
    days: 30,
    gap: ['plain', 'advance', '2026-05-15', 'due 2026-05-15T10:00:00.000Z and not billed'],
  },
  {
    name: 'a failed try that is to be repeated in a year',
    sql: [
      `update subscriptions set error_count = 3, last_error = 'The tax provider is down.',
       next_action_at = '2027-05-15T10:00:00.000Z' where id = '{plain}'`,
    ],
    days: 30,
    gap: ['plain', 'advance', '2026-05-15', 'due 2026-05-15T10:00:00.000Z and not billed'],
  },
  {
    name: 'a trial that nobody ended',
    sql: [
      `update subscriptions set status = 'trialing', next_action_at = null where id = '{trial}'`,
      `delete from billing_periods where subscription_id = '{trial}'`,
    ],
    gap: ['trial', 'advance', '2026-02-24', 'due 2026-02-24T10:00:00.000Z and not billed'],
  },
  {
    name: 'the whole subscription jumped over a period',
    sql: [
      `delete from billing_periods where ${ROW('plain', '2026-04-15')}`,
      `update subscriptions set current_period_start = '2026-05-15T10:00:00.000Z',
         current_period_end = '2026-06-15T10:00:00.000Z' where id = '{plain}'`,
    ],
    gap: ['plain', 'advance', '2026-04-15', 'the run has passed it and left no row'],
  },
  {
    name: 'the anchor was moved, and the periods with it',
    sql: [
      `update subscriptions set anchor_at = '2026-01-20T10:00:00.000Z' where id = '{plain}'`,
      `update billing_periods set period_start = '2026-04-20T10:00:00.000Z', state = 'pending'
       where ${ROW('plain', '2026-04-15')}`,
    ],
    gap: ['plain', 'advance', '2026-04-15', 'the run has passed it and left no row'],
  },
  {
    name: 'the creation was moved in the row',
    sql: [
      `update subscriptions set created_at = '2036-04-01T00:00:00.000Z' where id = '{plain}'`,
      `delete from billing_periods where ${ROW('plain', '2026-01-15')}`,
    ],
    gap: ['plain', 'advance', '2026-01-15', 'the run has passed it and left no row'],
  },
  {
    name: 'every row of a subscription is deleted',
    sql: [`delete from billing_periods where subscription_id = '{resumed}'`],
    gap: ['resumed', 'advance', '2026-01-15', 'the run has passed it and left no row'],
  },
];

const filled = (sql: string): string => sql.replace(/\{(\w+)\}/g, (_, name: string) => subs[name]!);

describe('a gap is named', () => {
  test('and there is none before anything is made wrong', async () => {
    const { counts } = await coverageUntil(app.database.read, app.clock.now());
    expect(counts).toEqual({ invoiced: 14, waiting: 1, skipped: 7, parked: 0, gap: 0 });
  });

  test.each(CORRUPTIONS)('when $name', async ({ sql, days, gap: [sub, kind, day, reason] }) => {
    const now = addDays(app.clock.now(), days ?? 0);
    const scanned = await undone(app, async (db) => {
      for (const statement of sql) expect(await execute(db, filled(statement))).toBeGreaterThan(0);
      return coverageUntil(db, now);
    });
    const gaps = gapsOf(scanned);
    expect(scanned.counts.gap).toBe(gaps.length);
    const named = gaps.map((one) => [one.subscriptionId, one.kind, one.periodStart.slice(0, 10), one.reason]);
    expect(named).toContainEqual([subs[sub], kind, day, reason]);
    if (!days) expect(new Set(gaps.map(({ subscriptionId }) => subscriptionId))).toEqual(new Set([subs[sub]]));
  });
});
