import { afterEach, expect, test } from '@jest/globals';
import type { TestApp } from '../../support/app.ts';
import { closeApps, type Entity, invoicesOf } from '../support.ts';
import { closeSimulators, french, startTaxed } from './support.ts';

afterEach(async () => {
  await closeApps();
  await closeSimulators();
});

const PATH = '/api/billing/subscriptions';

/** A subscription of a customer who moves to France once it is sold: no rate of France is known yet. */
async function moved(app: TestApp, plan: object = {}): Promise<Entity> {
  const sold = await app.given.subscription({ planId: (await app.given.plan({ ...plan })).id });
  await app.api.put(`/api/customers/${sold.customerId}`, { billingCountry: 'FR' });
  return sold;
}

test('200 a preview is taxed, and the change gives what it said', async () => {
  const { app, provider } = await startTaxed();
  const { id } = await moved(app, { basePrice: '50.00' });
  const body = { newPlanId: (await app.given.plan({ basePrice: '100.00' })).id };
  provider.mode = 'down';
  for (const path of ['change-plan/preview', 'change-plan'])
    expect((await app.api.post(`${PATH}/${id}/${path}`, body)).body).toMatchObject({ error: 'provider_error' });
  provider.mode = 'up';
  const preview = (await app.api.post(`${PATH}/${id}/change-plan/preview`, body)).body;
  expect([preview.net, preview.taxAmount, preview.total]).toEqual(['50.00', '10.00', '60.00']);
  const changed = await app.api.post(`${PATH}/${id}/change-plan`, { ...body, quoteToken: preview.quoteToken });
  expect([changed.status, changed.body.invoice?.taxRate, changed.body.invoice?.total]).toEqual([
    200,
    '0.2000',
    '60.00',
  ]);
  expect(provider.asked().slice(-1)).toEqual(['FR 30070']);
  expect(await app.database.read('tax_quotes')).toHaveLength(1);
});

test('200 the upcoming invoice is taxed, though a GET asks and keeps the rate', async () => {
  const { app, provider } = await startTaxed();
  const { id } = await moved(app);
  provider.mode = 'down';
  expect((await app.api.get(`${PATH}/${id}/upcoming-invoice`)).status).toBe(502);
  provider.mode = 'up';
  const { status, body } = await app.api.get(`${PATH}/${id}/upcoming-invoice`);
  expect([status, body.taxName, body.taxRate, body.taxAmount]).toEqual([200, 'VAT', '0.2000', '10.00']);
  await app.api.get(`${PATH}/${id}/upcoming-invoice`);
  expect(provider.calls).toHaveLength(2);
});

test('409 conflict, not 502, for a cancellation whose usage cannot be taxed; later it is', async () => {
  const { app, provider } = await startTaxed();
  const usageMetric = { name: 'calls', aggregation: 'sum' };
  const plan = await app.given.plan({ pricingModel: 'usage_based', basePrice: '0', unitPrice: '0.50', usageMetric });
  const { id } = await app.given.subscription({ customerId: (await french(app)).id, planId: plan.id });
  const used = await app.api.post('/api/billing/usage', { subscriptionId: id, metricName: 'calls', value: '10' });
  expect(used.status).toBe(201);
  app.clock.advance({ hours: 1 });
  provider.mode = 'down';
  const refused = await app.api.delete(`${PATH}/${id}`);
  expect([refused.status, refused.body.error]).toEqual([409, 'conflict']);
  expect(refused.body.message).toBe('The tax provider TaxJar is unreachable.');
  expect((await app.api.get(`${PATH}/${id}`)).body.status).toBe('active');
  const put = await app.api.put(`${PATH}/${id}`, { status: 'canceled' });
  expect([put.status, put.body.error]).toEqual([502, 'provider_error']);
  provider.mode = 'up';
  expect((await app.api.delete(`${PATH}/${id}`)).status).toBe(204);
  expect((await invoicesOf(app, id)).map(({ taxRate, total }) => [taxRate, total])).toEqual([['0.2000', '6.00']]);
});
