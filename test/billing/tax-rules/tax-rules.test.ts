import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApp, type TestApp } from '../../support/app.ts';
import { expectRefusal, UNKNOWN_ID } from '../../support/refusals.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

const path = '/api/billing/tax-rules';
const create = (over: Record<string, unknown>) => app.api.post(path, { taxName: 'VAT', rate: '0.2', ...over });
const ids = (rows: { id: string }[]) => rows.map(({ id }) => id);

describe('createTaxRule', () => {
  test('201 from today with the defaults', async () => {
    const { status, body, headers } = await create({ country: 'AA' });
    expect(status).toBe(201);
    expect(headers.location).toBeUndefined();
    expect(body).toEqual({
      id: expect.stringMatching(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/),
      country: 'AA',
      region: null,
      taxName: 'VAT',
      rate: '0.2000',
      inclusive: false,
      productCategory: null,
      effectiveFrom: '2026-03-15',
      effectiveTo: null,
      active: true,
      createdAt: app.clock.now(),
    });
  });

  test('201 with everything; the region is stored in upper case', async () => {
    const members = {
      country: 'AB',
      region: ' ca ',
      taxName: 'Sales Tax',
      rate: '0.072500',
      inclusive: true,
      productCategory: 'saas',
      effectiveFrom: '2026-04-01',
      effectiveTo: '2027-01-01',
    };
    const { body } = await create(members);
    expect(body).toMatchObject({ ...members, region: 'CA', rate: '0.0725', active: false });
  });

  test.each(['0', '1', '0.123456', '0.19'])('201 with the rate %s', async (rate) => {
    const { body } = await create({ country: 'AC', region: rate, rate });
    expect(Number(body.rate)).toBe(Number(rate));
    expect(body.rate).toMatch(/^[01]\.\d{4,6}$/);
  });

  test('201 apart by region, category and time; 409 already_exists where they meet', async () => {
    const at = (over: Record<string, unknown>) => create({ country: 'AD', ...over });
    const year = { effectiveFrom: '2026-01-01', effectiveTo: '2027-01-01' };
    expect((await at(year)).status).toBe(201);
    expect((await at({ ...year, region: 'X' })).status).toBe(201);
    expect((await at({ ...year, productCategory: 'api' })).status).toBe(201);
    expect((await at({ ...year, region: 'X', productCategory: 'api' })).status).toBe(201);
    expect((await at({ effectiveFrom: '2027-01-01' })).status).toBe(201);
    expect((await at({ effectiveFrom: '2025-01-01', effectiveTo: '2026-01-01' })).status).toBe(201);
    for (const over of [
      year,
      { effectiveFrom: '2026-12-31', effectiveTo: '2027-01-01' },
      { effectiveFrom: '2024-01-01' },
      { effectiveFrom: '2030-01-01' },
      { effectiveFrom: '2024-01-01', effectiveTo: '2025-01-02' },
      { ...year, region: 'x' },
    ])
      expectRefusal(await at(over), 409, 'already_exists');
  });

  test('201 once and 409 already_exists for all others of 20 that overlap at the same time', async () => {
    const months = (i: number) => ({
      effectiveFrom: `2026-0${1 + (i % 9)}-01`,
      effectiveTo: i % 2 ? '2027-01-01' : null,
    });
    const answers = await Promise.all(Array.from({ length: 20 }, (_, i) => create({ country: 'AE', ...months(i) })));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    for (const answer of answers) if (answer.status !== 201) expectRefusal(answer, 409, 'already_exists');
  });

  test.each<[string, Record<string, unknown>, string]>([
    ['no country', { country: undefined }, 'country'],
    ['a lower case country', { country: 'us' }, 'country'],
    ['null for the country', { country: null }, 'country'],
    ['an empty region', { region: ' ' }, 'region'],
    ['a long region', { region: 'x'.repeat(101) }, 'region'],
    ['an empty name', { taxName: '' }, 'taxName'],
    ['a long name', { taxName: 'x'.repeat(101) }, 'taxName'],
    ['a number for the rate', { rate: 0.2 }, 'rate'],
    ['a rate above 1', { rate: '1.01' }, 'rate'],
    ['a percentage', { rate: '20' }, 'rate'],
    ['a negative rate', { rate: '-0.1' }, 'rate'],
    ['seven decimals', { rate: '0.1234567' }, 'rate'],
    ['an exponent', { rate: '1e-1' }, 'rate'],
    ['text for inclusive', { inclusive: 'yes' }, 'inclusive'],
    ['an unknown category', { productCategory: 'food' }, 'productCategory'],
    ['a timestamp', { effectiveFrom: '2026-01-01T00:00:00Z' }, 'effectiveFrom'],
    ['a day that does not exist', { effectiveFrom: '2026-02-29' }, 'effectiveFrom'],
    ['null for the first day', { effectiveFrom: null }, 'effectiveFrom'],
    ['an end on the first day', { effectiveFrom: '2026-01-01', effectiveTo: '2026-01-01' }, 'effectiveTo'],
    ['an end before today', { effectiveTo: '2026-03-15' }, 'effectiveTo'],
    ['an unknown member', { active: true }, 'active'],
  ])('400 validation_error with %s', async (_, over, field) => {
    expectRefusal(await create({ country: 'AF', ...over }), 400, 'validation_error', field);
  });

  test('400 invalid_request, 413 and 415 as documented', async () => {
    expectRefusal(await app.api.post(path), 400, 'invalid_request');
    expectRefusal(await create({ taxName: 'x'.repeat(1_048_577) }), 413, 'payload_too_large');
    expectRefusal(await app.api.post(path, 'x', { 'Content-Type': 'text/plain' }), 415, 'unsupported_media_type');
  });

  test('201 again for the same Idempotency-Key, 409 idempotency_key_reused with another body', async () => {
    const body = { country: 'AG', taxName: 'VAT', rate: '0.1' };
    const headers = { 'Idempotency-Key': 'tax-1' };
    const first = await app.api.post(path, body, headers);
    expect((await app.api.post(path, body, headers)).body).toEqual(first.body);
    expectRefusal(await app.api.post(path, { ...body, rate: '0.2' }, headers), 409, 'idempotency_key_reused');
  });
});

describe('listTaxRules', () => {
  test('200 in pages, newest first, filtered by country and by being effective today', async () => {
    const at = async (over: Record<string, unknown>) => (await create({ country: 'BA', ...over })).body.id;
    const past = await at({ effectiveFrom: '2025-01-01', effectiveTo: '2026-03-15' });
    const present = await at({ effectiveFrom: '2026-03-15', effectiveTo: '2026-03-16' });
    const coming = await at({ effectiveFrom: '2026-03-16' });
    const list = async (query: string) => ids((await app.api.get(`${path}?country=BA${query}`)).body);
    expect(await list('')).toEqual([coming, present, past]);
    expect(await list('&active=true')).toEqual([present]);
    expect(await list('&active=false')).toEqual([coming, past]);
    const first = await app.api.get(`${path}?country=BA&limit=2`);
    expect(ids(first.body)).toEqual([coming, present]);
    expect(ids((await app.api.get(/<([^>]+)>/.exec(first.headers.link!)![1]!)).body)).toEqual([past]);
    expect((await app.api.get(`${path}?country=ZZ`)).body).toEqual([]);
  });

  test.each([
    ['country=us', 'country'],
    ['active=yes', 'active'],
    ['region=CA', 'region'],
    ['cursor=x', 'cursor'],
  ])('400 validation_error for ?%s', async (query, field) => {
    expectRefusal(await app.api.get(`${path}?${query}`), 400, 'validation_error', field);
  });
});

test('401 unauthorized and 403 forbidden for every operation without the right caller', async () => {
  const session = await app.given.portalSession((await app.given.customer()).id);
  for (const [api, status, error] of [
    [app.anonymous, 401, 'unauthorized'],
    [app.withSession(session), 403, 'forbidden'],
  ] as const) {
    expectRefusal(await api.get(path), status, error);
    expectRefusal(await api.post(path, {}), status, error);
    expectRefusal(await api.put(`${path}/${UNKNOWN_ID}`, {}), status, error);
    expectRefusal(await api.delete(`${path}/${UNKNOWN_ID}`), status, error);
  }
});
