import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApp, type TestApp } from '../../support/app.ts';
import { expectRefusal, UNKNOWN_ID } from '../../support/refusals.ts';

let app: TestApp;
let productId: string;
beforeAll(async () => {
  app = await startApp();
  productId = (await app.given.product({ name: 'Pro' })).id;
});
afterAll(() => app.close());

const flat = { name: 'Pro Monthly', pricingModel: 'flat', billingCycle: 'monthly', basePrice: '49.99' };
const create = (over: Record<string, unknown>, base: Record<string, unknown> = flat) =>
  app.api.post('/api/billing/plans', { productId, ...base, ...over });
const tier = (upTo: number | null, unitPrice: string, flatFee?: string) => ({
  upTo,
  unitPrice,
  ...(flatFee ? { flatFee } : {}),
});
const perUnit = { ...flat, pricingModel: 'per_unit', basePrice: '0' };
const tiered = { ...flat, pricingModel: 'tiered', basePrice: '0', tiers: [tier(10, '5'), tier(null, '1')] };
const metric = { name: 'api.calls', aggregation: 'sum' };
const usage = { ...flat, pricingModel: 'usage_based', basePrice: '7', usageMetric: metric };

describe('createPlan', () => {
  test('201 with the defaults, ETag "1" and its Location', async () => {
    const answer = await create({});
    expect(answer.status).toBe(201);
    expect(answer.headers).toMatchObject({ location: `/api/billing/plans/${answer.body.id}`, etag: '"1"' });
    expect(answer.body).toEqual({
      id: expect.stringMatching(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/),
      productId,
      productName: 'Pro',
      ...flat,
      tierMode: 'graduated',
      currency: 'USD',
      unitPrice: null,
      tiers: null,
      usageMetric: null,
      trialDays: 0,
      active: true,
      features: {},
      licenseTemplate: null,
      planVersion: 1,
      version: 1,
      createdAt: app.clock.now(),
      updatedAt: app.clock.now(),
    });
    const got = await app.api.get(answer.headers.location!);
    expect(got.body).toEqual(answer.body);
    expect(got.headers.etag).toBe('"1"');
  });

  test('201 with everything that is not a price', async () => {
    const members = {
      trialDays: 730,
      active: false,
      features: { seats: 5, sso: true, regions: ['eu', 1], tier: 'gold' },
      licenseTemplate: { maxActivations: 3, features: { offline: true } },
    };
    expect((await create(members)).body).toMatchObject(members);
    const unlimited = { maxActivations: null, features: null };
    expect((await create({ licenseTemplate: unlimited })).body.licenseTemplate).toEqual(unlimited);
  });

  test.each<[string, Record<string, unknown>, Record<string, unknown>, Record<string, unknown>]>([
    [
      'per_unit by unitPrice',
      perUnit,
      { unitPrice: '0.000000000001' },
      { unitPrice: '0.000000000001', basePrice: '0.00' },
    ],
    ['per_unit by basePrice', perUnit, { basePrice: '10' }, { basePrice: '10.00', unitPrice: null }],
    ['per_unit for nothing', perUnit, {}, { basePrice: '0.00', unitPrice: null }],
    ['a unitPrice with trailing zeros', perUnit, { unitPrice: '1.2500000' }, { unitPrice: '1.25' }],
    ['a unitPrice in JPY', perUnit, { currency: 'JPY', unitPrice: '100.5' }, { unitPrice: '100.5', basePrice: '0' }],
    ['a unitPrice in KWD', perUnit, { currency: 'KWD', unitPrice: '1.2' }, { unitPrice: '1.200', basePrice: '0.000' }],
    [
      'tiers, fees filled in',
      tiered,
      { tierMode: 'volume', tiers: [tier(10, '0', '20'), tier(null, '1.5')] },
      {
        tierMode: 'volume',
        tiers: [
          { upTo: 10, unitPrice: '0.00', flatFee: '20.00' },
          { upTo: null, unitPrice: '1.50', flatFee: '0.00' },
        ],
      },
    ],
    ['100 tiers', tiered, { tiers: hundred(100) }, {}],
    ['usage by basePrice', usage, {}, { basePrice: '7.00', usageMetric: { ...metric, uniqueProperty: null } }],
    ['usage by basePrice and unitPrice', usage, { basePrice: '20', unitPrice: '0.002' }, { unitPrice: '0.002' }],
    ['usage by tiers', usage, { tiers: [tier(1000, '0.0125'), tier(null, '0.0033')] }, {}],
    [
      'unique usage',
      usage,
      { usageMetric: { name: 'users', aggregation: 'unique', uniqueProperty: 'userId' } },
      { usageMetric: { name: 'users', aggregation: 'unique', uniqueProperty: 'userId' } },
    ],
  ])('201 with %s', async (_, base, over, shown) => {
    const answer = await create(over, base);
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject(shown);
    expect((await app.api.get(`/api/billing/plans/${answer.body.id}`)).body).toEqual(answer.body);
  });

  test('201 for a product that is inactive, 409 conflict for one that is archived', async () => {
    const inactive = await app.given.product({ status: 'inactive' });
    expect((await create({ productId: inactive.id })).status).toBe(201);
    const archived = await app.given.product({ status: 'archived' });
    expectRefusal(await create({ productId: archived.id }), 409, 'conflict');
  });

  test('404 not_found for an unknown product, 400 for a malformed id', async () => {
    expectRefusal(await create({ productId: UNKNOWN_ID }), 404, 'not_found');
    expectRefusal(await create({ productId: 'x' }), 400, 'validation_error', 'productId');
  });

  test.each<[string, Record<string, unknown>, Record<string, unknown>, string[]]>([
    ['more decimals than the currency has', flat, { basePrice: '1.005' }, ['basePrice']],
    ['decimals of a currency without', flat, { currency: 'JPY', basePrice: '1500.0' }, ['basePrice']],
    ['an exponent', flat, { basePrice: '1e3' }, ['basePrice']],
    ['a number for an amount', flat, { basePrice: 12 }, ['basePrice']],
    ['a negative price', flat, { basePrice: '-1' }, ['basePrice']],
    ['no basePrice', flat, { basePrice: undefined }, ['basePrice']],
    ['null for the basePrice', flat, { basePrice: null }, ['basePrice']],
    ['a currency that does not exist', flat, { currency: 'ABC' }, ['currency']],
    ['a model that does not exist', flat, { pricingModel: 'hourly' }, ['pricingModel']],
    ['a cycle that does not exist', flat, { billingCycle: 'weekly' }, ['billingCycle']],
    ['null for the tierMode', flat, { tierMode: null }, ['tierMode']],
    ['13 decimals of a unitPrice', perUnit, { unitPrice: '0.0000000000001' }, ['unitPrice']],
    ['a negative unitPrice', perUnit, { unitPrice: '-0.1' }, ['unitPrice']],
    [
      'flat with unitPrice, tiers and metric',
      flat,
      { unitPrice: '1', tiers: tiered.tiers, usageMetric: metric },
      ['unitPrice', 'tiers', 'usageMetric'],
    ],
    ['per_unit with both prices (P.22)', perUnit, { basePrice: '20', unitPrice: '5' }, ['basePrice']],
    ['per_unit with tiers and metric', perUnit, { tiers: tiered.tiers, usageMetric: metric }, ['tiers', 'usageMetric']],
    ['tiered without tiers', tiered, { tiers: null }, ['tiers']],
    [
      'tiered with other prices',
      tiered,
      { basePrice: '1', unitPrice: '1', usageMetric: metric },
      ['basePrice', 'unitPrice', 'usageMetric'],
    ],
    ['usage without metric', usage, { usageMetric: null }, ['usageMetric']],
    ['usage with unitPrice and tiers', usage, { unitPrice: '1', tiers: tiered.tiers }, ['unitPrice']],
    ['no tier', tiered, { tiers: [] }, ['tiers']],
    ['101 tiers', tiered, { tiers: hundred(101) }, ['tiers']],
    ['a bounded last tier', tiered, { tiers: [tier(10, '1')] }, ['tiers.0.upTo']],
    ['an unbounded middle tier', tiered, { tiers: [tier(null, '1'), tier(null, '1')] }, ['tiers.0.upTo']],
    ['tiers that do not rise', tiered, { tiers: [tier(10, '1'), tier(10, '1'), tier(null, '1')] }, ['tiers.1.upTo']],
    ['a tier up to 0', tiered, { tiers: [tier(0, '1'), tier(null, '1')] }, ['tiers.0.upTo']],
    ['a tier up to a fraction', tiered, { tiers: [tier(1.5, '1'), tier(null, '1')] }, ['tiers.0.upTo']],
    ['a negative tier price', tiered, { tiers: [tier(null, '-1')] }, ['tiers.0.unitPrice']],
    ['decimals of a fee', tiered, { tiers: [tier(null, '1', '0.001')] }, ['tiers.0.flatFee']],
    ['a negative fee', tiered, { tiers: [tier(null, '1', '-1')] }, ['tiers.0.flatFee']],
    ['an unknown member of a tier', tiered, { tiers: [{ ...tier(null, '1'), from: 1 }] }, ['tiers.0.from']],
    [
      'unique without property',
      usage,
      { usageMetric: { name: 'u', aggregation: 'unique' } },
      ['usageMetric.uniqueProperty'],
    ],
    [
      'sum with a property',
      usage,
      { usageMetric: { ...metric, uniqueProperty: 'id' } },
      ['usageMetric.uniqueProperty'],
    ],
    ['731 days of trial', flat, { trialDays: 731 }, ['trialDays']],
    ['a fraction of a day', flat, { trialDays: 0.5 }, ['trialDays']],
    ['text for active', flat, { active: 'true' }, ['active']],
    ['null for the features', flat, { features: null }, ['features']],
    ['features of 17 KiB', flat, { features: wide() }, ['features']],
    [
      'licence features of 17 KiB',
      flat,
      { licenseTemplate: { maxActivations: 1, features: wide() } },
      ['licenseTemplate.features'],
    ],
    ['a long name', flat, { name: 'x'.repeat(256) }, ['name']],
    ['a NUL in the name', flat, { name: 'a\u0000' }, ['name']],
    ['a price version', flat, { planVersion: 2 }, ['planVersion']],
    ['an unknown member', flat, { setupFee: '1' }, ['setupFee']],
  ])('400 validation_error with %s', async (_, base, over, fields) => {
    expectRefusal(await create(over, base), 400, 'validation_error', ...fields);
  });

  test.each<[string, Record<string, unknown>, string]>([
    ['a metric name with a blank', { usageMetric: { ...metric, name: 'api calls' } }, 'usageMetric.name'],
    ['an unknown aggregation', { usageMetric: { ...metric, aggregation: 'avg' } }, 'usageMetric.aggregation'],
    ['half a licence template', { licenseTemplate: { maxActivations: 1 } }, 'licenseTemplate.features'],
    ['no activations', { licenseTemplate: { maxActivations: 0, features: null } }, 'licenseTemplate.maxActivations'],
  ])('400 validation_error with %s, told on the inner member', async (_, over, field) => {
    const answer = await create(over, usage);
    expectRefusal(answer, 400, 'validation_error');
    expect(Object.keys(answer.body.fields)).toContain(field);
  });

  test('400 invalid_request, 413 and 415 as documented', async () => {
    expectRefusal(await app.api.post('/api/billing/plans'), 400, 'invalid_request');
    expectRefusal(await create({ name: 'x'.repeat(1_048_577) }), 413, 'payload_too_large');
    const text = { 'Content-Type': 'text/plain' };
    expectRefusal(await app.api.post('/api/billing/plans', 'x', text), 415, 'unsupported_media_type');
  });

  test('401 unauthorized and 403 forbidden without the right caller', async () => {
    const body = { productId, ...flat };
    expectRefusal(await app.anonymous.post('/api/billing/plans', body), 401, 'unauthorized');
    const session = await app.given.portalSession((await app.given.customer()).id);
    expectRefusal(await app.withSession(session).post('/api/billing/plans', body), 403, 'forbidden');
  });

  test('201 again for the same Idempotency-Key, 409 idempotency_key_reused with another body', async () => {
    const headers = { 'Idempotency-Key': 'plan-1' };
    const first = await app.api.post('/api/billing/plans', { productId, ...flat }, headers);
    const second = await app.api.post('/api/billing/plans', { productId, ...flat }, headers);
    expect(second.body).toEqual(first.body);
    const other = await app.api.post('/api/billing/plans', { productId, ...flat, name: 'B' }, headers);
    expectRefusal(other, 409, 'idempotency_key_reused');
  });
});

function hundred(count: number) {
  return Array.from({ length: count }, (_, i) => tier(i === count - 1 ? null : i + 1, '1'));
}
function wide() {
  return Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`f${i}`, 'é'.repeat(220)]));
}
