import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { addDays, addMilliseconds } from '../../../src/platform/calendar.ts';
import { startApp, type TestApp } from '../../support/app.ts';
import { expectRefusal, UNKNOWN_ID } from '../../support/refusals.ts';
import { auditOf, type Entity, putSubscription } from '../support.ts';
import { metric, record, summaryOf, usageSubscription, use } from './support.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

const sold = async (plan: object = {}, over: object = {}): Promise<string> =>
  (await usageSubscription(app, plan, over)).id;
const JSON_TYPE = { 'Content-Type': 'application/json' };
const later = (ms: number) => addMilliseconds(app.clock.now(), ms);

describe('recordUsage of one event', () => {
  test('201 with every member, and defaults for those left out', async () => {
    const id = await sold();
    const bare = await record(app, { subscriptionId: id, metricName: 'calls' });
    expect(bare.status).toBe(201);
    expect(bare.headers.location).toBe('/api/billing/usage');
    expect(bare.body).toEqual({
      id: expect.any(String),
      subscriptionId: id,
      metricName: 'calls',
      value: '1',
      timestamp: app.clock.now(),
      idempotencyKey: null,
      properties: {},
      invoiceId: null,
      voidedAt: null,
      createdAt: app.clock.now(),
    });
    const full = await record(app, {
      subscriptionId: id,
      metricName: 'calls',
      value: '-0012.500',
      timestamp: '2026-03-15T11:30:00.1239+01:00',
      idempotencyKey: ' key ',
      properties: { region: 'eu', cached: false, size: 1.5 },
    });
    expect(full.body).toMatchObject({
      value: '-12.5',
      timestamp: '2026-03-15T10:30:00.123Z',
      idempotencyKey: 'key',
      properties: { region: 'eu', cached: false, size: 1.5 },
    });
    expect(await auditOf(app, full.body.id)).toMatchObject([{ action: 'recordUsage', entity_type: 'usage_event' }]);
  });

  test.each(['999999999999999999.999999999999', '-999999999999999999.000000000001', '0.000000000001', '0'])(
    '201 keeps the value %s exactly',
    async (value) => {
      const id = await sold();
      expect((await use(app, id, value)).value).toBe(value);
      const [listed] = (await app.api.get(`/api/billing/usage?subscriptionId=${id}`)).body;
      expect(listed.value).toBe(value);
    },
  );

  test('200 for the same event under the same key, however it is spelled; 409 for another', async () => {
    const event = { subscriptionId: await sold(), metricName: 'calls', idempotencyKey: 'k', value: '1.50' };
    const first = await record(app, { ...event, properties: { a: 1, b: 'x' } });
    const again = await record(app, { ...event, value: '1.5', properties: { b: 'x', a: 1 } });
    expect([first.status, again.status]).toEqual([201, 200]);
    expect(again.body).toEqual(first.body);
    expect(again.headers.location).toBeUndefined();
    const same = { ...event, properties: { a: 1, b: 'x' } };
    for (const other of [
      { value: '1.51' },
      { properties: { a: '1', b: 'x' } },
      { properties: {} },
      { timestamp: app.clock.now() },
    ])
      expectRefusal(await record(app, { ...same, ...other }), 409, 'idempotency_key_reused');
    app.clock.advance({ days: 91 });
    expect((await record(app, same)).status).toBe(200); // long after it could have been new
  });

  test('201 the same key on another subscription, and no key at all, are no repetition', async () => {
    const [a, b] = [await sold(), await sold()];
    await use(app, a, '1', { idempotencyKey: 'shared' });
    await use(app, b, '1', { idempotencyKey: 'shared' });
    await use(app, a, '1');
    await use(app, a, '1', { idempotencyKey: null });
    expect((await app.api.get(`/api/billing/usage?subscriptionId=${a}`)).body).toHaveLength(3);
  });

  test.each([
    ['metricName', { metricName: 'other' }],
    ['metricName', { metricName: 'with space' }],
    ['value', { value: 5 }],
    ['value', { value: '1e3' }],
    ['value', { value: '0.0000000000001' }],
    ['value', { value: '1234567890123456789' }],
    ['timestamp', { timestamp: 'yesterday' }],
    ['timestamp', { timestamp: '2026-02-30T00:00:00Z' }],
    ['idempotencyKey', { idempotencyKey: '' }],
    ['idempotencyKey', { idempotencyKey: 'x'.repeat(256) }],
    ['properties.deep', { properties: { deep: {} } }],
    ['nobodyKnows', { nobodyKnows: 1 }],
  ])('400 validation_error on %s: %j', async (member, over) => {
    const body = { subscriptionId: await sold(), metricName: 'calls', ...over };
    expectRefusal(await record(app, body), 400, 'validation_error', member);
  });

  test('400 validation_error on the timestamp at the limits of the settings, and 201 on them', async () => {
    const id = await sold();
    const at = (timestamp: string) => record(app, { subscriptionId: id, metricName: 'calls', timestamp });
    expect((await at(later(300_000))).status).toBe(201);
    expectRefusal(await at(later(300_001)), 400, 'validation_error', 'timestamp');
    expectRefusal(await at(later(-1)), 400, 'validation_error', 'timestamp'); // before the first period
    app.clock.advance({ days: 100 });
    const oldest = addDays(app.clock.now(), -90);
    expect((await at(oldest)).status).toBe(201);
    expectRefusal(await at(addMilliseconds(oldest, -1)), 400, 'validation_error', 'timestamp');
  });

  test('400 validation_error of a plan without usage, or a unique count without its property', async () => {
    const flat = await app.given.subscription();
    const event = { subscriptionId: flat.id, metricName: 'calls' };
    expectRefusal(await record(app, event), 400, 'validation_error', 'metricName');
    const unique = { subscriptionId: await sold({ usageMetric: metric('unique', 'userId') }), metricName: 'calls' };
    expectRefusal(await record(app, unique), 400, 'validation_error', 'properties.userId');
    expect((await record(app, { ...unique, properties: { userId: 'u1' } })).status).toBe(201);
  });

  test('400 subscription_not_active after the end, and 201 before it', async () => {
    const id = await sold();
    app.clock.advance({ hours: 1 });
    await app.api.delete(`/api/billing/subscriptions/${id}`);
    const event = { subscriptionId: id, metricName: 'calls' };
    expectRefusal(await record(app, event), 400, 'subscription_not_active');
    expect((await record(app, { ...event, timestamp: later(-1) })).status).toBe(201);
  });

  test('400 subscription_not_active in a pause after its period, and in the gap it leaves (Q10)', async () => {
    const id = await sold();
    const { currentPeriodEnd: end } = (await app.api.get(`/api/billing/subscriptions/${id}`)).body;
    await putSubscription(app, id, { status: 'paused' });
    const at = (timestamp: string) => record(app, { subscriptionId: id, metricName: 'calls', timestamp });
    app.clock.set(addDays(end, 3));
    expect((await at(addMilliseconds(end, -1))).status).toBe(201);
    expectRefusal(await at(end), 400, 'subscription_not_active');
    await putSubscription(app, id, { status: 'active' });
    expectRefusal(await at(end), 400, 'subscription_not_active');
    expectRefusal(await at(later(-1)), 400, 'subscription_not_active');
    expect((await at(app.clock.now())).status).toBe(201);
    app.clock.advance({ days: 1 });
    await app.api.delete(`/api/billing/subscriptions/${id}`);
    expectRefusal(await at(addDays(end, 1)), 400, 'subscription_not_active');
  });

  test('400 subscription_not_active at and after the end of a period that is the last', async () => {
    const id = await sold();
    const { currentPeriodEnd: end } = (await putSubscription(app, id, { cancelAtPeriodEnd: true })).body;
    app.clock.set(end);
    const at = (timestamp: string) => record(app, { subscriptionId: id, metricName: 'calls', timestamp });
    expectRefusal(await at(end), 400, 'subscription_not_active');
    expect((await at(addMilliseconds(end, -1))).status).toBe(201);
  });

  test('201 in a trial, and in a period that the run has not begun yet', async () => {
    const trial = await sold({}, { trialDays: 7 });
    expect((await use(app, trial, '5')).invoiceId).toBeNull();
    app.clock.advance({ months: 2 });
    expect((await use(app, trial, '5')).timestamp).toBe(app.clock.now());
  });

  test('404 not_found of an unknown subscription', async () => {
    expectRefusal(await record(app, { subscriptionId: UNKNOWN_ID, metricName: 'calls' }), 404, 'not_found');
  });

  test('401 unauthorized without credentials, 404 not_found with a key of another customer', async () => {
    const { id, customerId } = await usageSubscription(app);
    const event = { subscriptionId: id, metricName: 'calls' };
    expectRefusal(await app.anonymous.post('/api/billing/usage', event), 401, 'unauthorized');
    const keyOf = async (of: string) => app.withKey((await app.given.apiKey({ customerId: of })).key);
    const stranger = await keyOf((await app.given.customer()).id);
    await use(app, id, '1', { idempotencyKey: 'mine' });
    const post = (api: typeof stranger, body: unknown) => api.post('/api/v1/billing/usage', body);
    expectRefusal(await post(stranger, event), 404, 'not_found');
    expectRefusal(await post(stranger, { ...event, idempotencyKey: 'mine' }), 404, 'not_found');
    const { body } = await post(stranger, [{ ...event, idempotencyKey: 'mine' }]);
    expect(body.batch.results).toMatchObject([{ index: 0, status: 'rejected', error: { error: 'not_found' } }]);
    const own = await post(await keyOf(customerId), event);
    expect(own.status).toBe(201);
    expect(own.headers.location).toBe('/api/v1/billing/usage');
  });
});

describe('the second in which it began', () => {
  const at = async (now: string) => {
    app.clock.set(now);
    return (await usageSubscription(app)).id;
  };
  const stamped = (id: string, timestamp: string) =>
    record(app, { subscriptionId: id, metricName: 'calls', timestamp });

  test('U.22 an event stamped to that second belongs to the subscription, one before does not', async () => {
    const second = addMilliseconds(app.clock.now(), 1_000).slice(0, 19);
    const id = await at(`${second}.750Z`);
    const early = await stamped(id, `${second}Z`);
    expect([early.status, early.body.timestamp]).toEqual([201, `${second}.750Z`]);
    expect((await stamped(id, `${second}.749Z`)).status).toBe(201);
    expect((await summaryOf(app, id)).metrics[0]).toMatchObject({ totalValue: '2' });
    const before = addMilliseconds(`${second}.000Z`, -1);
    expectRefusal(await stamped(id, before), 400, 'validation_error', 'timestamp');
    expect((await stamped(id, `${second}Z`)).body.timestamp).toBe(`${second}.750Z`);
  });

  test('sent again with its key it is a duplicate', async () => {
    const second = addMilliseconds(app.clock.now(), 1_000).slice(0, 19);
    const id = await at(`${second}.250Z`);
    const event = { subscriptionId: id, metricName: 'calls', timestamp: `${second}Z`, idempotencyKey: 'first' };
    expect((await record(app, event)).status).toBe(201);
    expect((await record(app, event)).status).toBe(200);
  });
});

describe('recordUsage of a batch', () => {
  test('counts stand beside the results', async () => {
    const id = await sold();
    const event = { subscriptionId: id, metricName: 'calls' };
    const keyed = (value: string) => ({ ...event, idempotencyKey: 'k', value });
    const { status, body } = await record(app, [
      event,
      keyed('1'),
      keyed('1'),
      keyed('2'),
      {},
      { ...event, value: 'x' },
    ]);
    expect(status).toBe(201);
    expect(body).toMatchObject({ accepted: 2, duplicate: 1, conflict: 1, rejected: 2 });
  });

  test('U.24 400 validation_error with counts and results when every item is refused, 200 with a duplicate among them', async () => {
    const id = await sold();
    const keyed = (value: string) => ({ subscriptionId: id, metricName: 'calls', idempotencyKey: 'k', value });
    await record(app, keyed('1'));
    const refused = await record(app, [keyed('2'), {}], { 'Idempotency-Key': `batch-${id}` });
    expectRefusal(refused, 400, 'validation_error', '0', '1.metricName', '1.subscriptionId');
    expect(refused.body.batch).toMatchObject({ accepted: 0, duplicate: 0, conflict: 1, rejected: 1 });
    expect(refused.body.batch.results).toMatchObject([
      { index: 0, status: 'conflict', error: { error: 'idempotency_key_reused' } },
      { index: 1, status: 'rejected', error: { error: 'validation_error' } },
    ]);
    const known = await record(app, [keyed('1'), {}], { 'Idempotency-Key': `batch-${id}` });
    expect([known.status, known.body.duplicate, known.body.rejected]).toEqual([200, 1, 1]);
  });

  test('a number that does not survive is refused with its item, naming the property', async () => {
    const id = await sold();
    const item = (n: string) => `{"subscriptionId":"${id}","metricName":"calls","properties":{"n":${n}}}`;
    const { status, body } = await record(app, `[${item('9007199254740993')},${item('9007199254740992')}]`, JSON_TYPE);
    expect([status, body.accepted, body.rejected]).toEqual([201, 1, 1]);
    expect(body.results[0].error.fields).toHaveProperty(['properties.n']);
    expectRefusal(await record(app, item('1e400'), JSON_TYPE), 400, 'validation_error', 'properties.n');
  });

  const statuses = ({ results }: Entity) => results.map(({ status }: Entity) => status);

  test('201 each item is judged alone and in order; a malformed one fails nobody else', async () => {
    const id = await sold();
    const event = { subscriptionId: id, metricName: 'calls' };
    const { status, body, headers } = await record(app, [
      { ...event, idempotencyKey: 'a', value: 'many' },
      { ...event, idempotencyKey: 'a' },
      { ...event, value: 1 },
      {},
      { ...event, properties: { name: 'bell\u0007' } },
      { ...event, subscriptionId: UNKNOWN_ID },
      { ...event, idempotencyKey: ' a ' },
      { ...event, idempotencyKey: 'a', value: '2' },
      { ...event, value: ' 7 ' },
    ]);
    expect([status, headers.location]).toEqual([201, '/api/billing/usage']);
    expect(statuses(body)).toEqual([
      'rejected',
      'accepted',
      'rejected',
      'rejected',
      'rejected',
      'rejected',
      'duplicate',
      'conflict',
      'accepted',
    ]);
    expect(body.results.map(({ index }: Entity) => index)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(body.results[3].error).toEqual({
      error: 'validation_error',
      message: 'Validation failed',
      fields: { subscriptionId: 'is required', metricName: 'is required' },
    });
    expect(Object.keys(body.results[4].error.fields)).toEqual(['properties.name']);
    expect(body.results[5].error.error).toBe('not_found');
    const stored = (await app.api.get(`/api/billing/usage?subscriptionId=${id}`)).body;
    expect(stored.map(({ value }: Entity) => value)).toEqual(['7', '1']);
    expect(await auditOf(app, stored[1].id)).toMatchObject([{ reason: '2 usage events' }]);
  });

  test('200 when nothing new was stored', async () => {
    const event = { subscriptionId: await sold(), metricName: 'calls', idempotencyKey: 'a' };
    await record(app, event);
    const { status, body, headers } = await record(app, [event, { ...event, value: '3' }, {}]);
    expect([status, statuses(body)]).toEqual([200, ['duplicate', 'conflict', 'rejected']]);
    expect(headers.location).toBeUndefined();
  });

  test.each([
    ['invalid_request', []],
    ['invalid_request', 'text'],
    ['validation_error', Array(1001).fill({})],
    ['validation_error', [{}, 1]],
    ['validation_error', [null]],
    ['validation_error', [[]]],
  ])('400 %s of a body that is not an object or 1 to 1000 objects', async (error, body) => {
    expectRefusal(await record(app, JSON.stringify(body), { 'Content-Type': 'application/json' }), 400, error);
  });

  test('201 a repetition with the same Idempotency-Key stores nothing twice', async () => {
    const id = await sold();
    const body = [{ subscriptionId: id, metricName: 'calls' }];
    const headers = { 'Idempotency-Key': 'usage-batch-1' };
    const [first, again] = [await record(app, body, headers), await record(app, body, headers)];
    expect([first.status, again.status, again.text]).toEqual([201, 201, first.text]);
    expect((await app.api.get(`/api/billing/usage?subscriptionId=${id}`)).body).toHaveLength(1);
  });

  test('201 a thousand events of many subscriptions take as many statements as two of one', async () => {
    const plan = (await usageSubscription(app)).planId;
    const ids: string[] = [];
    for (let i = 0; i < 8; i++) ids.push((await app.given.subscription({ planId: plan })).id);
    const events = (count: number, of: number) =>
      Array.from({ length: count }, (_, n) => ({
        subscriptionId: ids[n % of],
        metricName: 'calls',
        idempotencyKey: `batch-${count}-${n}`,
      }));
    const statements = async (body: unknown) => {
      let count = 0;
      const counted = () => {
        count += 1;
      };
      app.database.write.on('query', counted);
      const answer = await record(app, body);
      app.database.write.off('query', counted);
      expect(answer.status).toBe(201);
      return count;
    };
    await statements(events(3, 1)); // what is prepared once
    const [few, many] = [await statements(events(2, 1)), await statements(events(1000, 8))];
    expect(many).toBe(few);
    expect(few).toBeLessThan(16);
  });
});
