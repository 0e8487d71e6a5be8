import { afterEach, describe, expect, test } from '@jest/globals';
import type { TestApp } from '../../support/app.ts';
import { coverageUntil } from '../../support/coverage.ts';
import { manyTrials } from '../../support/many.ts';
import { statementsOf } from '../../support/statements.ts';
import { park } from '../../support/valid-requests.ts';
import { closeApps, type Entity, invoicesOf, putInvoice, putSubscription, run, runAt, startAt } from '../support.ts';

afterEach(closeApps);

const URL = '/api/billing/coverage';
const coverage = async (app: TestApp, query: string): Promise<Entity> => {
  const answer = await app.api.get(`${URL}?${query}`);
  expect(answer.status).toBe(200);
  return answer.body;
};
const YEAR = 'from=2026-01-01&to=2026-12-31';
const states = ({ periods }: Entity): string[] =>
  periods.map((one: Entity) => `${one.kind} ${one.periodStart.slice(0, 10)} ${one.state} ${one.reason}`);

describe('GET /api/billing/coverage', () => {
  test('200 with what was invoiced and what is to come, oldest first', async () => {
    const app = await startAt('2026-01-31T10:00:00.000Z');
    const sub = await app.given.subscription({ preRenewalInvoiceDays: 7 });
    await runAt(app, '2026-02-25T00:00:00.000Z');
    const answer = await coverage(app, 'from=2026-01-31&to=2026-05-01');
    const [first, second] = await invoicesOf(app, sub.id);
    const { id: subscriptionId, customerId } = sub;
    expect(answer).toEqual({
      from: '2026-01-31',
      to: '2026-05-01',
      counts: { invoiced: 2, waiting: 2, skipped: 0, parked: 0, gaps: 0 },
      periods: [
        ['2026-01-31T10:00:00.000Z', '2026-02-28T10:00:00.000Z', 'invoiced', first.id, null],
        ['2026-02-28T10:00:00.000Z', '2026-03-31T10:00:00.000Z', 'invoiced', second.id, null],
        ['2026-03-31T10:00:00.000Z', '2026-04-30T10:00:00.000Z', 'waiting', null, 'due 2026-03-24T10:00:00.000Z'],
        ['2026-04-30T10:00:00.000Z', '2026-05-31T10:00:00.000Z', 'waiting', null, 'due 2026-04-23T10:00:00.000Z'],
      ].map(([periodStart, periodEnd, state, invoiceId, reason]) => ({
        ...{ subscriptionId, customerId, kind: 'advance', periodStart, periodEnd },
        ...{ state, invoiceId, reason },
      })),
    });
  });

  test('200 with the periods that start in the range only, and of one customer when asked', async () => {
    const app = await startAt('2026-01-31T10:00:00.000Z');
    const sub = await app.given.subscription();
    await app.given.subscription();
    await runAt(app, '2026-04-02T00:00:00.000Z');
    const one = await coverage(app, `from=2026-02-28&to=2026-03-31&customerId=${sub.customerId}`);
    expect(one.counts.invoiced).toBe(1);
    expect(one.periods[0].subscriptionId).toBe(sub.id);
    expect((await coverage(app, 'from=2026-02-28&to=2026-03-31')).counts.invoiced).toBe(2);
    expect((await coverage(app, 'from=2026-03-01&to=2026-03-31')).counts.invoiced).toBe(0);
    expect(await coverage(app, `${YEAR}&customerId=01JQX5M3K9HZNGVX2Z66Z1C02N`)).toMatchObject({ periods: [] });
  });

  test('200 with skipped periods: nothing to bill, and waived by a person', async () => {
    const app = await startAt('2026-01-31T10:00:00.000Z');
    const free = await app.given.plan({ basePrice: '0' });
    await app.given.subscription({ planId: free.id });
    const paid = await app.given.subscription();
    const [invoice] = await invoicesOf(app, paid.id);
    await putInvoice(app, invoice.id, { status: 'void' });
    const { counts, periods } = await coverage(app, 'from=2026-01-01&to=2026-02-01');
    expect(counts).toEqual({ invoiced: 0, waiting: 0, skipped: 2, parked: 0, gaps: 0 });
    expect(periods.map(({ reason }: Entity) => reason)).toEqual(['nothing_to_bill', 'waived']);
  });

  test('200 with usage as a charge of its own, which waits while the subscription is paused', async () => {
    const app = await startAt('2026-01-31T10:00:00.000Z');
    const usageMetric = { name: 'calls', aggregation: 'sum', uniqueProperty: null };
    const plan = await app.given.plan({ pricingModel: 'usage_based', basePrice: '20', unitPrice: '0.1', usageMetric });
    const sub = await app.given.subscription({ planId: plan.id });
    await putSubscription(app, sub.id, { status: 'paused' });
    await runAt(app, '2026-06-01T00:00:00.000Z');
    expect(states(await coverage(app, YEAR))).toEqual([
      'advance 2026-01-31 invoiced null',
      'usage 2026-01-31 waiting paused',
    ]);
    await putSubscription(app, sub.id, { status: 'active' });
    expect(states(await coverage(app, 'from=2026-01-01&to=2026-06-02'))).toEqual([
      'advance 2026-01-31 invoiced null',
      'usage 2026-01-31 skipped nothing_to_bill',
      'advance 2026-06-01 invoiced null',
      'usage 2026-06-01 waiting due 2026-07-01T00:00:00.000Z',
    ]);
  });

  test('200 with parked periods and their code', async () => {
    const app = await startAt('2026-01-31T10:00:00.000Z');
    const sub = await app.given.subscription();
    const item = await park(app, sub.id);
    app.clock.set('2026-05-05T00:00:00.000Z');
    const { counts, periods } = await coverage(app, 'from=2026-01-01&to=2026-05-01&state=parked');
    expect(counts).toEqual({ invoiced: 1, waiting: 0, skipped: 0, parked: 3, gaps: 0 });
    expect(periods).toHaveLength(3);
    expect(periods[0]).toMatchObject({ state: 'parked', reason: 'internal_error', invoiceId: null });
    expect((await app.api.post(`/api/billing/parked/${item}/retry`)).status).toBe(200);
    expect((await coverage(app, 'from=2026-01-01&to=2026-05-01')).counts).toMatchObject({ invoiced: 4, parked: 0 });
  });

  test('200 with the error that a subscription waits with, and with gaps once the tries have stopped', async () => {
    const app = await startAt('2026-01-31T10:00:00.000Z');
    const sub = await app.given.subscription({ preRenewalInvoiceDays: 0 });
    app.clock.set('2026-03-02T00:00:00.000Z');
    const failed = {
      error_count: 2,
      last_error: 'The tax provider is down.',
      next_action_at: '2026-03-02T01:00:00.000Z',
    };
    await app.database.write('subscriptions').where({ id: sub.id }).update(failed);
    const range = 'from=2026-02-01&to=2026-03-01';
    expect(states(await coverage(app, range))).toEqual(['advance 2026-02-28 waiting The tax provider is down.']);
    app.clock.set('2026-03-03T02:00:00.000Z');
    expect(states(await coverage(app, range))).toEqual([
      'advance 2026-02-28 gap due 2026-02-28T10:00:00.000Z and not billed',
    ]);
    await run(app);
    expect(states(await coverage(app, range))).toEqual(['advance 2026-02-28 invoiced null']);
  });

  test('200 with a gap a day after a due instant at which no run came, and none before', async () => {
    const app = await startAt('2026-01-31T10:00:00.000Z');
    await app.given.subscription({ preRenewalInvoiceDays: 0 });
    const range = 'from=2026-02-01&to=2026-03-01';
    app.clock.set('2026-03-01T09:59:59.999Z');
    expect((await coverage(app, range)).counts).toMatchObject({ waiting: 1, gaps: 0 });
    app.clock.set('2026-03-01T10:00:00.000Z');
    expect((await coverage(app, range)).counts).toMatchObject({ waiting: 0, gaps: 1 });
    await run(app);
    expect((await coverage(app, range)).counts).toMatchObject({ invoiced: 1, gaps: 0 });
  });

  test('200 in pages whose counts are those of the whole range', async () => {
    const app = await startAt('2026-01-31T10:00:00.000Z');
    for (let i = 0; i < 3; i++) await app.given.subscription();
    await runAt(app, '2026-04-02T00:00:00.000Z');
    const whole = await coverage(app, 'from=2026-01-01&to=2026-06-01');
    expect(whole.periods).toHaveLength(15);
    const paged: Entity[] = [];
    let path: string | undefined = `${URL}?from=2026-01-01&to=2026-06-01&limit=4`;
    while (path) {
      const answer = await app.api.get(path);
      expect(answer.body.counts).toEqual(whole.counts);
      paged.push(...answer.body.periods);
      path = /^<([^>]+)>; rel="next"$/.exec(answer.headers.link ?? '')?.[1];
    }
    expect(paged).toEqual(whole.periods);
    const starts = paged.map((one) => one.periodStart);
    expect(starts).toEqual(starts.toSorted());
  });

  test.each([
    ['to', 'from=2026-01-01&to=2026-01-01'],
    ['to', 'from=2026-01-01&to=2027-02-06'],
    ['from', 'to=2026-01-01'],
    ['from', 'from=2026-02-30&to=2026-03-03'],
    ['state', `${YEAR}&state=lost`],
    ['cursor', `${YEAR}&cursor=${Buffer.from('[1,"coverage","x"]').toString('base64url')}`],
    ['customerId', `${YEAR}&customerId=me`],
  ])('400 validation_error on %s for %s', async (field, query) => {
    const app = await startAt('2026-01-31T10:00:00.000Z');
    const answer = await app.api.get(`${URL}?${query}`);
    expect([answer.status, answer.body.error]).toEqual([400, 'validation_error']);
    expect(Object.keys(answer.body.fields)).toEqual([field]);
  });

  test('200 for 400 days, the longest range', async () => {
    const app = await startAt('2026-01-31T10:00:00.000Z');
    expect((await coverage(app, 'from=2026-01-01&to=2027-02-05')).periods).toEqual([]);
  });

  test('401 unauthorized without a session, 403 forbidden for a customer', async () => {
    const app = await startAt('2026-01-31T10:00:00.000Z');
    expect((await app.anonymous.get(`${URL}?${YEAR}`)).status).toBe(401);
    const portal = app.withSession(await app.given.portalSession((await app.given.customer()).id));
    expect((await portal.get(`${URL}?${YEAR}`)).body.error).toBe('forbidden');
  });

  test('reads many subscriptions with a few statements', async () => {
    const app = await startAt('2026-01-31T10:00:00.000Z');
    await manyTrials(app, 600, 30);
    const read = () => coverageUntil(app.database.read, app.clock.now(), { to: '2026-06-01T00:00:00.000Z' });
    expect((await read()).counts).toEqual({ invoiced: 0, waiting: 1800, skipped: 0, parked: 0, gap: 0 });
    expect(await statementsOf(app, read)).toBeLessThan(60);
  });
});
