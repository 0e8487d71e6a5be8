import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApp, type TestApp } from '../../support/app.ts';
import { expectRefusal, UNKNOWN_ID } from '../../support/refusals.ts';
import { type Entity, eventsOf, invoicesOf, pay, putSubscription, runAt } from '../support.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp({ now: '2026-01-31T10:00:00.000Z' });
});
afterAll(() => app.close());

const URL = '/api/billing/events';
const list = async (query: string) => (await app.api.get(`${URL}?${query}`)).body;
const ids = (events: Entity[]) => events.map(({ id }) => id);

describe('listEvents', () => {
  test('200 newest first; by customer, exact type, group and main resource', async () => {
    const sub = await app.given.subscription();
    const [invoice] = await invoicesOf(app, sub.id);
    const payment = (await pay(app, invoice.id, '60.00')).body;
    await app.drain();
    const mine = `customerId=${sub.customerId}`;
    const types = async (query: string) => (await list(`${mine}&${query}`)).map(({ type }: Entity) => type);
    expect(await types('')).toEqual([
      'credit.deposited',
      'invoice.paid',
      'payment.succeeded',
      'invoice.issued',
      'invoice.created',
      'subscription.created',
    ]);
    expect(await types('type=invoice.paid')).toEqual(['invoice.paid']);
    expect(await types('type=invoice.*')).toEqual(['invoice.paid', 'invoice.issued', 'invoice.created']);
    expect(await types('type=credit.*')).toEqual(['credit.deposited']);
    expect(await types('type=credit_note.*')).toEqual([]);
    expect(await types(`resourceId=${invoice.id}`)).toEqual(['invoice.paid', 'invoice.issued', 'invoice.created']);
    expect(await types(`resourceId=${payment.id}`)).toEqual(['payment.succeeded']);
    expect(await types(`type=invoice.*&resourceId=${payment.id}`)).toEqual([]);
    expect(await list(`customerId=${UNKNOWN_ID}`)).toEqual([]);
  });

  test('200 in pages by cursor, and onwards by after: nothing twice, nothing left out', async () => {
    await app.given.subscription();
    await app.drain();
    const all = (await list('limit=1000')).toReversed();
    const back: string[] = [];
    for (let path: string | undefined = `${URL}?limit=4`; path; ) {
      const answer = await app.api.get(path);
      back.push(...ids(answer.body));
      path = /^<([^>]+)>; rel="next"$/.exec(answer.headers.link ?? '')?.[1];
    }
    expect(back.toReversed()).toEqual(ids(all));
    const onwards: string[] = [all[0].id];
    for (let path: string | undefined = `${URL}?limit=4&after=${all[0].id}`; path; ) {
      const answer = await app.api.get(path);
      onwards.push(...ids(answer.body));
      path = /^<([^>]+)>; rel="next"$/.exec(answer.headers.link ?? '')?.[1];
    }
    expect(onwards).toEqual(ids(all));
    expect(await list(`after=${all.at(-1).id}`)).toEqual([]);
  });

  test('a reader who goes on with after sees what was committed meanwhile, and filters apply', async () => {
    const customerId = (await app.given.customer()).id;
    await app.given.invoice({ customerId });
    await app.drain();
    const [last] = await list('limit=1');
    await app.given.invoice();
    await app.given.invoice({ customerId });
    expect(await list(`after=${last.id}`)).toEqual([]); // committed, and not in the order yet
    await app.drain();
    const seen = await list(`after=${last.id}&customerId=${customerId}&type=invoice.issued`);
    expect(seen.map(({ sequence }: Entity) => sequence)).toEqual([4]);
    expect(await list(`after=${last.id}`)).toHaveLength(4);
  });

  test.each([
    ['type=invoice', 'type'],
    ['type=invoice.unknown', 'type'],
    ['type=*', 'type'],
    ['type=.*', 'type'],
    ['resourceId=x', 'resourceId'],
    ['customerId=x', 'customerId'],
    [`after=evt_${UNKNOWN_ID}`, 'after'],
    ['after=1', 'after'],
    ['cursor=x', 'cursor'],
    ['limit=0', 'limit'],
  ])('400 validation_error for ?%s', async (query, field) => {
    expectRefusal(await app.api.get(`${URL}?${query}`), 400, 'validation_error', field);
  });

  test('400 validation_error for after together with cursor', async () => {
    const { body, headers } = await app.api.get(`${URL}?limit=1`);
    const next = /^<([^>]+)>/.exec(headers.link!)![1]!;
    expectRefusal(await app.api.get(`${next}&after=${body[0].id}`), 400, 'validation_error', 'after');
  });
});

describe('getEvent', () => {
  test('200 the very bytes of its commit; 404 for an unknown one and before it has its place', async () => {
    const { customerId } = await app.given.invoice();
    const [row] = await app.database.read('events').where({ customer_id: customerId, sequence: 1 });
    expectRefusal(await app.api.get(`${URL}/${row.id}`), 404, 'not_found');
    await app.drain();
    const answer = await app.api.get(`${URL}/${row.id}`);
    expect([answer.status, answer.text]).toEqual([200, row.body]);
    expect(Object.keys(answer.body)).toEqual(['id', 'type', 'createdAt', 'sequence', 'data']);
    expectRefusal(await app.api.get(`${URL}/evt_${UNKNOWN_ID}`), 404, 'not_found');
    expectRefusal(await app.api.get(`${URL}/${UNKNOWN_ID}`), 400, 'validation_error', 'id');
  });
});

describe('what the events of a subscription carry', () => {
  test('renewed names the invoice that bills the new period, and nothing else is told of a renewal', async () => {
    const sub = await app.given.subscription();
    const zero = await app.given.subscription({ planId: (await app.given.plan({ basePrice: '0' })).id });
    const waived = await app.given.subscription();
    await runAt(app, '2026-02-21T10:00:00.000Z');
    const [, next] = await invoicesOf(app, sub.id);
    const [, gone] = await invoicesOf(app, waived.id);
    await app.api.put(`/api/billing/invoices/${gone.id}`, { status: 'void' });
    await runAt(app, '2026-02-28T10:00:00.000Z');
    const last = async (customerId: string) => (await eventsOf(app, customerId)).at(-1);
    const event = await last(sub.customerId);
    expect(event.type).toBe('subscription.renewed');
    expect(event.data).toEqual({
      subscriptionId: sub.id,
      customerId: sub.customerId,
      planId: sub.planId,
      invoiceId: next.id,
      amount: '49.99',
      currency: 'USD',
      currentPeriodStart: '2026-02-28T10:00:00.000Z',
      currentPeriodEnd: '2026-03-31T10:00:00.000Z',
    });
    expect((await last(zero.customerId)).data).toMatchObject({ invoiceId: null, amount: '0.00' });
    expect((await last(waived.customerId)).data).toMatchObject({ invoiceId: null, amount: '49.99' });
  });

  test('the order inside one commit: created, issued, used, paid, the specific event, updated', async () => {
    const customerId = (await app.given.customer()).id;
    const first = await app.given.invoice({ customerId });
    await pay(app, first.id, '500.00');
    const sub = await app.given.subscription({ customerId, preRenewalInvoiceDays: 0 });
    await putSubscription(app, sub.id, { status: 'paused' });
    app.clock.set('2026-05-01T00:00:00.000Z');
    const before = (await eventsOf(app, customerId)).length;
    await putSubscription(app, sub.id, { status: 'active' });
    const told = (await eventsOf(app, customerId)).slice(before);
    expect(told.map(({ type }) => type)).toEqual([
      'invoice.created',
      'invoice.issued',
      'credit.applied',
      'invoice.paid',
      'subscription.resumed',
      'subscription.updated',
    ]);
    expect(told[4].data).toEqual({ subscriptionId: sub.id, customerId, planId: sub.planId, reason: 'requested' });
  });
});
