import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApp, type TestApp } from '../../support/app.ts';
import { expectRefusal, UNKNOWN_ID } from '../../support/refusals.ts';
import { auditOf, type Entity, run } from '../support.ts';
import { metric, START, summaryOf, usageSubscription, use, voidEvent } from './support.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp({ now: START });
});
afterAll(() => app.close());

const list = async (query: string): Promise<Entity[]> => (await app.api.get(`/api/billing/usage?${query}`)).body;

describe('listUsage', () => {
  test('200 newest first, in pages, by subscription, metric and time', async () => {
    const { id } = await usageSubscription(app);
    for (const [value, timestamp] of [
      ['1', '2026-01-31T10:00:00Z'],
      ['2', '2026-01-31T10:01:00Z'],
      ['3', '2026-01-31T10:02:00Z'],
    ])
      await use(app, id, value!, { timestamp });
    const values = async (query: string) => (await list(`subscriptionId=${id}${query}`)).map(({ value }) => value);
    expect(await values('')).toEqual(['3', '2', '1']);
    expect(await values('&from=2026-01-31T10:01:00Z')).toEqual(['3', '2']);
    expect(await values('&to=2026-01-31T10:01:00Z')).toEqual(['1']);
    expect(await values('&metricName=other')).toEqual([]);
    expect(await list(`subscriptionId=${UNKNOWN_ID}`)).toEqual([]);
    const first = await app.api.get(`/api/billing/usage?subscriptionId=${id}&limit=2`);
    const next = /<([^>]+)>; rel="next"/.exec(first.headers.link!)![1]!;
    expect((await app.api.get(next)).body.map(({ value }: Entity) => value)).toEqual(['1']);
    const wrong = await app.api.get('/api/billing/usage?from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z');
    expectRefusal(wrong, 400, 'validation_error', 'to');
  });

  test('200 only the own events for a person or key of a customer; 401 without credentials', async () => {
    const { id, customerId } = await usageSubscription(app);
    const other = await usageSubscription(app);
    await use(app, id, '1');
    await use(app, other.id, '2');
    const portal = app.withSession(await app.given.portalSession(customerId));
    const key = app.withKey((await app.given.apiKey({ customerId })).key);
    for (const [api, path] of [
      [portal, '/api'],
      [key, '/api/v1'],
    ] as const) {
      expect((await api.get(`${path}/billing/usage`)).body.map(({ value }: Entity) => value)).toEqual(['1']);
      expect((await api.get(`${path}/billing/usage?subscriptionId=${other.id}`)).body).toEqual([]);
      expect((await api.get(`${path}/billing/usage/${id}/summary`)).body.metrics[0].totalValue).toBe('1');
      expectRefusal(await api.get(`${path}/billing/usage/${other.id}/summary`), 404, 'not_found');
    }
    expectRefusal(await app.anonymous.get('/api/billing/usage'), 401, 'unauthorized');
    expectRefusal(await app.anonymous.get(`/api/billing/usage/${id}/summary`), 401, 'unauthorized');
  });
});

describe('getUsageSummary', () => {
  test.each([
    ['sum', '10.5', ['7', '-1', '4.5']],
    ['max', '7', ['7', '-1', '4.5']],
    ['max', '-1.2', ['-1.5', '-1.2', '-3']],
    ['last', '4.5', ['7', '-1', '4.5']],
    ['count', '3', ['7', '-1', '4.5']],
    ['unique', '2', ['1', '2', '3']],
  ])('200 %s is %s', async (aggregation, totalValue, values) => {
    const usageMetric = metric(aggregation, aggregation === 'unique' ? 'user' : null);
    const { id, currentPeriodStart, currentPeriodEnd } = await usageSubscription(app, { usageMetric });
    for (const [n, value] of values.entries()) await use(app, id, value, { properties: { user: n % 2 } });
    expect(await summaryOf(app, id)).toEqual({
      subscriptionId: id,
      periodStart: currentPeriodStart,
      periodEnd: currentPeriodEnd,
      metrics: [{ metricName: 'calls', aggregation, totalValue, recordCount: 3 }],
    });
  });

  test('200 without any usage, in a range, and of a plan without usage', async () => {
    const { id, currentPeriodEnd } = await usageSubscription(app);
    const none = [{ metricName: 'calls', aggregation: 'sum', totalValue: '0', recordCount: 0 }];
    expect((await summaryOf(app, id)).metrics).toEqual(none);
    await use(app, id, '5');
    expect(await summaryOf(app, id, '?from=2026-01-01T00:00:00Z&to=2026-01-31T10:00:00Z')).toMatchObject({
      periodStart: '2026-01-01T00:00:00.000Z',
      periodEnd: '2026-01-31T10:00:00.000Z',
      metrics: none,
    });
    expect(await summaryOf(app, id, '?from=2026-01-01T00:00:00Z')).toMatchObject({ periodEnd: currentPeriodEnd });
    const path = `/api/billing/usage/${id}/summary`;
    expectRefusal(await app.api.get(`${path}?to=2026-01-01T00:00:00Z`), 400, 'validation_error', 'to');
    expectRefusal(await app.api.get(`${path}?from=2027-01-01T00:00:00Z`), 400, 'validation_error', 'from');
    expectRefusal(await app.api.get(`/api/billing/usage/${UNKNOWN_ID}/summary`), 404, 'not_found');
    expect((await summaryOf(app, (await app.given.subscription()).id)).metrics).toEqual([]);
  });

  test('200 metrics of an earlier plan are summed', async () => {
    const { id } = await usageSubscription(app, { usageMetric: metric('max') });
    await use(app, id, '5');
    await use(app, id, '3');
    const other = await app.given.plan();
    const [{ id: planVersionId }] = await app.database.read('plan_versions').where({ plan_id: other.id });
    const moved = { plan_id: other.id, plan_version_id: planVersionId };
    await app.database.write('subscriptions').where({ id }).update(moved);
    expect((await summaryOf(app, id)).metrics).toEqual([
      { metricName: 'calls', aggregation: 'sum', totalValue: '8', recordCount: 2 },
    ]);
  });
});

describe('voidUsageEvent', () => {
  test('200 takes the event out of every count, once', async () => {
    const { id } = await usageSubscription(app);
    const [event] = [await use(app, id, '5'), await use(app, id, '2')];
    const first = await voidEvent(app, event.id);
    expect([first.status, first.body.voidedAt]).toEqual([200, app.clock.now()]);
    app.clock.advance({ hours: 1 });
    expect((await voidEvent(app, event.id)).body).toEqual(first.body);
    expect((await auditOf(app, event.id)).map(({ action }) => action)).toEqual(['recordUsage', 'voidUsageEvent']);
    expect((await summaryOf(app, id)).metrics).toMatchObject([{ totalValue: '2', recordCount: 1 }]);
    expect((await list(`subscriptionId=${id}`)).map(({ voidedAt }) => voidedAt !== null)).toEqual([false, true]);
  });

  test('404 not_found, 401 unauthorized, and 403 forbidden for a key of a customer', async () => {
    const { id, customerId } = await usageSubscription(app);
    const event = await use(app, id, '5');
    expectRefusal(await voidEvent(app, UNKNOWN_ID), 404, 'not_found');
    expectRefusal(await app.anonymous.post(`/api/billing/usage/${event.id}/void`), 401, 'unauthorized');
    const key = app.withKey((await app.given.apiKey({ customerId })).key);
    expectRefusal(await key.post(`/api/v1/billing/usage/${event.id}/void`), 403, 'forbidden');
  });
});

test('invoiceId is the invoice that billed the event: none, that of its period, that of the late line', async () => {
  const { id, createdAt: timestamp } = await usageSubscription(app);
  const [early, gone] = [await use(app, id, '5'), await use(app, id, '1')];
  await voidEvent(app, gone.id);
  const billedBy = async () =>
    Object.fromEntries((await list(`subscriptionId=${id}`)).map(({ id: event, invoiceId }) => [event, invoiceId]));
  const next = async () => {
    app.clock.set((await app.api.get(`/api/billing/subscriptions/${id}`)).body.currentPeriodEnd);
    await run(app);
    return (await app.api.get(`/api/billing/invoices?subscriptionId=${id}`)).body[0].id;
  };
  expect(await billedBy()).toEqual({ [early.id]: null, [gone.id]: null });
  const first = await next();
  const late = await use(app, id, '2', { timestamp });
  const nothing = await use(app, id, '0', { timestamp });
  const before = { [early.id]: first, [gone.id]: null };
  expect(await billedBy()).toEqual({ ...before, [late.id]: null, [nothing.id]: null });
  const second = await next();
  expect(await billedBy()).toEqual({ ...before, [late.id]: second, [nothing.id]: second });
});
