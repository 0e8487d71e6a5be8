import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApp, type TestApp } from '../support/app.ts';
import { expectRefusal, UNKNOWN_ID } from '../support/refusals.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

let count = 0;
const email = () => `create-${++count}@acme.example`;
const full = () => ({
  name: 'Acme Corp',
  email: email(),
  company: 'Acme Corporation',
  tier: 'professional',
  billingEmail: 'ap@acme.example',
  phone: '+1 555 0100',
  billingAddress: '1 Main Street\nFloor 2',
  billingCity: 'San Francisco',
  billingState: 'ca',
  billingZip: '94105',
  billingCountry: 'US',
  taxId: 'US-1',
  paymentMethod: 'bank_transfer',
  currency: 'JPY',
  metadata: { crm: 'A-1024', seats: 3, vip: true, ratio: 0.5 },
  stripeCustomerId: `cus_${count}`,
  xenditCustomerId: `xnd_${count}`,
});

describe('createCustomer', () => {
  test('201 with the defaults, ETag "1" and its Location', async () => {
    const members = { name: 'Acme', email: email() };
    const answer = await app.api.post('/api/customers', members);
    expect(answer.status).toBe(201);
    expect(answer.headers.location).toBe(`/api/customers/${answer.body.id}`);
    expect(answer.headers.etag).toBe('"1"');
    expect(answer.body).toEqual({
      id: expect.stringMatching(/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/),
      ...members,
      ...Object.fromEntries(NULLS.map((name) => [name, null])),
      tier: 'starter',
      metadata: {},
      healthScore: 50,
      creditBalance: '0.00',
      creditBalances: [],
      products: [],
      version: 1,
      createdAt: app.clock.now(),
      updatedAt: app.clock.now(),
    });
    const { body, headers } = await app.api.get(answer.headers.location!);
    expect(body).toEqual({ ...answer.body, subscriptions: [] });
    expect(headers.etag).toBe('"1"');
  });

  test('201 with every member, kept as given, and the credit balance in its currency', async () => {
    const members = full();
    const { status, body } = await app.api.post('/api/customers', members);
    expect(status).toBe(201);
    expect(body).toMatchObject({ ...members, creditBalance: '0' });
  });

  test('201 with null for what may be null, which is the same as absence', async () => {
    const nulls = Object.fromEntries(NULLS.map((name) => [name, null]));
    expect(await app.given.customer(nulls)).toMatchObject(nulls);
  });

  test('201 in v1 by an operator key, with the Location of v1', async () => {
    const { key } = await app.given.apiKey();
    const answer = await app.withKey(key).post('/api/v1/customers', { name: 'Acme', email: email() });
    expect(answer.status).toBe(201);
    expect(answer.headers.location).toBe(`/api/v1/customers/${answer.body.id}`);
    expect((await app.withKey(key).get(answer.headers.location!)).body.id).toBe(answer.body.id);
  });

  test('201 writes one audit row with what was set', async () => {
    const customer = await app.given.customer({ tier: 'enterprise' });
    const rows = await app.database.read('audit_log').where({ entity_id: customer.id });
    expect(rows.map((row) => row.action)).toEqual(['createCustomer']);
    expect(JSON.parse(rows[0].changes)).toMatchObject({ tier: [null, 'enterprise'], email: [null, customer.email] });
  });

  test('409 already_exists for the same e-mail in other capitals; the case of the first is kept', async () => {
    const first = await app.given.customer({ email: 'Billing@Case.example' });
    expect(first.email).toBe('Billing@Case.example');
    const second = await app.api.post('/api/customers', { name: 'Other', email: 'bILLING@case.EXAMPLE' });
    expectRefusal(second, 409, 'already_exists', 'email');
  });

  test('409 already_exists for a provider id of another customer, naming every taken member', async () => {
    const first = await app.given.customer({ stripeCustomerId: 'cus_taken', xenditCustomerId: 'xnd_taken' });
    const again = { name: 'B', email: email(), stripeCustomerId: 'cus_taken' };
    expectRefusal(await app.api.post('/api/customers', again), 409, 'already_exists', 'stripeCustomerId');
    const all = { name: 'B', email: first.email, stripeCustomerId: 'cus_taken', xenditCustomerId: 'xnd_taken' };
    const answer = await app.api.post('/api/customers', all);
    expectRefusal(answer, 409, 'already_exists', 'email', 'stripeCustomerId', 'xenditCustomerId');
  });

  test('201 once and 409 already_exists for all others of 20 at the same time', async () => {
    const address = email();
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        app.api.post('/api/customers', { name: `Racer ${i}`, email: i % 2 ? address : address.toUpperCase() }),
      ),
    );
    const [made, ...others] = answers.toSorted((a, b) => a.status - b.status);
    expect(made!.status).toBe(201);
    for (const other of others) expectRefusal(other, 409, 'already_exists', 'email');
    const { body } = await app.api.get(`/api/customers?email=${address}`);
    expect(body.map((row: { id: string }) => row.id)).toEqual([made!.body.id]);
  });

  test('201 again for the same Idempotency-Key, and 409 idempotency_key_reused with another body', async () => {
    const headers = { 'Idempotency-Key': 'customer-1' };
    const members = { name: 'Once', email: email() };
    const first = await app.api.post('/api/customers', members, headers);
    const second = await app.api.post('/api/customers', members, headers);
    expect(second.body).toEqual(first.body);
    expect(second.headers).toMatchObject({
      'idempotent-replayed': 'true',
      etag: '"1"',
      location: first.headers.location,
    });
    const other = await app.api.post('/api/customers', { ...members, name: 'Twice' }, headers);
    expectRefusal(other, 409, 'idempotency_key_reused');
  });

  test.each<[string, Record<string, unknown>, string]>([
    ['no at sign', { email: 'acme' }, 'email'],
    ['a blank e-mail', { email: ' ' }, 'email'],
    ['an e-mail that is too long', { email: `${'a'.repeat(244)}@acme.example` }, 'email'],
    ['null for the e-mail', { email: null }, 'email'],
    ['null for the name', { name: null }, 'name'],
    ['a blank name', { name: '\t ' }, 'name'],
    ['a long name', { name: 'x'.repeat(256) }, 'name'],
    ['a NUL in the name', { name: 'a\u0000b' }, 'name'],
    ['an escape character in the address', { billingAddress: 'a\u001bb' }, 'billingAddress'],
    ['null for the tier', { tier: null }, 'tier'],
    ['an unknown tier', { tier: 'gold' }, 'tier'],
    ['a bad billing e-mail', { billingEmail: 'x' }, 'billingEmail'],
    ['an empty company', { company: '' }, 'company'],
    ['a long phone', { phone: '1'.repeat(51) }, 'phone'],
    ['a long address', { billingAddress: 'x'.repeat(1001) }, 'billingAddress'],
    ['a long city', { billingCity: 'x'.repeat(101) }, 'billingCity'],
    ['a long state', { billingState: 'x'.repeat(101) }, 'billingState'],
    ['a long zip', { billingZip: '1'.repeat(21) }, 'billingZip'],
    ['a lower case country', { billingCountry: 'us' }, 'billingCountry'],
    ['a country of three letters', { billingCountry: 'USA' }, 'billingCountry'],
    ['a long tax id', { taxId: 'x'.repeat(101) }, 'taxId'],
    ['an unknown way to pay', { paymentMethod: 'cash' }, 'paymentMethod'],
    ['a currency that does not exist', { currency: 'ABC' }, 'currency'],
    ['a currency of four decimals', { currency: 'CLF' }, 'currency'],
    ['null for the metadata', { metadata: null }, 'metadata'],
    ['an array for the metadata', { metadata: [] }, 'metadata'],
    ['an object in the metadata', { metadata: { a: {} } }, 'metadata.a'],
    ['a long value in the metadata', { metadata: { a: 'x'.repeat(501) } }, 'metadata.a'],
    [
      '51 members of metadata',
      { metadata: Object.fromEntries(Array.from({ length: 51 }, (_, i) => [i, 1])) },
      'metadata',
    ],
    ['an unknown member', { website: 'https://acme.example' }, 'website'],
    ['a computed member', { healthScore: 100 }, 'healthScore'],
    ['the version', { version: 1 }, 'version'],
  ])('400 validation_error with %s', async (_, change, field) => {
    const body = { name: 'Acme', email: email(), ...change };
    expectRefusal(await app.api.post('/api/customers', body), 400, 'validation_error', field);
  });

  test('400 validation_error for a metadata key that is too long', async () => {
    const body = { name: 'Acme', email: email(), metadata: { ['k'.repeat(41)]: 1 } };
    expectRefusal(await app.api.post('/api/customers', body), 400, 'validation_error');
  });

  test('400 validation_error names every failing member', async () => {
    const answer = await app.api.post('/api/customers', { tier: 1, billingCountry: 'x' });
    expectRefusal(answer, 400, 'validation_error', 'name', 'email', 'tier', 'billingCountry');
  });

  test('400 invalid_request, 413 and 415 as documented', async () => {
    expectRefusal(await app.api.post('/api/customers'), 400, 'invalid_request');
    const large = { name: 'x', email: email(), company: 'x'.repeat(1_048_577) };
    expectRefusal(await app.api.post('/api/customers', large), 413, 'payload_too_large');
    const text = { 'Content-Type': 'text/plain' };
    expectRefusal(await app.api.post('/api/customers', 'name', text), 415, 'unsupported_media_type');
  });

  test('401 and 403 without the right caller', async () => {
    const body = { name: 'Acme', email: email() };
    expectRefusal(await app.anonymous.post('/api/customers', body), 401, 'unauthorized');
    expectRefusal(await app.anonymous.post('/api/v1/customers', body), 401, 'unauthorized');
    const customer = await app.given.customer();
    const session = await app.given.portalSession(customer.id);
    expectRefusal(await app.withSession(session).post('/api/customers', body), 403, 'forbidden');
    for (const over of [{ customerId: customer.id }, { access: 'read' }]) {
      const { key } = await app.given.apiKey(over);
      expectRefusal(await app.withKey(key).post('/api/v1/customers', body), 403, 'forbidden');
    }
    const { key } = await app.given.apiKey();
    expectRefusal(
      await app.withKey(key).post('/api/v1/customers', { ...body, id: UNKNOWN_ID }),
      400,
      'validation_error',
      'id',
    );
  });
});

const NULLS = [
  ...['company', 'billingEmail', 'phone', 'billingAddress', 'billingCity', 'billingState', 'billingZip'],
  ...['billingCountry', 'taxId', 'paymentMethod', 'currency', 'stripeCustomerId', 'xenditCustomerId'],
];
