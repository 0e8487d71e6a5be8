import { afterEach, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { addDays } from '../../../src/platform/calendar.ts';
import type { TestApp } from '../../support/app.ts';
import type { Mode } from '../../support/providers/simulator.ts';
import { STRIPE_KEY, TAXJAR_KEY } from '../../support/providers/tax.ts';
import { closeApps, type Entity, invoicesOf, putInvoice, putSubscription } from '../support.ts';
import { closeSimulators, french, NOW, put, sell, startTaxed, untaxedOf } from './support.ts';

afterEach(async () => {
  await closeApps();
  await closeSimulators();
});

const quotesOf = (app: TestApp): Promise<Entity[]> => app.database.read('tax_quotes').orderBy(['country', 'region']);
const taxStep = async (app: TestApp, id: string) => {
  const { body } = await app.api.get(`/api/billing/invoices/${id}/explain`);
  expect(body.verified).toBe(true);
  return body.steps.find(({ kind }: Entity) => kind === 'tax');
};

describe('an invoice that no rule answers', () => {
  test.each(['taxjar', 'stripe'] as const)('201 has the rate of %s, and says where it comes from', async (name) => {
    const { app } = await startTaxed(name);
    const { status, body } = await sell(app, (await french(app)).id);
    expect([status, body.taxName, body.taxRate, body.taxInclusive, body.taxAmount, body.total]).toEqual([
      201,
      'VAT',
      '0.2000',
      false,
      '20.00',
      '120.00',
    ]);
    const step = await taxStep(app, body.id);
    expect(step.inputs).toEqual({
      name: 'VAT',
      rate: '0.2000',
      inclusive: 'false',
      reason: 'external',
      provider: name,
      fetchedAt: NOW,
    });
    expect(await untaxedOf(app)).toBe(0);
  });

  test('the rate is asked once, kept for 90 days, and then asked again', async () => {
    const { app, provider } = await startTaxed();
    const { id } = await french(app);
    await sell(app, id);
    await sell(app, (await french(app, { billingState: null })).id);
    expect(provider.asked()).toEqual(['FR']);
    const [quote] = await quotesOf(app);
    expect(quote).toMatchObject({ country: 'FR', region: '', product_category: '', provider: 'taxjar' });
    expect(quote.valid_until).toBe(addDays(NOW, 90));
    provider.rates.set('FR', '0.21');
    app.clock.set(addDays(NOW, 89));
    expect((await sell(app, id)).body.taxRate).toBe('0.2000');
    app.clock.set(addDays(NOW, 90));
    expect((await sell(app, id)).body.taxRate).toBe('0.2100');
    expect(provider.asked()).toEqual(['FR', 'FR']);
    expect(await quotesOf(app)).toHaveLength(1);
  });

  test('another state, ZIP, category or provider is another question', async () => {
    const { app, provider } = await startTaxed();
    for (const [place, rate] of Object.entries({ 'US CA 94103': '0.08625', 'US CA': '0.0725', 'US NY': '0.04' }))
      provider.rates.set(place, rate);
    const at = (over: object) => app.given.customer({ billingCountry: 'US', ...over });
    const rateOf = async (customer: Entity) => (await sell(app, customer.id)).body.taxRate;
    expect(await rateOf(await at({ billingState: 'CA', billingZip: '94103-0001' }))).toBe('0.08625');
    expect(await rateOf(await at({ billingState: 'ca', billingZip: '94103' }))).toBe('0.08625');
    expect(await rateOf(await at({ billingState: 'CA' }))).toBe('0.0725');
    expect(await rateOf(await at({ billingState: 'NY' }))).toBe('0.0400');
    const saas = await app.given.plan();
    await app.given.subscription({ customerId: (await french(app)).id, planId: saas.id });
    expect(provider.asked()).toEqual(['US CA 94103', 'US CA', 'US NY', 'FR 30070']);
    await put(app, 'stripe', { secretKey: STRIPE_KEY });
    await put(app, 'tax', { externalProvider: 'stripe' });
    await sell(app, (await french(app)).id);
    expect(provider.calls.at(-1)!.path).toBe('/v1/tax/calculations');
  });

  test('a rule beats the provider; a customer without a country is not asked about', async () => {
    const { app, provider } = await startTaxed();
    await app.given.taxRule({ country: 'FR', taxName: 'TVA', rate: '0.055' });
    expect((await sell(app, (await french(app)).id)).body).toMatchObject({ taxName: 'TVA', taxRate: '0.0550' });
    const { body } = await sell(app, (await app.given.customer()).id);
    expect([body.taxName, body.taxRate, body.taxAmount]).toEqual([null, null, '0.00']);
    expect((await taxStep(app, body.id)).inputs).toEqual({ reason: 'no_rule' });
    expect(await untaxedOf(app)).toBe(1);
    expect(provider.calls).toEqual([]);
  });

  test('a disabled provider is not asked: no tax, counted', async () => {
    const { app, provider } = await startTaxed();
    await put(app, 'tax', { enabled: false });
    const { body } = await sell(app, (await french(app)).id);
    expect([body.taxName, body.taxAmount]).toEqual([null, '0.00']);
    expect(await untaxedOf(app)).toBe(1);
    const draft = await sell(app, (await french(app)).id, { status: 'draft' });
    expect([draft.status, await untaxedOf(app)]).toEqual([201, 1]);
    expect(provider.calls).toEqual([]);
  });

  test('drafts, sales, the end of a trial and a resume are taxed alike', async () => {
    const { app, provider } = await startTaxed();
    const { id: customerId } = await french(app);
    const draft = (await sell(app, customerId, { status: 'draft' })).body;
    expect([draft.taxRate, draft.total]).toEqual(['0.2000', '120.00']);
    expect((await putInvoice(app, draft.id, { status: 'issued' })).body.total).toBe('120.00');
    const sold = await app.given.subscription({ customerId });
    const trial = await app.given.subscription({ customerId, trialDays: 7 });
    expect((await putSubscription(app, trial.id, { status: 'active' })).status).toBe(200);
    const paused = await app.given.subscription({ customerId });
    await putSubscription(app, paused.id, { status: 'paused' });
    app.clock.advance({ days: 95 });
    expect((await putSubscription(app, paused.id, { status: 'active' })).status).toBe(200);
    for (const { id } of [sold, trial, paused])
      for (const invoice of await invoicesOf(app, id)) expect(invoice.taxRate).toBe('0.2000');
    expect(provider.asked()).toEqual(['FR', 'FR 30070', 'FR 30070']);
  });
});

describe('nothing inside a transaction talks to the network (rules X2)', () => {
  test('while the provider is asked, the writer is free and nothing of the request is there', async () => {
    const { app, provider } = await startTaxed();
    const { id } = await french(app);
    const seen: unknown[] = [];
    provider.meanwhile = async () => {
      await app.database.transaction(async (db) => {
        const invoices = await db('invoices').select('id');
        const keys = await db('idempotency_keys').where({ key: 'sale-1' });
        seen.push([invoices.length, keys.length]);
        await db('products').insert({
          ...{ id: app.runtime.newIdAt(NOW), name: 'Meanwhile', product_type: 'saas', price: 0, currency: 'USD' },
          ...{ status: 'active', created_at: NOW, updated_at: NOW },
        });
      });
    };
    const { status } = await sell(app, id, {}, { 'Idempotency-Key': 'sale-1' });
    expect([status, seen]).toEqual([201, [[0, 0]]]);
  });

  test('an Idempotency-Key survives it: the same answer again, one invoice, one question', async () => {
    const { app, provider } = await startTaxed();
    const { id } = await french(app);
    const headers = { 'Idempotency-Key': 'sale-2' };
    provider.mode = 'error';
    expect((await sell(app, id, {}, headers)).status).toBe(502);
    provider.mode = 'up';
    const [one, other] = await Promise.all([sell(app, id, {}, headers), sell(app, id, {}, headers)]);
    expect([one.status, one.body]).toEqual([201, other.body]);
    expect((await sell(app, id, {}, headers)).headers['idempotent-replayed']).toBe('true');
    expect((await app.api.get(`/api/billing/invoices?customerId=${id}`)).body).toHaveLength(1);
    expect(provider.asked()).toEqual(['FR', 'FR']);
  });
});

describe('a failure never means 0 % (rules V4)', () => {
  const PROBLEMS: Record<Exclude<Mode, 'up'>, string> = {
    down: 'is unreachable',
    slow: 'is too slow',
    error: 'answered 500 about FR',
    unauthorized: 'answered 401 about FR',
    refusing: 'answered 422 about FR',
    malformed: 'gave no rate for FR that can be used',
    truncated: 'is not JSON',
    huge: 'is too long',
    redirect: 'is redirected',
  };

  test.each(['taxjar', 'stripe'] as const)(
    '502 provider_error for each way in which %s fails; nothing is stored',
    async (name) => {
      const { app, provider } = await startTaxed(name);
      const { id } = await french(app);
      const { id: trial } = await app.given.subscription({ customerId: id, trialDays: 7 });
      for (const [mode, problem] of Object.entries(PROBLEMS)) {
        provider.mode = mode as Mode;
        const { status, body } = await sell(app, id);
        expect([mode, status, body.error]).toEqual([mode, 502, 'provider_error']);
        expect(body.message).toBe(`The tax provider ${name === 'taxjar' ? 'TaxJar' : 'Stripe Tax'} ${problem}.`);
        expect((await sell(app, id, { status: 'draft' })).status).toBe(502);
        expect((await putSubscription(app, trial, { status: 'active' })).status).toBe(502);
      }
      expect(provider.calls.every(({ path }) => path !== '/elsewhere')).toBe(true);
      expect(await quotesOf(app)).toEqual([]);
      expect((await app.api.get(`/api/billing/invoices?customerId=${id}`)).body).toEqual([]);
      provider.mode = 'up';
      expect((await sell(app, id)).body.taxRate).toBe('0.2000');
    },
  );

  test('502 when the provider knows no rate for the place; others go on', async () => {
    const { app } = await startTaxed();
    const nowhere = await app.given.customer({ billingCountry: 'US', billingState: 'ZZ' });
    const { status, body } = await sell(app, nowhere.id);
    expect([status, body.message]).toEqual([502, 'The tax provider TaxJar answered 400 about US ZZ.']);
    expect((await sell(app, (await french(app)).id)).status).toBe(201);
  });

  test('502 when the key is gone; the stored rate goes on', async () => {
    const { app, provider } = await startTaxed();
    const { id } = await french(app);
    await sell(app, id);
    await app.database.write('settings').where({ key: 'tax.taxjarApiKey' }).delete();
    expect((await sell(app, id)).body.taxRate).toBe('0.2000');
    const { status, body } = await sell(app, (await french(app, { billingState: 'IDF' })).id);
    expect([status, body.message]).toEqual([502, 'The tax provider TaxJar is enabled, but its key is not set.']);
    expect(provider.calls).toHaveLength(1);
  });

  test('a rate that has run out is not used on while the provider fails', async () => {
    const { app, provider } = await startTaxed();
    const { id } = await french(app);
    await sell(app, id);
    app.clock.set(addDays(NOW, 91));
    provider.mode = 'down';
    expect((await sell(app, id)).status).toBe(502);
  });

  test('409 conflict, not 502, where a due action needs the tax (rules S13)', async () => {
    const { app, provider } = await startTaxed();
    const { id: customerId } = await french(app);
    const { id } = await app.given.subscription({ customerId, trialDays: 7 });
    app.clock.advance({ days: 8 });
    provider.mode = 'down';
    for (const answer of [
      await putSubscription(app, id, { metadata: { a: 1 } }),
      await app.api.delete(`/api/billing/subscriptions/${id}`),
    ])
      expect([answer.status, answer.body.error]).toEqual([409, 'conflict']);
    expect(await invoicesOf(app, id)).toEqual([]);
    provider.mode = 'up';
    expect((await putSubscription(app, id, { metadata: { a: 1 } })).status).toBe(200);
    expect((await invoicesOf(app, id)).map(({ taxRate }) => taxRate)).toEqual(['0.2000']);
  });

  test('no secret in the log, whatever the provider does', async () => {
    const lines: string[] = [];
    const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) });
    const { app, provider } = await startTaxed('taxjar', { log });
    const { id } = await french(app);
    for (const mode of ['unauthorized', 'down', 'redirect', 'malformed'] as const) {
      provider.mode = mode;
      await sell(app, id);
    }
    expect(lines.filter((line) => line.includes('no tax rate')).length).toBe(4);
    expect(lines.join('')).not.toMatch(new RegExp(`${TAXJAR_KEY}|sk_live_|Bearer`));
  });
});
