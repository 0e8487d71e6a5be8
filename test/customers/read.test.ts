import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApp, type TestApp } from '../support/app.ts';
import { expectRefusal, UNKNOWN_ID } from '../support/refusals.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

type Row = { id: string };
const ids = (rows: Row[]) => rows.map(({ id }) => id);

describe('listCustomers', () => {
  test('200 in pages, newest first, unmoved by rows created meanwhile', async () => {
    const made: string[] = [];
    for (let i = 0; i < 5; i++) made.unshift((await app.given.customer({ tier: 'enterprise' })).id);
    const seen: string[] = [];
    let path: string | undefined = '/api/customers?tier=enterprise&limit=2';
    while (path) {
      const answer = await app.api.get(path);
      seen.push(...ids(answer.body));
      await app.given.customer({ tier: 'enterprise' });
      path = /^<([^>]+)>; rel="next"$/.exec(answer.headers.link ?? '')?.[1];
    }
    expect(seen).toEqual(made);
  });

  test('200 no Link when the page is exactly full', async () => {
    await app.given.customer({ tier: 'professional' });
    await app.given.customer({ tier: 'professional' });
    const { body, headers } = await app.api.get('/api/customers?tier=professional&limit=2');
    expect(body).toHaveLength(2);
    expect(headers.link).toBeUndefined();
  });

  test('200 by e-mail: exactly, case-insensitively, nothing for a part of it or a pattern', async () => {
    const customer = await app.given.customer({ email: 'Find.Me+x@acme.example' });
    const find = async (email: string) => ids((await app.api.get(`/api/customers?email=${email}`)).body);
    expect(await find(encodeURIComponent('find.me+X@ACME.example'))).toEqual([customer.id]);
    expect(await find(encodeURIComponent('find.me@acme.example'))).toEqual([]);
    expect(await find(encodeURIComponent('find.me+_@acme.example'))).toEqual([]);
    expect(await find(encodeURIComponent('%@acme.example'))).toEqual([]);
    const other = await app.api.get(`/api/customers?tier=enterprise&email=${encodeURIComponent(customer.email)}`);
    expect(other.body).toEqual([]);
  });

  test.each([
    ['tier=gold', 'tier'],
    ['email=', 'email'],
    ['email=find.me', 'email'],
    [`email=${'x'.repeat(256)}`, 'email'],
    ['limit=ten', 'limit'],
    ['name=Acme', 'name'],
    ['tier=starter&tier=enterprise', 'tier'],
    [`cursor=${Buffer.from('[1,"products","01JQX5M3K9HZNGVX2Z66Z1C02N"]').toString('base64url')}`, 'cursor'],
  ])('400 validation_error for ?%s', async (query, field) => {
    expectRefusal(await app.api.get(`/api/customers?${query}`), 400, 'validation_error', field);
  });

  test('401 and 403 without the right caller', async () => {
    expectRefusal(await app.anonymous.get('/api/customers'), 401, 'unauthorized');
    const session = await app.given.portalSession((await app.given.customer()).id);
    expectRefusal(await app.withSession(session).get('/api/customers'), 403, 'forbidden');
  });
});

describe('getCustomer', () => {
  test('404 not_found for an unknown id, 400 for a malformed one', async () => {
    expectRefusal(await app.api.get(`/api/customers/${UNKNOWN_ID}`), 404, 'not_found');
    expectRefusal(await app.api.get('/api/customers/me'), 400, 'validation_error', 'id');
  });

  test('401 and 403 without the right caller', async () => {
    const { id } = await app.given.customer();
    expectRefusal(await app.anonymous.get(`/api/customers/${id}`), 401, 'unauthorized');
    const session = await app.given.portalSession(id);
    expectRefusal(await app.withSession(session).get(`/api/customers/${id}`), 403, 'forbidden');
  });

  test('200 with all subscriptions, newest first, canceled ones too', async () => {
    const customer = await app.given.customer();
    const plan = await app.given.plan();
    const on = () => app.given.subscription({ customerId: customer.id, planId: plan.id });
    const [first, second] = [await on(), await on()];
    await app.given.subscription({ planId: plan.id });
    await app.api.delete(`/api/billing/subscriptions/${first.id}`);
    const { body } = await app.api.get(`/api/customers/${customer.id}`);
    expect(ids(body.subscriptions)).toEqual([second.id, first.id]);
    expect(body.subscriptions[1].status).toBe('canceled');
    expect(body.subscriptions[0]).toEqual((await app.api.get(`/api/billing/subscriptions/${second.id}`)).body);
  });
});

describe('v1ListCustomers, v1GetCustomer', () => {
  test('200 every customer for an operator key', async () => {
    const customer = await app.given.customer();
    const { key } = await app.given.apiKey({ access: 'read' });
    expect(ids((await app.withKey(key).get('/api/v1/customers?limit=1')).body)).toEqual([customer.id]);
    const answer = await app.withKey(key).get(`/api/v1/customers/${customer.id}`);
    expect(answer.body).toEqual({ ...customer, subscriptions: [] });
    expect(answer.headers.etag).toBe('"1"');
  });

  test('200 the own row only for a key with a customer; 404 not_found for others', async () => {
    const [own, other] = [await app.given.customer(), await app.given.customer()];
    const { key } = await app.given.apiKey({ customerId: own.id, access: 'read' });
    const mine = app.withKey(key);
    expect(ids((await mine.get('/api/v1/customers')).body)).toEqual([own.id]);
    expect((await mine.get(`/api/v1/customers?email=${other.email}`)).body).toEqual([]);
    expect((await mine.get(`/api/v1/customers/${own.id}`)).body.id).toBe(own.id);
    expectRefusal(await mine.get(`/api/v1/customers/${other.id}`), 404, 'not_found');
    expectRefusal(await mine.get(`/api/v1/customers/${UNKNOWN_ID}`), 404, 'not_found');
  });

  test('401 without, 401 invalid_api_key with a wrong key', async () => {
    for (const path of ['/api/v1/customers', `/api/v1/customers/${UNKNOWN_ID}`]) {
      expectRefusal(await app.anonymous.get(path), 401, 'unauthorized');
      expectRefusal(await app.withKey('rb_live_x').get(path), 401, 'invalid_api_key');
    }
  });
});
