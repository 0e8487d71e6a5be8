import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApp, type TestApp } from '../support/app.ts';
import { expectRefusal, UNKNOWN_ID } from '../support/refusals.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

const put = (id: string, body: unknown, headers = {}) => app.api.put(`/api/customers/${id}`, body, headers);
const audits = (id: string) => app.database.read('audit_log').where({ entity_id: id }).orderBy('id');

describe('updateCustomer', () => {
  test('200 changes what is sent, keeps the rest and raises the version', async () => {
    const customer = await app.given.customer({ phone: '1', metadata: { a: 1, b: 2 } });
    app.clock.advance({ ms: 1000 });
    const answer = await put(customer.id, { name: 'New', phone: null, metadata: { c: true } });
    expect(answer.status).toBe(200);
    expect(answer.headers.etag).toBe('"2"');
    const changed = { name: 'New', phone: null, metadata: { c: true }, version: 2, updatedAt: app.clock.now() };
    expect(answer.body).toEqual({ ...customer, ...changed });
    expect((await app.api.get(`/api/customers/${customer.id}`)).body).toMatchObject(answer.body);
    const [, row] = await audits(customer.id);
    expect(JSON.parse(row.changes)).toEqual({
      name: ['Acme Corp', 'New'],
      phone: ['1', null],
      metadata: [{ a: 1, b: 2 }, { c: true }],
    });
  });

  test('200 null clears every member that may be null', async () => {
    const customer = await app.given.customer({ ...CLEARABLE, stripeCustomerId: 'cus_c', xenditCustomerId: 'xnd_c' });
    const names = [...Object.keys(CLEARABLE), 'stripeCustomerId', 'xenditCustomerId'];
    const { body } = await put(customer.id, Object.fromEntries(names.map((name) => [name, null])));
    for (const name of names) expect(body[name]).toBeNull();
    expect(body.version).toBe(2);
  });

  test('200 {} and the same values change nothing, not even the version', async () => {
    const customer = await app.given.customer({ metadata: { b: 1, a: 'x' }, billingCity: 'Bonn' });
    app.clock.advance({ ms: 1000 });
    expect((await put(customer.id, {})).body).toEqual(customer);
    const same = { name: customer.name, email: customer.email, metadata: { a: 'x', b: 1 }, company: null };
    const answer = await put(customer.id, same, { 'If-Match': '"1"' });
    expect(answer.body).toEqual(customer);
    expect(answer.headers.etag).toBe('"1"');
    expect(await audits(customer.id)).toHaveLength(1);
  });

  test('200 with the present version or *, 409 conflict with another and nothing changed', async () => {
    const { id } = await app.given.customer();
    expect((await put(id, { company: 'A' }, { 'If-Match': '"1"' })).body.version).toBe(2);
    expectRefusal(await put(id, { company: 'B' }, { 'If-Match': '"1"' }), 409, 'conflict', 'If-Match');
    expectRefusal(await put(id, {}, { 'If-Match': '"3"' }), 409, 'conflict', 'If-Match');
    expect((await app.api.get(`/api/customers/${id}`)).body).toMatchObject({ company: 'A', version: 2 });
    expect((await put(id, { company: 'C' }, { 'If-Match': '*' })).body).toMatchObject({ company: 'C', version: 3 });
  });

  test.each(['1', 'W/"1"', '"a"', '""'])('400 validation_error for If-Match %s', async (value) => {
    const { id } = await app.given.customer();
    expectRefusal(await put(id, { name: 'x' }, { 'If-Match': value }), 400, 'validation_error', 'If-Match');
  });

  test('200 one after the other: of 10 writers with the same version one wins', async () => {
    const { id } = await app.given.customer();
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) => put(id, { company: `C${i}` }, { 'If-Match': '"1"' })),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    for (const answer of answers) if (answer.status !== 200) expectRefusal(answer, 409, 'conflict', 'If-Match');
  });

  test('200 the e-mail in other capitals stays its own; 409 already_exists for one of another customer', async () => {
    const [a, b] = [await app.given.customer(), await app.given.customer({ stripeCustomerId: 'cus_b' })];
    expect((await put(a.id, { email: a.email.toUpperCase() })).body.email).toBe(a.email.toUpperCase());
    expectRefusal(await put(a.id, { email: b.email.toUpperCase() }), 409, 'already_exists', 'email');
    expectRefusal(await put(a.id, { stripeCustomerId: 'cus_b' }), 409, 'already_exists', 'stripeCustomerId');
    expect((await app.api.get(`/api/customers/${a.id}`)).body).toMatchObject({ version: 2, stripeCustomerId: null });
  });

  test('200 once and 409 already_exists for all others who want the same e-mail at once', async () => {
    const address = 'wanted@race.example';
    const rows = await Promise.all(Array.from({ length: 10 }, () => app.given.customer()));
    const creations = Array.from({ length: 5 }, () => app.api.post('/api/customers', { name: 'N', email: address }));
    const answers = await Promise.all([...rows.map(({ id }) => put(id, { email: address })), ...creations]);
    expect(answers.filter(({ status }) => status < 300)).toHaveLength(1);
    for (const answer of answers) if (answer.status >= 300) expectRefusal(answer, 409, 'already_exists', 'email');
  });

  test.each<[string, unknown, string]>([
    ['null for the name', { name: null }, 'name'],
    ['null for the e-mail', { email: null }, 'email'],
    ['null for the tier', { tier: null }, 'tier'],
    ['null for the metadata', { metadata: null }, 'metadata'],
    ['a bad country', { billingCountry: 'us' }, 'billingCountry'],
    ['an unknown currency', { currency: 'ABC' }, 'currency'],
    ['an unknown member', { nickname: 'x' }, 'nickname'],
    ['a read-only member', { creditBalance: '1.00' }, 'creditBalance'],
  ])('400 validation_error with %s', async (_, body, field) => {
    const { id } = await app.given.customer();
    expectRefusal(await put(id, body), 400, 'validation_error', field);
  });

  test('404, 400, 401 and 403 as documented', async () => {
    expectRefusal(await put(UNKNOWN_ID, { name: 'x' }), 404, 'not_found');
    expectRefusal(await put('x', { name: 'x' }), 400, 'validation_error', 'id');
    expectRefusal(await put(UNKNOWN_ID, undefined), 400, 'invalid_request');
    const { id } = await app.given.customer();
    expectRefusal(await app.anonymous.put(`/api/customers/${id}`, {}), 401, 'unauthorized');
    const session = await app.given.portalSession(id);
    expectRefusal(await app.withSession(session).put(`/api/customers/${id}`, {}), 403, 'forbidden');
  });
});

describe('v1UpdateCustomer', () => {
  test('200 the own data, 403 forbidden for any other member and nothing changed', async () => {
    const own = await app.given.customer();
    const { key } = await app.given.apiKey({ customerId: own.id });
    const mine = (body: unknown) => app.withKey(key).put(`/api/v1/customers/${own.id}`, body);
    const allowed = { ...CLEARABLE, name: 'Own', currency: undefined };
    expect((await mine(allowed)).body).toMatchObject({ name: 'Own', billingCountry: 'DE', paymentMethod: 'stripe' });
    const operators = {
      email: 'other@acme.example',
      tier: 'enterprise',
      currency: 'EUR',
      metadata: {},
      stripeCustomerId: 'cus_x',
      xenditCustomerId: null,
    };
    for (const [member, value] of Object.entries(operators))
      expectRefusal(await mine({ name: 'Changed', [member]: value }), 403, 'forbidden', member);
    expect((await app.api.get(`/api/customers/${own.id}`)).body).toMatchObject({ name: 'Own', version: 2 });
  });

  test('404 not_found for another customer, whatever is sent', async () => {
    const [own, other] = [await app.given.customer(), await app.given.customer()];
    const { key } = await app.given.apiKey({ customerId: own.id });
    for (const body of [{ name: 'x' }, { tier: 'enterprise' }])
      expectRefusal(await app.withKey(key).put(`/api/v1/customers/${other.id}`, body), 404, 'not_found');
  });

  test('200 every member for an operator key; 403 forbidden for one that only reads; 401 without', async () => {
    const { id } = await app.given.customer();
    const [writer, reader] = [await app.given.apiKey(), await app.given.apiKey({ access: 'read' })];
    const path = `/api/v1/customers/${id}`;
    const answer = await app.withKey(writer.key).put(path, { tier: 'enterprise' }, { 'If-Match': '"1"' });
    expect(answer.body).toMatchObject({ tier: 'enterprise', version: 2 });
    expectRefusal(await app.withKey(reader.key).put(path, { name: 'x' }), 403, 'forbidden');
    expectRefusal(await app.anonymous.put(path, { name: 'x' }), 401, 'unauthorized');
  });
});

const CLEARABLE = {
  company: 'Acme',
  billingEmail: 'ap@acme.example',
  phone: '1',
  billingAddress: 'Street',
  billingCity: 'Bonn',
  billingState: 'NW',
  billingZip: '53111',
  billingCountry: 'DE',
  taxId: 'DE1',
  paymentMethod: 'stripe',
  currency: 'EUR',
};
