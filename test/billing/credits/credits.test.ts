import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Answer, TestApp } from '../../support/app.ts';
import { expectRefusal, UNKNOWN_ID } from '../../support/refusals.ts';
import { adjust, auditOf, balanceOf, closeApps, credit, eventsOf, posting, startAt } from '../support.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startAt('2026-03-15T10:30:00.000Z');
});
afterAll(closeApps);

const amountsOf = ({ body }: Answer): string[] => body.map(({ amount }: { amount: string }) => amount);
const customerWith = async (amount: string): Promise<string> => {
  const { id } = await app.given.customer();
  expect((await adjust(app, id, amount)).status).toBe(201);
  return id;
};

describe('createCredit', () => {
  test('201 deposits, with entry, event, posting and audit row (G.1)', async () => {
    const { id } = await app.given.customer();
    const answer = await adjust(app, id, '20', { description: '  Sorry  ' });
    expect(answer.status).toBe(201);
    expect(answer.headers.location).toBeUndefined();
    const entry = answer.body;
    expect(entry).toEqual({
      id: expect.stringMatching(/^[0-9A-Z]{26}$/),
      customerId: id,
      currency: 'USD',
      amount: '20.00',
      balanceAfter: '20.00',
      reason: 'manual',
      description: 'Sorry',
      invoiceId: null,
      creditNoteId: null,
      refundId: null,
      createdAt: app.clock.now(),
    });
    expect((await app.api.get(`/api/customers/${id}`)).body).toMatchObject({
      creditBalance: '20.00',
      creditBalances: [{ currency: 'USD', balance: '20.00' }],
    });
    expect(await eventsOf(app, id)).toMatchObject([
      {
        type: 'credit.deposited',
        data: {
          creditEntryId: entry.id,
          customerId: id,
          amount: '20.00',
          balance: '20.00',
          currency: 'USD',
          reason: 'manual',
          invoiceId: null,
        },
      },
    ]);
    expect(await posting(app, 'credit.manual', entry.id)).toEqual({ discounts: '20.00', customer_credit: '-20.00' });
    const [audit] = await auditOf(app, entry.id);
    expect(audit).toMatchObject({ action: 'createCredit', entity_type: 'credit_entry' });
  });

  test('201 withdraws down to zero, without event', async () => {
    const id = await customerWith('20.00');
    const { body } = await adjust(app, id, '-20.00');
    expect(body).toMatchObject({ amount: '-20.00', balanceAfter: '0.00', reason: 'manual' });
    expect(await posting(app, 'credit.manual', body.id)).toEqual({ discounts: '-20.00', customer_credit: '20.00' });
    expect((await eventsOf(app, id)).map(({ type }) => type)).toEqual(['credit.deposited']);
  });

  test.each([
    ['the currency of the body', { currency: 'JPY' }, 'EUR', '1500', 'JPY', '1500'],
    ['else that of the customer', {}, 'KWD', '1.25', 'KWD', '1.250'],
    ['null is none', { currency: null }, 'KWD', '1.25', 'KWD', '1.250'],
    ['else the default', {}, null, '1.25', 'USD', '1.25'],
  ])('201 in %s', async (_, body, own, amount, currency, shown) => {
    const customer = await app.given.customer({ currency: own });
    expect((await adjust(app, customer.id, amount, body)).body).toMatchObject({ currency, balanceAfter: shown });
  });

  test('201 with the default currency of the settings', async () => {
    await app.api.put('/api/settings/billing', { defaultCurrency: 'EUR' });
    const { id } = await app.given.customer();
    expect((await adjust(app, id, '5')).body.currency).toBe('EUR');
    await app.api.put('/api/settings/billing', { defaultCurrency: 'USD' });
  });

  test('201 keeps one balance per currency', async () => {
    const id = await customerWith('20.00');
    await adjust(app, id, '7.00', { currency: 'EUR' });
    expectRefusal(await adjust(app, id, '-8.00', { currency: 'EUR' }), 400, 'insufficient_credit');
    expect([await balanceOf(app, id), await balanceOf(app, id, 'EUR')]).toEqual(['20.00', '7.00']);
  });

  test('400 insufficient_credit below zero leaves nothing behind (K.3)', async () => {
    const { id } = await app.given.customer();
    expectRefusal(await adjust(app, id, '-10.00'), 400, 'insufficient_credit');
    expect(await app.database.read('credit_balances').where({ customer_id: id })).toEqual([]);
    const rich = await customerWith('10.00');
    expectRefusal(await adjust(app, rich, '-10.01'), 400, 'insufficient_credit');
    expect(await balanceOf(app, rich)).toBe('10.00');
  });

  test.each([
    ['amount', { amount: '0.00' }],
    ['amount', { amount: '-0' }],
    ['amount', { amount: '1.234' }],
    ['amount', { amount: 20 }],
    ['amount', { amount: '9999999999999.00' }],
    ['currency', { currency: 'XAU' }],
    ['description', { description: ' ' }],
    ['description', { description: 'x'.repeat(501) }],
    ['description', { description: null }],
    ['reason', { reason: 'manual' }],
  ])('400 validation_error names %s: %j', async (field, over) => {
    const { id } = await app.given.customer();
    const body = { customerId: id, amount: '1.00', description: 'd', ...over };
    expectRefusal(await app.api.post('/api/billing/credits', body), 400, 'validation_error', field);
  });

  test('400 validation_error when the balance would be too large', async () => {
    const id = await customerWith('999999999999.00');
    for (let times = 0; times < 8; times++) await adjust(app, id, '999999999999.00');
    expect((await adjust(app, id, '999999999999.00')).status).toBe(201);
    expectRefusal(await adjust(app, id, '999999999.99'), 400, 'validation_error', 'amount');
    expect(await balanceOf(app, id)).toBe('9999999999990.00');
  });

  test('404 not_found for an unknown customer, 401 and 403 for who may not', async () => {
    expectRefusal(await adjust(app, UNKNOWN_ID, '1.00'), 404, 'not_found');
    const body = { customerId: UNKNOWN_ID, amount: '1.00', description: 'd' };
    expectRefusal(await app.anonymous.post('/api/billing/credits', body), 401, 'unauthorized');
    const portal = app.withSession(await app.given.portalSession((await app.given.customer()).id));
    expectRefusal(await portal.post('/api/billing/credits', body), 403, 'forbidden');
  });

  test('201 once for one Idempotency-Key', async () => {
    const { id } = await app.given.customer();
    const send = () =>
      app.api.post(
        '/api/billing/credits',
        { customerId: id, amount: '5.00', description: 'd' },
        { 'Idempotency-Key': 'once' },
      );
    const [first, second] = [await send(), await send()];
    expect(second.text).toBe(first.text);
    expect(await balanceOf(app, id)).toBe('5.00');
  });
});

describe('listCredits', () => {
  test('200 newest first, in pages, by customer and currency', async () => {
    const id = await customerWith('1.00');
    for (const amount of ['2.00', '3.00', '-4.00']) await adjust(app, id, amount);
    await adjust(app, id, '9', { currency: 'JPY' });
    const path = `/api/billing/credits?customerId=${id}`;
    expect(amountsOf(await app.api.get(path))).toEqual(['9', '-4.00', '3.00', '2.00', '1.00']);
    expect(amountsOf(await app.api.get(`${path}&currency=JPY`))).toEqual(['9']);
    expect(amountsOf(await app.api.get(`${path}&currency=EUR`))).toEqual([]);
    const first = await app.api.get(`${path}&limit=3`);
    expect(amountsOf(first)).toEqual(['9', '-4.00', '3.00']);
    const next = /<([^>]+)>; rel="next"/.exec(first.headers.link!)![1]!;
    const last = await app.api.get(next);
    expect(amountsOf(last)).toEqual(['2.00', '1.00']);
    expect(last.headers.link).toBeUndefined();
    expect((await app.api.get(`/api/billing/credits?customerId=${UNKNOWN_ID}`)).body).toEqual([]);
    expect((await app.api.get('/api/billing/credits?limit=1000')).body.length).toBeGreaterThan(5);
  });

  test('200 names what an entry came from', async () => {
    const invoice = await app.given.invoice();
    await app.api.put(`/api/billing/invoices/${invoice.id}`, { status: 'paid' });
    const note = (await credit(app, invoice.id, '30.00')).body;
    const [entry] = (await app.api.get(`/api/billing/credits?customerId=${invoice.customerId}`)).body;
    expect(entry).toMatchObject({
      amount: '30.00',
      reason: 'credit_note',
      description: 'An outage',
      invoiceId: invoice.id,
      creditNoteId: note.id,
      refundId: null,
    });
  });

  test('200 for a key with a customer: only its own entries', async () => {
    const [own, other] = [await customerWith('1.00'), await customerWith('2.00')];
    const scoped = app.withKey((await app.given.apiKey({ customerId: own, access: 'read' })).key);
    const operator = app.withKey((await app.given.apiKey({ access: 'read' })).key);
    expect(amountsOf(await scoped.get('/api/v1/billing/credits'))).toEqual(['1.00']);
    expect(amountsOf(await scoped.get(`/api/v1/billing/credits?customerId=${other}`))).toEqual([]);
    expect(amountsOf(await operator.get(`/api/v1/billing/credits?customerId=${other}`))).toEqual(['2.00']);
  });

  test('401 and 403 for who may not read', async () => {
    expectRefusal(await app.anonymous.get('/api/billing/credits'), 401, 'unauthorized');
    expectRefusal(await app.anonymous.get('/api/v1/billing/credits'), 401, 'unauthorized');
    const portal = app.withSession(await app.given.portalSession((await app.given.customer()).id));
    expectRefusal(await portal.get('/api/billing/credits'), 403, 'forbidden');
    expectRefusal(await app.api.get('/api/billing/credits?cursor=x'), 400, 'validation_error', 'cursor');
  });
});
