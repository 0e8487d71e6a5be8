import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Api, startApp, type TestApp } from '../../support/app.ts';
import { expectRefusal, UNKNOWN_ID } from '../../support/refusals.ts';
import { auditOf, type Entity, eventsOf, pay } from '../support.ts';

let app: TestApp;
let first: Entity;
let second: Entity;
let foreign: Entity;
let portal: Api;
let key: Api;
beforeAll(async () => {
  app = await startApp();
  const { id, customerId } = await app.given.invoice();
  first = (await pay(app, id, '10.00', { paidAt: '2026-01-10T00:00:00Z' })).body;
  second = (await pay(app, id, '20.00')).body;
  foreign = (await pay(app, (await app.given.invoice()).id, '5.00')).body;
  portal = app.withSession(await app.given.portalSession(customerId));
  key = app.withKey((await app.given.apiKey({ customerId, access: 'read' })).key);
});
afterAll(() => app.close());

const ids = (rows: Entity[]) => rows.map(({ id }) => id);
const list = async (query: string, api = app.api, base = '/api') =>
  ids((await api.get(`${base}/billing/payments?${query}`)).body);
const put = (id: string, body: unknown) => app.api.put(`/api/billing/payments/${id}`, body);

describe('listPayments', () => {
  test('200 filtered by invoice, customer, status; from and to by paidAt', async () => {
    expect(await list('')).toEqual([foreign.id, second.id, first.id]);
    expect(await list(`invoiceId=${first.invoiceId}`)).toEqual([second.id, first.id]);
    expect(await list(`customerId=${foreign.customerId}`)).toEqual([foreign.id]);
    expect(await list('status=failed')).toEqual([]);
    expect(await list('status=succeeded&limit=1')).toEqual([foreign.id]);
    expect(await list('to=2026-01-10T00:00:00.001Z')).toEqual([first.id]);
    expect(await list('from=2026-01-10T00:00:00.001Z')).toEqual([foreign.id, second.id]);
    expect(await list('from=2026-01-10T00:00:00Z&to=2026-03-15T10:30:00Z')).toEqual([first.id]);
  });

  test('200 in pages', async () => {
    const page = await app.api.get('/api/billing/payments?limit=2');
    const next = /^<([^>]+)>; rel="next"$/.exec(page.headers.link!)![1]!;
    expect([...ids(page.body), ...ids((await app.api.get(next)).body)]).toEqual([foreign.id, second.id, first.id]);
  });

  test.each([
    ['status=paid', 'status'],
    ['invoiceId=x', 'invoiceId'],
    ['from=2026-03-15T10:30:00Z&to=2026-03-15T10:30:00Z', 'to'],
    ['cursor=x', 'cursor'],
  ])('400 validation_error for ?%s', async (query, field) => {
    expectRefusal(await app.api.get(`/api/billing/payments?${query}`), 400, 'validation_error', field);
  });

  test.each(['session', 'key'])('200 a %s of a customer sees its own payments; a filter only narrows', async (kind) => {
    const [api, base] = kind === 'session' ? ([portal, '/api'] as const) : ([key, '/api/v1'] as const);
    expect(await list('', api, base)).toEqual([second.id, first.id]);
    expect(await list(`customerId=${foreign.customerId}`, api, base)).toEqual([]);
    expect(await list(`invoiceId=${foreign.invoiceId}`, api, base)).toEqual([]);
  });
});

describe('getPayment', () => {
  test("200; 404 not_found for an unknown one and, for a customer's caller, someone else's", async () => {
    expect((await app.api.get(`/api/billing/payments/${first.id}`)).body).toEqual(first);
    expect((await portal.get(`/api/billing/payments/${first.id}`)).body).toEqual(first);
    expect((await key.get(`/api/v1/billing/payments/${first.id}`)).body).toEqual(first);
    expectRefusal(await app.api.get(`/api/billing/payments/${UNKNOWN_ID}`), 404, 'not_found');
    expectRefusal(await portal.get(`/api/billing/payments/${foreign.id}`), 404, 'not_found');
    expectRefusal(await key.get(`/api/v1/billing/payments/${foreign.id}`), 404, 'not_found');
  });
});

describe('updatePayment', () => {
  test('200 notes and reference; null clears; {} and equal values change nothing; no event', async () => {
    const before = (await pay(app, (await app.given.invoice()).id, '5.00')).body;
    const events = (await eventsOf(app, before.customerId)).length;
    app.clock.advance({ ms: 1000 });
    const { status, body } = await put(before.id, { notes: 'n', providerReference: 'r' });
    expect([status, body]).toEqual([
      200,
      { ...before, notes: 'n', providerReference: 'r', updatedAt: app.clock.now() },
    ]);
    app.clock.advance({ ms: 1000 });
    for (const same of [{}, { notes: 'n' }]) expect((await put(before.id, same)).body).toEqual(body);
    expect((await put(before.id, { notes: null, providerReference: null })).body).toMatchObject({
      notes: null,
      providerReference: null,
    });
    expect((await auditOf(app, before.id)).map(({ action }) => action)).toEqual([
      'createPayment',
      'updatePayment',
      'updatePayment',
    ]);
    expect(await eventsOf(app, before.customerId)).toHaveLength(events);
  });

  test('409 already_exists for a reference of a provider that is booked; any for the others', async () => {
    const { id } = await app.given.invoice();
    const make = async (method: string, reference: string) =>
      (await pay(app, id, '1.00', { paymentMethod: method, providerReference: reference })).body;
    const [a, b] = [await make('stripe', 'pi_a'), await make('stripe', 'pi_b')];
    expectRefusal(await put(b.id, { providerReference: 'pi_a' }), 409, 'already_exists', 'providerReference');
    expect((await put(a.id, { providerReference: 'pi_a' })).status).toBe(200);
    const manual = await make('manual', 'x');
    expect((await put(manual.id, { providerReference: 'pi_a' })).status).toBe(200);
    const free = [await make('xendit', 'x1'), await make('xendit', 'x2'), await make('xendit', 'x3')];
    const answers = await Promise.all(free.map((payment) => put(payment.id, { providerReference: 'same' })));
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409, 409]);
  });

  test.each([['amount'], ['status'], ['paidAt'], ['paymentMethod']])('400 validation_error for %s', async (member) => {
    expectRefusal(await put(first.id, { [member]: '1' }), 400, 'validation_error', member);
  });

  test('404 not_found for an unknown one', async () => {
    expectRefusal(await put(UNKNOWN_ID, {}), 404, 'not_found');
  });
});
