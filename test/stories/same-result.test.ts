import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { runLifecycle } from '../../src/billing/run/lifecycle.ts';
import { closeApps, type Entity, pay, putSubscription, startAt } from '../billing/support.ts';
import type { TestApp } from '../support/app.ts';

afterEach(closeApps);

jest.setTimeout(300_000); // on a busy machine; seconds otherwise

const START = '2026-01-31T10:00:00.000Z';
const END = '2026-06-15T00:00:00.000Z';
type Runs = (app: TestApp, until: string) => Promise<void>;

/** What happens besides the runs: [instant, subscription, change]. */
const CHANGES: [string, string, Entity][] = [
  ['2026-02-10T00:00:00.000Z', 'paused', { status: 'paused' }],
  ['2026-02-20T00:00:00.000Z', 'ending', { cancelAtPeriodEnd: true }],
  ['2026-02-25T00:00:00.000Z', 'late pause', { status: 'paused' }],
  ['2026-03-02T00:00:00.000Z', 'earlier', { preRenewalInvoiceDays: 20 }],
  ['2026-03-05T00:00:00.000Z', 'late pause', { status: 'active' }],
  ['2026-03-25T12:00:00.000Z', 'canceled', { status: 'canceled' }],
  ['2026-03-30T00:00:00.000Z', 'paused', { status: 'active' }],
  ['2026-04-28T00:00:00.000Z', 'undecided', { cancelAtPeriodEnd: true }],
  ['2026-04-29T00:00:00.000Z', 'undecided', { cancelAtPeriodEnd: false }],
];

/** Periods, lines and amounts per subscription after four and a half months; issue instants and what was withdrawn left out. */
async function outcome(runs: Runs): Promise<Record<string, Entity>> {
  const app = await startAt(START);
  const { given } = app;
  await given.taxRule();
  const customer = await given.customer({ billingCountry: 'US' });
  const usageMetric = { name: 'calls', aggregation: 'sum' };
  const flat = (await given.plan()).id;
  const tiered = (
    await given.plan({ pricingModel: 'tiered', basePrice: '0', tiers: [{ upTo: null, unitPrice: '3.335' }] })
  ).id;
  const usage = (await given.plan({ pricingModel: 'usage_based', basePrice: '20', unitPrice: '0.1', usageMetric })).id;
  const sell = async (over: Entity) =>
    (await given.subscription({ customerId: customer.id, planId: flat, ...over })).id;
  const ids: Record<string, string> = {
    paused: await sell({}),
    ending: await sell({}),
    'late pause': await sell({ planId: tiered, quantity: 7 }),
    earlier: await sell({ billingCycle: 'quarterly' }),
    canceled: await sell({ planId: usage }),
    undecided: await sell({ planId: usage, preRenewalInvoiceDays: 0 }),
    trial: await sell({ trialDays: 20 }),
  };
  const prepaid = await given.invoice({ customerId: customer.id });
  await pay(app, prepaid.id, '300.00');
  for (const [at, name, change] of CHANGES) {
    await runs(app, at);
    app.clock.set(at);
    expect((await putSubscription(app, ids[name]!, change)).status).toBe(200);
  }
  await runs(app, END);
  app.clock.set(END);
  expect((await runLifecycle(app.runtime)).errors).toEqual([]);
  const found: Record<string, Entity> = {};
  for (const [name, id] of Object.entries(ids)) found[name] = await billed(app, id);
  return found;
}

async function billed({ database }: TestApp, id: string): Promise<Entity> {
  const [sub] = await database.read('subscriptions').where({ id });
  const periods = await database
    .read('billing_periods')
    .where({ subscription_id: id })
    .orderBy(['period_start', 'kind']);
  const lines: Entity[] = await database
    .read('invoice_lines as l')
    .join('invoices as i', 'i.id', 'l.invoice_id')
    .where('i.subscription_id', id)
    .whereNot('i.status', 'void')
    .whereNotIn('i.id', database.read('credit_notes').where({ cause: 'withdrawn' }).select('invoice_id'))
    .orderBy(['l.period_start', 'l.description'])
    .select('l.period_start', 'l.period_end', 'l.description', 'l.amount', 'i.total');
  return {
    status: sub.status,
    period: `${sub.current_period_start} ${sub.current_period_end}`,
    canceledAt: sub.canceled_at,
    rows: periods.map((p: Entity) => `${p.kind} ${p.period_start} ${p.period_end} ${p.state} ${p.in_force_net}`),
    lines: lines.map((l) => `${l.period_start} ${l.period_end} ${l.description} ${l.amount} of ${l.total}`),
  };
}

const HOUR = 3_600_000;
const inSteps =
  (hours: number, runners: number): Runs =>
  async (app, until) => {
    for (let t = Date.parse(app.clock.now()); t < Date.parse(until); t += hours * HOUR) {
      app.clock.set(new Date(t).toISOString());
      const results = await Promise.all(Array.from({ length: runners }, () => runLifecycle(app.runtime)));
      for (const { errors } of results) expect(errors).toEqual([]);
    }
  };

test('S14 runs every six hours, one late run, and eight runners at once each day bill the same', async () => {
  const regular = await outcome(inSteps(6, 1));
  expect(regular.trial.lines).toHaveLength(5);
  expect(regular.ending).toMatchObject({ status: 'canceled', canceledAt: '2026-02-28T10:00:00.000Z' });
  expect(regular.ending.lines).toHaveLength(1);
  expect(await outcome(async () => {})).toEqual(regular);
  expect(await outcome(inSteps(24, 8))).toEqual(regular);
});

describe('INV23', () => {
  test('each job run twice at one instant changes nothing the second time', async () => {
    const app = await startAt(START);
    for (let i = 0; i < 5; i++) await app.given.subscription({ preRenewalInvoiceDays: i * 10, trialDays: i * 3 });
    const tables = ['subscriptions', 'billing_periods', 'invoices', 'invoice_lines', 'events', 'audit_log', 'counters'];
    const dump = async () => {
      await app.drain();
      const rows: Entity[] = [];
      for (const table of tables) rows.push(await app.database.read(table).orderByRaw('1'));
      return rows;
    };
    for (const now of ['2026-02-14T10:00:00.000Z', '2026-03-20T00:00:00.000Z', '2026-07-31T10:00:00.000Z']) {
      app.clock.set(now);
      const jobs = ['lifecycle', 'dunning', 'run'];
      for (const job of jobs) await app.cron.post(`/api/billing/cron/${job}`);
      const before = await dump();
      for (const job of jobs) await app.cron.post(`/api/billing/cron/${job}`);
      expect(await dump()).toEqual(before);
    }
  });
});
