import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { resolveTaxRule } from '../../../src/billing/pricing/tax.ts';
import { loadTaxRules } from '../../../src/billing/tax-rules/store.ts';
import { utcDate } from '../../../src/platform/calendar.ts';
import { formatDecimal } from '../../../src/platform/decimal.ts';
import { startApp, type TestApp } from '../../support/app.ts';
import { expectRefusal, UNKNOWN_ID } from '../../support/refusals.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

const path = '/api/billing/tax-rules';
let country = 'AA';
const nextCountry = () => {
  country =
    country[1] === 'Z'
      ? `${String.fromCharCode(country.charCodeAt(0) + 1)}A`
      : country[0] + String.fromCharCode(country.charCodeAt(1) + 1);
  return country;
};
const given = (over: Record<string, unknown> = {}) =>
  app.given.taxRule({ country: nextCountry(), rate: '0.1', ...over });
const put = (id: string, body: unknown) => app.api.put(`${path}/${id}`, body);
const remove = (id: string) => app.api.delete(`${path}/${id}`);
const rows = async (of: string) => (await app.api.get(`${path}?country=${of}`)).body;
const rateOn = async (of: string, date: string) => {
  const rule = resolveTaxRule(
    await loadTaxRules(app.database.read, date),
    { country: of, state: null, category: null },
    date,
  );
  return rule && formatDecimal(rule.rate, 4);
};

describe('updateTaxRule', () => {
  test('200 closes the old row today and answers a new one with a new id', async () => {
    const old = await given({ effectiveFrom: '2026-01-01', inclusive: true, region: 'X', productCategory: 'api' });
    const { status, body } = await put(old.id, { rate: '0.08' });
    expect(status).toBe(200);
    expect(body).toEqual({
      ...old,
      id: body.id,
      rate: '0.0800',
      effectiveFrom: '2026-03-15',
      createdAt: app.clock.now(),
    });
    expect(body.id).not.toBe(old.id);
    expect(await rows(old.country)).toEqual([body, { ...old, effectiveTo: '2026-03-15', active: false }]);
  });

  test('200 from the day sent: the old row applies until then', async () => {
    const old = await given();
    const { body } = await put(old.id, { taxName: 'New', inclusive: true, effectiveFrom: '2026-07-01' });
    expect(body).toMatchObject({ taxName: 'New', inclusive: true, effectiveFrom: '2026-07-01', active: false });
    expect(await rows(old.country)).toEqual([body, { ...old, effectiveTo: '2026-07-01' }]);
    expect(await rateOn(old.country, '2026-06-30')).toBe('0.1000');
  });

  test('200 with an end, and null opens it again', async () => {
    const old = await given({ effectiveTo: '2027-01-01' });
    const shorter = (await put(old.id, { effectiveTo: '2026-10-01' })).body;
    expect(shorter.effectiveTo).toBe('2026-10-01');
    const open = (await put(shorter.id, { effectiveTo: null })).body;
    expect(open.effectiveTo).toBeNull();
    expect((await put(open.id, { rate: '0.2' })).body.effectiveTo).toBeNull();
  });

  test('200 a rule that has not begun never applies, its successor begins with it', async () => {
    const old = await given({ effectiveFrom: '2026-08-01' });
    const { body } = await put(old.id, { rate: '0.2' });
    expect(body.effectiveFrom).toBe('2026-08-01');
    expect(await rows(old.country)).toEqual([body, { ...old, effectiveTo: '2026-08-01' }]);
    expect(await rateOn(old.country, '2026-08-01')).toBe('0.2000');
  });

  test('200 {} and the same values change nothing and make no row', async () => {
    const old = await given();
    const same = { rate: '0.1000', taxName: old.taxName, inclusive: false, effectiveFrom: old.effectiveFrom };
    for (const body of [{}, same]) expect((await put(old.id, body)).body).toEqual(old);
    expect(await rows(old.country)).toEqual([old]);
  });

  test('409 conflict for a row that is closed, once by each of PUT and DELETE', async () => {
    const old = await given({ effectiveFrom: '2026-01-01' });
    const { body } = await put(old.id, { rate: '0.2' });
    expectRefusal(await put(old.id, { rate: '0.3' }), 409, 'conflict');
    expect((await remove(body.id)).status).toBe(204);
    expectRefusal(await put(body.id, { rate: '0.3' }), 409, 'conflict');
  });

  test('409 conflict when the row has ended on the day sent', async () => {
    const old = await given();
    const change = { rate: '0.2', effectiveFrom: '2026-07-01' };
    expect((await put(old.id, change)).status).toBe(200);
    expectRefusal(await put(old.id, change), 409, 'conflict');
  });

  test('409 already_exists where the new row would meet another one', async () => {
    const old = await given({ effectiveTo: '2026-07-01' });
    await app.given.taxRule({ country: old.country, effectiveFrom: '2026-07-01' });
    expectRefusal(await put(old.id, { effectiveTo: null }), 409, 'already_exists');
    expectRefusal(await put(old.id, { effectiveTo: '2026-07-02' }), 409, 'already_exists');
    expect((await rows(old.country)).find(({ id }: { id: string }) => id === old.id)).toEqual(old);
    expect((await put(old.id, { effectiveTo: '2026-06-30' })).status).toBe(200);
  });

  test('200 once and 409 conflict for all others of 10 at the same time', async () => {
    const old = await given();
    const answers = await Promise.all(Array.from({ length: 10 }, (_, i) => put(old.id, { rate: `0.2${i}` })));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    for (const answer of answers) if (answer.status !== 200) expectRefusal(answer, 409, 'conflict');
    expect(await rows(old.country)).toHaveLength(2);
  });

  test.each<[string, unknown, string]>([
    ['a first day before the old one', { effectiveFrom: '2026-01-31' }, 'effectiveFrom'],
    ['an end on the first day', { effectiveTo: '2026-03-15' }, 'effectiveTo'],
    ['a rate above 1', { rate: '1.5' }, 'rate'],
    ['null for the rate', { rate: null }, 'rate'],
    ['null for the name', { taxName: null }, 'taxName'],
    ['null for the first day', { effectiveFrom: null }, 'effectiveFrom'],
    ['another country', { country: 'DE' }, 'country'],
    ['another region', { region: 'X' }, 'region'],
  ])('400 validation_error with %s', async (_, body, field) => {
    const old = await given({ effectiveFrom: '2026-02-01' });
    expectRefusal(await put(old.id, body), 400, 'validation_error', field);
    expect(await rows(old.country)).toEqual([old]);
  });

  test('404, 400 and 415 as documented', async () => {
    expectRefusal(await put(UNKNOWN_ID, { rate: '0.1' }), 404, 'not_found');
    expectRefusal(await put('x', {}), 400, 'validation_error', 'id');
    expectRefusal(await put(UNKNOWN_ID, undefined), 400, 'invalid_request');
  });
});

describe('deleteTaxRule', () => {
  test('204 closes the row today and keeps it', async () => {
    const old = await given({ effectiveFrom: '2026-01-01' });
    expect((await remove(old.id)).status).toBe(204);
    expect(await rows(old.country)).toEqual([{ ...old, effectiveTo: '2026-03-15', active: false }]);
    expect(await rateOn(old.country, '2026-03-14')).toBe('0.1000');
    expect(await rateOn(old.country, '2026-03-15')).toBeUndefined();
  });

  test('204 a rule that has not begun then never applies, and makes room for another', async () => {
    const old = await given({ effectiveFrom: '2026-08-01' });
    expect((await remove(old.id)).status).toBe(204);
    expect(await rateOn(old.country, '2026-08-01')).toBeUndefined();
    await app.given.taxRule({ country: old.country, effectiveFrom: '2026-07-01' });
  });

  test('204 a rule with a later end ends today', async () => {
    const old = await given({ effectiveFrom: '2026-01-01', effectiveTo: '2027-01-01' });
    await remove(old.id);
    expect((await rows(old.country))[0].effectiveTo).toBe('2026-03-15');
  });

  test('204 for a row that is closed changes nothing', async () => {
    const old = await given({ effectiveFrom: '2025-01-01', effectiveTo: '2026-01-01' });
    expect((await remove(old.id)).status).toBe(204);
    expect((await remove(old.id)).status).toBe(204);
    expect(await rows(old.country)).toEqual([old]);
    expect(await app.database.read('audit_log').where({ entity_id: old.id })).toHaveLength(1);
  });

  test('404 not_found, 400 for a malformed id', async () => {
    expectRefusal(await remove(UNKNOWN_ID), 404, 'not_found');
    expectRefusal(await remove('x'), 400, 'validation_error', 'id');
  });
});

// Last: it moves the clock.
test('200 V.9 and V.10: the rate of the day of issue, the old one until the last millisecond', async () => {
  const body = { country: 'JP', taxName: 'JCT', rate: '0.1000', inclusive: true, effectiveFrom: '2026-01-01' };
  const old = await app.given.taxRule(body);
  const customer = await app.given.customer({ billingCountry: 'JP' });
  const plan = await app.given.plan({ basePrice: '110.00' });
  const issue = async () => {
    const { id } = await app.given.subscription({ customerId: customer.id, planId: plan.id });
    return (await app.api.get(`/api/billing/invoices?subscriptionId=${id}`)).body[0];
  };
  app.clock.set('2026-06-09T23:59:59.999Z');
  const before = await issue();
  expect(before).toMatchObject({ taxName: 'JCT', taxRate: '0.1000', taxAmount: '10.00', total: '110.00' });
  app.clock.set('2026-06-10T00:00:00.000Z');
  const { body: successor } = await put(old.id, { rate: '0.0800' });
  expect(successor.id).not.toBe(old.id);
  expect(await rows('JP')).toEqual([successor, { ...old, effectiveTo: '2026-06-10', active: false }]);
  expect(await issue()).toMatchObject({ taxRate: '0.0800', taxAmount: '8.15', total: '110.00' });
  expect((await app.api.get(`/api/billing/invoices/${before.id}`)).body).toMatchObject(before);
  expect(await rateOn('JP', utcDate(before.issuedAt))).toBe('0.1000');
});
