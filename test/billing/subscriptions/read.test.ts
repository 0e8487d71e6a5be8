import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Api, startApp, type TestApp } from '../../support/app.ts';
import { expectRefusal, UNKNOWN_ID } from '../../support/refusals.ts';
import type { Entity } from '../support.ts';

let app: TestApp;
let own: Entity;
let other: Entity;
let portal: Api;
let key: Api;
beforeAll(async () => {
  app = await startApp();
  own = await app.given.subscription();
  other = await app.given.subscription({ trialDays: 5 });
  portal = app.withSession(await app.given.portalSession(own.customerId));
  key = app.withKey((await app.given.apiKey({ customerId: own.customerId, access: 'read' })).key);
});
afterAll(() => app.close());

const ids = (rows: Entity[]) => rows.map(({ id }) => id);
const list = async (query: string, api = app.api, base = '/api') =>
  ids((await api.get(`${base}/billing/subscriptions?${query}`)).body);

describe('listSubscriptions', () => {
  test('200 filtered by status, customer and plan, which add up', async () => {
    expect(await list('')).toEqual([other.id, own.id]);
    expect(await list('status=trialing')).toEqual([other.id]);
    expect(await list(`customerId=${own.customerId}`)).toEqual([own.id]);
    expect(await list(`planId=${other.planId}`)).toEqual([other.id]);
    expect(await list(`planId=${other.planId}&status=active`)).toEqual([]);
    expect(await list(`customerId=${UNKNOWN_ID}`)).toEqual([]);
  });

  test('200 in pages, newest first, unmoved by rows created meanwhile', async () => {
    const customerId = (await app.given.customer()).id;
    const { planId } = own;
    const made: string[] = [];
    for (let i = 0; i < 5; i++) made.unshift((await app.given.subscription({ customerId, planId })).id);
    const seen: string[] = [];
    let path: string | undefined = `/api/billing/subscriptions?customerId=${customerId}&limit=2`;
    while (path) {
      const answer = await app.api.get(path);
      seen.push(...ids(answer.body));
      await app.given.subscription({ customerId, planId });
      path = /^<([^>]+)>; rel="next"$/.exec(answer.headers.link ?? '')?.[1];
    }
    expect(seen).toEqual(made);
  });

  test.each([
    ['status=running', 'status'],
    ['customerId=acme', 'customerId'],
    ['planId=1', 'planId'],
    ['limit=0', 'limit'],
    ['limit=1001', 'limit'],
    ['cursor=abc', 'cursor'],
    ['productId=x', 'productId'],
  ])('400 validation_error for ?%s', async (query, field) => {
    expectRefusal(await app.api.get(`/api/billing/subscriptions?${query}`), 400, 'validation_error', field);
  });

  test.each(['session', 'key'])('200 a %s of a customer sees its own rows; a filter only narrows', async (kind) => {
    const [api, base] = kind === 'session' ? ([portal, '/api'] as const) : ([key, '/api/v1'] as const);
    expect(await list('', api, base)).toEqual([own.id]);
    expect(await list(`customerId=${own.customerId}`, api, base)).toEqual([own.id]);
    expect(await list(`customerId=${other.customerId}`, api, base)).toEqual([]);
    expect(await list('status=trialing', api, base)).toEqual([]);
  });
});

describe('getSubscription', () => {
  test('200 with the ETag, also under v1', async () => {
    const answer = await app.api.get(`/api/billing/subscriptions/${own.id}`);
    expect([answer.body, answer.headers.etag]).toEqual([own, '"1"']);
    const twin = await key.get(`/api/v1/billing/subscriptions/${own.id}`);
    expect([twin.status, twin.body]).toEqual([200, own]);
    expect((await portal.get(`/api/billing/subscriptions/${own.id}`)).body).toEqual(own);
  });

  test("404 not_found for an unknown one and, for a customer's caller, someone else's", async () => {
    expectRefusal(await app.api.get(`/api/billing/subscriptions/${UNKNOWN_ID}`), 404, 'not_found');
    expectRefusal(await portal.get(`/api/billing/subscriptions/${other.id}`), 404, 'not_found');
    expectRefusal(await key.get(`/api/v1/billing/subscriptions/${other.id}`), 404, 'not_found');
  });
});
