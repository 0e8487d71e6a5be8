import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { TestApp } from '../../support/app.ts';
import { expectRefusal, UNKNOWN_ID } from '../../support/refusals.ts';
import { closeApps, type Entity, pay, refund, startAt } from '../support.ts';

let app: TestApp;
let refunds: Entity[];
beforeAll(async () => {
  app = await startAt('2026-03-15T10:30:00.000Z');
  const [one, other] = [await app.given.invoice(), await app.given.invoice()];
  const first = (await pay(app, one.id, '40.00')).body;
  const second = (await pay(app, one.id, '60.00')).body;
  const third = (await pay(app, other.id, '100.00')).body;
  refunds = [];
  for (const { id } of [first, first, second, third]) refunds.push((await refund(app, id, '5.00')).body);
});
afterAll(closeApps);

const list = async (query: string): Promise<Entity[]> => (await app.api.get(`/api/billing/refunds?${query}`)).body;

describe('listRefunds', () => {
  test('200 newest first, by payment, invoice, customer and status', async () => {
    const [a, b, c, d] = refunds;
    expect(await list('')).toEqual([d, c, b, a]);
    expect(await list(`paymentId=${a.paymentId}`)).toEqual([b, a]);
    expect(await list(`invoiceId=${a.invoiceId}`)).toEqual([c, b, a]);
    expect(await list(`customerId=${d.customerId}`)).toEqual([d]);
    expect(await list(`status=completed&paymentId=${c.paymentId}`)).toEqual([c]);
    expect(await list('status=pending')).toEqual([]);
    expect(await list(`paymentId=${UNKNOWN_ID}`)).toEqual([]);
  });

  test('200 in pages', async () => {
    const first = await app.api.get('/api/billing/refunds?limit=3');
    const next = /<([^>]+)>; rel="next"/.exec(first.headers.link!)![1]!;
    const last = await app.api.get(next);
    expect([...first.body, ...last.body]).toEqual(refunds.toReversed());
    expect(last.headers.link).toBeUndefined();
  });

  test('400 validation_error for a status that does not exist', async () => {
    expectRefusal(await app.api.get('/api/billing/refunds?status=done'), 400, 'validation_error', 'status');
  });
});

describe('getRefund', () => {
  test('200 and 404 not_found', async () => {
    expect((await app.api.get(`/api/billing/refunds/${refunds[0].id}`)).body).toEqual(refunds[0]);
    expectRefusal(await app.api.get(`/api/billing/refunds/${UNKNOWN_ID}`), 404, 'not_found');
  });
});

test('401 and 403 for who may not read', async () => {
  const portal = app.withSession(await app.given.portalSession(refunds[0].customerId));
  for (const path of ['/api/billing/refunds', `/api/billing/refunds/${refunds[0].id}`]) {
    expectRefusal(await app.anonymous.get(path), 401, 'unauthorized');
    expectRefusal(await portal.get(path), 403, 'forbidden');
  }
});
