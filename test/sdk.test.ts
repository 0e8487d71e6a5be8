import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { all, createRustBill, type Invoice, type RustBillApi, RustBillError } from '../generated/sdk/src/index.ts';
import { startApp, type TestApp } from './support/app.ts';

let app: TestApp;
let baseUrl: string;
let admin: RustBillApi;
beforeAll(async () => {
  app = await startApp();
  baseUrl = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  const { email, password } = app.admin;
  const { response } = await createRustBill({ baseUrl }).auth.login({ body: { email, password } });
  const session = /session=([^;]+)/.exec(response.headers.get('Set-Cookie')!)![1]!;
  admin = createRustBill({ baseUrl, session });
});
afterAll(() => app.close());

/** What a call throws. */
async function thrownBy(run: () => Promise<unknown>): Promise<RustBillError> {
  const error = await run().then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof RustBillError) return error;
  throw new Error(`threw ${error}`);
}

async function sold(): Promise<{ customerId: string; subscriptionId: string }> {
  const { data: product } = await admin.products.create({ body: { name: 'Pro', productType: 'saas', price: '49.99' } });
  const { data: plan } = await admin.plans.create({
    body: {
      productId: product.id,
      name: 'Pro Monthly',
      pricingModel: 'flat',
      billingCycle: 'monthly',
      basePrice: '49.99',
    },
  });
  const email = `sdk-${product.id}@acme.example`;
  const { data: customer } = await admin.customers.create({ body: { name: 'Acme Corp', email } });
  const { data: subscription, response } = await admin.subscriptions.create({
    body: { customerId: customer.id, planId: plan.id, billingCycle: 'monthly' },
  });
  expect(response.status).toBe(201);
  expect(subscription.status).toBe('active');
  return { customerId: customer.id, subscriptionId: subscription.id };
}

describe('with a session', () => {
  test('from the product to the paid invoice', async () => {
    const { subscriptionId } = await sold();
    const { data: invoices } = await admin.invoices.list({ query: { subscriptionId } });
    expect(invoices).toMatchObject([{ status: 'issued', total: '49.99', amountDue: '49.99' }]);
    const body = { invoiceId: invoices[0]!.id, amount: '49.99', paymentMethod: 'bank_transfer' } as const;
    const { data: payment } = await admin.payments.create({ body, headers: { 'Idempotency-Key': subscriptionId } });
    const again = await admin.payments.create({ body, headers: { 'Idempotency-Key': subscriptionId } });
    expect([again.data.id, again.response.headers.get('Idempotent-Replayed')]).toEqual([payment.id, 'true']);
    const { data: paid } = await admin.invoices.get({ path: { id: invoices[0]!.id } });
    expect([paid.status, paid.payments.map(({ id }) => id)]).toEqual(['paid', [payment.id]]);
  });

  test('an update with If-Match, and a delete without an answer', async () => {
    const { data: customer } = await admin.customers.create({ body: { name: 'Acme', email: 'sdk@acme.example' } });
    const path = { id: customer.id };
    const headers = { 'If-Match': `"${customer.version}"` };
    const { data: changed } = await admin.customers.update({
      path,
      headers,
      body: { company: 'Acme Inc', phone: null },
    });
    expect(changed).toMatchObject({ company: 'Acme Inc', version: 2 });
    const stale = await thrownBy(() => admin.customers.update({ path, headers, body: { company: 'Other' } }));
    expect([stale.status, stale.code]).toEqual([409, 'conflict']);
    const { response } = await admin.customers.delete({ path });
    expect(response.status).toBe(204);
  });

  test('cron and the public operations', async () => {
    expect((await createRustBill({ baseUrl }).system.getHealth()).data).toEqual({ status: 'ok' });
    const cron = createRustBill({ baseUrl, cronSecret: app.runtime.config.cronSecret! });
    expect((await cron.cron.runAllJobs()).data.lifecycle.errors).toEqual([]);
    const refused = await thrownBy(() => createRustBill({ baseUrl }).cron.runAllJobs());
    expect([refused.status, refused.code]).toEqual([401, 'invalid_cron_secret']);
  });
});

describe('with an API key', () => {
  test('every page, fetched as it is needed', async () => {
    const { customerId } = await sold();
    for (let i = 0; i < 4; i++) await app.given.invoice({ customerId });
    const { data } = await admin.apiKeys.create({ body: { name: 'SDK', access: 'read', customerId } });
    const urls: string[] = [];
    const counted: typeof fetch = (input, init) => {
      urls.push(new Request(input, init).url);
      return fetch(input, init);
    };
    const own = createRustBill({ baseUrl, apiKey: data.key, fetch: counted });
    const list = (cursor: string | undefined) =>
      own.v1.invoices.list({ query: cursor ? { limit: 2, cursor } : { limit: 2 } });
    const invoices: Invoice[] = [];
    for await (const invoice of all(list)) invoices.push(invoice);
    expect(invoices).toHaveLength(5);
    expect(new Set(invoices.map((invoice) => invoice.id)).size).toBe(5);
    expect(invoices.every((invoice) => invoice.customerId === customerId)).toBe(true);
    expect(urls).toHaveLength(3);
    for await (const _ of all(list)) break;
    expect(urls).toHaveLength(4);
  });

  test('a refusal is thrown with its code, fields and request id', async () => {
    const { data } = await admin.apiKeys.create({ body: { name: 'SDK' } });
    const api = createRustBill({ baseUrl, apiKey: data.key });
    const invalid = await thrownBy(() => api.v1.customers.create({ body: { name: '', email: 'nobody' } }));
    expect(invalid).toMatchObject({ name: 'RustBillError', status: 400, code: 'validation_error' });
    expect(Object.keys(invalid.fields).sort()).toEqual(['email', 'name']);
    expect(invalid.requestId).toMatch(/^[0-9A-Z]{26}$/);
    expect(invalid.message).toBe('Validation failed');
    const id = '01JQX5M3K9HZNGVX2Z66Z1C02N';
    const missing = await thrownBy(() => api.v1.customers.get({ path: { id } }));
    expect([missing.status, missing.code, missing.fields]).toEqual([404, 'not_found', {}]);
    const unknown = await thrownBy(() => createRustBill({ baseUrl, apiKey: 'rb_live_no' }).v1.products.list());
    expect([unknown.status, unknown.code]).toEqual([401, 'invalid_api_key']);
  });

  test('an answer that is not ours is an error too', async () => {
    const answering = (body: string, status: number) => async () => new Response(body, { status });
    const proxy = createRustBill({ baseUrl, fetch: answering('<html>Bad gateway</html>', 502) });
    const error = await thrownBy(() => proxy.system.getHealth());
    expect([error.status, error.code, error.requestId]).toEqual([502, 'unexpected_answer', undefined]);
  });
});
