import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApp, type TestApp } from '../support/app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp({ now: '2026-01-31T10:00:00.000Z' });
});
afterAll(() => app.close());

describe('the main job', () => {
  test('product, plan, customer, subscription, taxed invoice, payment, renewal a month later', async () => {
    const { given, api, clock } = app;
    const product = await given.product({ name: 'Pro', productType: 'saas' });
    const plan = await given.plan({ productId: product.id, basePrice: '49.99' });
    await given.taxRule({ country: 'US', region: 'CA', rate: '0.0725', taxName: 'CA Sales Tax' });
    const customer = await given.customer({ billingCountry: 'US', billingState: 'CA' });
    const sub = await given.subscription({ customerId: customer.id, planId: plan.id });
    expect(sub).toMatchObject({
      status: 'active',
      currentPeriodStart: '2026-01-31T10:00:00.000Z',
      currentPeriodEnd: '2026-02-28T10:00:00.000Z',
    });

    const [invoice] = (await api.get(`/api/billing/invoices?subscriptionId=${sub.id}`)).body;
    expect(invoice).toMatchObject({
      invoiceNumber: 'INV-2026-0001',
      status: 'issued',
      subtotal: '49.99',
      taxName: 'CA Sales Tax',
      taxRate: '0.0725',
      taxAmount: '3.62',
      total: '53.61',
      amountDue: '53.61',
      dueDate: '2026-03-02T10:00:00.000Z',
    });
    expect(invoice.lineItems).toMatchObject([
      {
        kind: 'plan',
        description: 'Pro Monthly (Monthly)',
        quantity: 1,
        unitPrice: '49.99',
        amount: '49.99',
        periodStart: '2026-01-31T10:00:00.000Z',
        periodEnd: '2026-02-28T10:00:00.000Z',
      },
    ]);

    const payment = await api.post('/api/billing/payments', {
      invoiceId: invoice.id,
      amount: '60.00',
      paymentMethod: 'bank_transfer',
    });
    expect(payment.status).toBe(201);
    expect(payment.body).toMatchObject({ appliedAmount: '53.61', creditedAmount: '6.39', status: 'succeeded' });
    const paid = (await api.get(`/api/billing/invoices/${invoice.id}`)).body;
    expect(paid).toMatchObject({ status: 'paid', amountDue: '0.00', amountPaid: '53.61', paidAt: clock.now() });
    expect(paid.payments).toHaveLength(1);

    clock.set('2026-02-28T10:00:00.000Z');
    const run = await app.cron.post('/api/billing/cron/run');
    expect(run.status).toBe(200);
    expect(run.body.lifecycle).toMatchObject({ renewed: 1, invoicesPreGenerated: 1, invoicesGenerated: 1, errors: [] });
    const invoices = (await api.get(`/api/billing/invoices?subscriptionId=${sub.id}`)).body;
    expect(invoices).toHaveLength(2);
    expect(invoices[0]).toMatchObject({ invoiceNumber: 'INV-2026-0002', creditsApplied: '6.39', amountDue: '47.22' });
    expect((await api.get(`/api/billing/subscriptions/${sub.id}`)).body).toMatchObject({
      currentPeriodStart: '2026-02-28T10:00:00.000Z',
      currentPeriodEnd: '2026-03-31T10:00:00.000Z',
    });

    await app.drain();
    const events = (await api.get(`/api/billing/events?customerId=${customer.id}`)).body;
    expect(events.map((event: { type: string }) => event.type).toReversed()).toEqual([
      'subscription.created',
      'invoice.created',
      'invoice.issued',
      'payment.succeeded',
      'invoice.paid',
      'credit.deposited',
      'invoice.created',
      'invoice.issued',
      'credit.applied',
      'subscription.renewed',
    ]);
    expect(events.map((event: { sequence: number }) => event.sequence).toReversed()).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
    ]);
  });
});
