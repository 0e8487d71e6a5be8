import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApp, type TestApp } from '../../support/app.ts';
import { expectRefusal } from '../../support/refusals.ts';
import { auditOf, balanceOf, type Entity, eventsOf, pay } from '../support.ts';

const NOBODY = {
  ...{ companyName: null, companyAddress: null, companyEmail: null, companyTaxId: null },
  invoiceFooter: null,
};

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
  await app.given.taxRule();
});
afterAll(() => app.close());

const URL = '/api/billing/invoices';
const line = (over: Entity = {}) => ({ description: 'Consulting', quantity: 1, unitPrice: '100.00', ...over });
const create = async (over: Entity = {}) =>
  app.api.post(URL, {
    customerId: over.customerId ?? (await app.given.customer()).id,
    lineItems: [line()],
    ...over,
  });

describe('createInvoice', () => {
  test('201 a draft: no number, totals of today, its event, audit row, ETag and Location', async () => {
    const customer = await app.given.customer({ name: 'Acme', billingCountry: 'US' });
    const answer = await create({ customerId: customer.id });
    expect(answer.status).toBe(201);
    expect(answer.headers).toMatchObject({ location: `${URL}/${answer.body.id}`, etag: '"1"' });
    expect(answer.body).toEqual({
      id: expect.any(String),
      invoiceNumber: null,
      customerId: customer.id,
      seller: NOBODY,
      customerName: 'Acme',
      subscriptionId: null,
      status: 'draft',
      currency: 'USD',
      lineItems: [
        {
          id: expect.any(String),
          description: 'Consulting',
          quantity: 1,
          unitPrice: '100.00',
          amount: '100.00',
          periodStart: null,
          periodEnd: null,
          kind: 'custom',
        },
      ],
      subtotal: '100.00',
      discountAmount: '0.00',
      taxName: 'Sales Tax',
      taxRate: '0.0725',
      taxInclusive: false,
      taxAmount: '7.25',
      total: '107.25',
      creditsApplied: '0.00',
      creditNotesAmount: '0.00',
      amountPaid: '0.00',
      amountRefunded: '0.00',
      amountDue: '107.25',
      dueDate: null,
      issuedAt: null,
      paidAt: null,
      voidedAt: null,
      notes: null,
      pdfUrl: `${URL}/${answer.body.id}/pdf`,
      version: 1,
      createdAt: app.clock.now(),
      updatedAt: app.clock.now(),
    });
    const got = await app.api.get(answer.headers.location!);
    expect(got.body).toEqual({ ...answer.body, payments: [], creditNotes: [] });
    expect(got.headers.etag).toBe('"1"');
    const [event, ...others] = await eventsOf(app, customer.id);
    expect([event.type, others]).toEqual(['invoice.created', []]);
    expect(event.data).toEqual({
      invoiceId: answer.body.id,
      customerId: customer.id,
      subscriptionId: null,
      invoiceNumber: null,
      status: 'draft',
      amount: '107.25',
      currency: 'USD',
      dueDate: null,
    });
    expect(await auditOf(app, answer.body.id)).toMatchObject([{ action: 'createInvoice', entity_type: 'invoice' }]);
  });

  test('201 issued: number, due date by the terms, events', async () => {
    const { body } = await create({ status: 'issued', notes: 'Thank you' });
    expect(body).toMatchObject({
      invoiceNumber: expect.stringMatching(/^INV-2026-\d{4}$/),
      status: 'issued',
      issuedAt: app.clock.now(),
      dueDate: '2026-04-14T10:30:00.000Z',
      amountDue: '100.00',
      taxName: null,
      taxRate: null,
      notes: 'Thank you',
    });
    const events = await eventsOf(app, body.customerId);
    expect(events.map(({ type }) => type)).toEqual(['invoice.created', 'invoice.issued']);
    expect(events[1].data).toEqual({
      invoiceId: body.id,
      customerId: body.customerId,
      subscriptionId: null,
      invoiceNumber: body.invoiceNumber,
      amount: '100.00',
      amountDue: '100.00',
      currency: 'USD',
      dueDate: body.dueDate,
      preGenerated: false,
    });
  });

  test('M.10-M.23 each line is rounded once; tax once on the sum', async () => {
    const lines: [number, string, string][] = [
      [3, '49.99', '149.97'],
      [3, '0.333333', '1.00'],
      [1, '2.675', '2.68'],
      [2.5, '0.333', '0.83'],
      [1_234_567, '0.000125', '154.32'],
      [12_345.678, '0.002', '24.69'],
      [1, '0.0049', '0.00'],
      [1, '-2.345', '-2.35'],
      [0.0001, '99999', '10.00'],
    ];
    const customer = await app.given.customer({ billingCountry: 'US' });
    const { body } = await create({
      customerId: customer.id,
      lineItems: lines.map(([quantity, unitPrice]) => line({ quantity, unitPrice })),
    });
    expect(body.lineItems.map(({ amount }: Entity) => amount)).toEqual(
      lines.map(([, , amount]) => amount).filter((a) => a),
    );
    expect(body).toMatchObject({ subtotal: '341.14', taxAmount: '24.73', total: '365.87' });
    expect(body.lineItems[4]).toMatchObject({ quantity: 1_234_567, unitPrice: '0.000125' });
  });

  test('201 lines with service dates, a due date of its own, an allowance', async () => {
    const { body } = await create({
      status: 'issued',
      dueDate: '2026-03-15T12:00:00+01:00',
      lineItems: [
        line({ periodStart: '2026-03-01T00:00:00Z', periodEnd: '2026-04-01T00:00:00.000Z' }),
        line({ description: 'Allowance', unitPrice: '-100.00' }),
      ],
    });
    expect(body).toMatchObject({ status: 'paid', total: '0.00', amountDue: '0.00', paidAt: app.clock.now() });
    expect(body.dueDate).toBe('2026-03-15T11:00:00.000Z');
    expect(body.lineItems[0]).toMatchObject({
      periodStart: '2026-03-01T00:00:00.000Z',
      periodEnd: '2026-04-01T00:00:00.000Z',
    });
    expect((await eventsOf(app, body.customerId)).map(({ type }) => type)).toEqual([
      'invoice.created',
      'invoice.issued',
      'invoice.paid',
    ]);
  });

  test('the currency: the body, else the subscription, else the customer, else the default', async () => {
    const customer = await app.given.customer({ currency: 'EUR' });
    const plan = await app.given.plan({ currency: 'JPY', basePrice: '1500' });
    const sub = await app.given.subscription({ customerId: customer.id, planId: plan.id });
    const currency = async (over: Entity) =>
      (await create({ customerId: customer.id, lineItems: [line({ unitPrice: '7' })], ...over })).body.currency;
    expect(await currency({ currency: 'KWD' })).toBe('KWD');
    expect(await currency({ subscriptionId: sub.id })).toBe('JPY');
    expect(await currency({})).toBe('EUR');
    expect(await currency({ customerId: (await app.given.customer()).id })).toBe('USD');
    const mixed = await create({ customerId: customer.id, subscriptionId: sub.id, currency: 'USD' });
    expectRefusal(mixed, 400, 'currency_mismatch');
  });

  test('V1 with a subscription the tax category is its product', async () => {
    await app.given.taxRule({ rate: '0.05', productCategory: 'saas' });
    const customer = await app.given.customer({ billingCountry: 'US' });
    const sub = await app.given.subscription({ customerId: customer.id });
    expect((await create({ customerId: customer.id, subscriptionId: sub.id })).body.taxRate).toBe('0.0500');
    expect((await create({ customerId: customer.id })).body.taxRate).toBe('0.0725');
  });

  test('I.7 credit above the total: issued and paid in one commit', async () => {
    const customerId = (await app.given.customer()).id;
    const first = (await create({ customerId, status: 'issued' })).body;
    await pay(app, first.id, '200.00');
    const { body } = await create({ customerId, status: 'issued', lineItems: [line({ unitPrice: '31.86' })] });
    expect(body).toMatchObject({
      status: 'paid',
      creditsApplied: '31.86',
      amountPaid: '0.00',
      amountDue: '0.00',
      paidAt: app.clock.now(),
    });
    expect(await balanceOf(app, customerId)).toBe('68.14');
    const events = (await eventsOf(app, customerId)).slice(-4);
    expect(events.map(({ type }) => type)).toEqual([
      'invoice.created',
      'invoice.issued',
      'credit.applied',
      'invoice.paid',
    ]);
    expect(events[2].data).toEqual({
      creditEntryId: expect.any(String),
      customerId,
      invoiceId: body.id,
      amount: '31.86',
      balance: '68.14',
      currency: 'USD',
    });
    expect(events[3].data).toEqual({
      invoiceId: body.id,
      customerId,
      subscriptionId: null,
      invoiceNumber: body.invoiceNumber,
      amount: '31.86',
      currency: 'USD',
      paidAt: app.clock.now(),
    });
  });

  test('credit of another currency is not used', async () => {
    const customerId = (await app.given.customer()).id;
    const first = (await create({ customerId, status: 'issued' })).body;
    await pay(app, first.id, '200.00');
    const euro = (await create({ customerId, status: 'issued', currency: 'EUR' })).body;
    expect(euro).toMatchObject({ creditsApplied: '0.00', amountDue: '100.00', currency: 'EUR' });
    expect(await balanceOf(app, customerId)).toBe('100.00');
  });

  test('201 by key under v1: Location and pdfUrl of v1', async () => {
    const { key } = await app.given.apiKey();
    const customerId = (await app.given.customer()).id;
    const answer = await app.withKey(key).post('/api/v1/billing/invoices', { customerId, lineItems: [line()] });
    expect(answer.status).toBe(201);
    expect(answer.headers.location).toBe(`/api/v1/billing/invoices/${answer.body.id}`);
    expect(answer.body.pdfUrl).toBe(`/api/v1/billing/invoices/${answer.body.id}/pdf`);
  });

  test('Idempotency-Key: issued once', async () => {
    const body = { customerId: (await app.given.customer()).id, lineItems: [line()], status: 'issued' };
    const headers = { 'Idempotency-Key': 'invoice-1' };
    const answers = await Promise.all(Array.from({ length: 5 }, () => app.api.post(URL, body, headers)));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect((await app.api.get(`${URL}?customerId=${body.customerId}`)).body).toHaveLength(1);
    expectRefusal(await app.api.post(URL, { ...body, notes: 'x' }, headers), 409, 'idempotency_key_reused');
  });
});
