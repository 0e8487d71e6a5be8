import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { checkInvariants } from '../../src/billing/audit/invariants.ts';
import { runLifecycle } from '../../src/billing/run/lifecycle.ts';
import { addDays } from '../../src/platform/calendar.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { UNKNOWN_ID } from '../support/refusals.ts';
import { statementsOf } from '../support/statements.ts';
import { type Entity, licenseOf, putLicense, rotate, sign, toldOf, validate } from './support.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterEach(async () => {
  await runLifecycle(app.runtime);
  await app.drain();
  expect(await checkInvariants(app.database.read, app.clock.now())).toEqual([]);
});
afterAll(() => app.close());

const inDays = (days: number) => addDays(app.clock.now(), days);
const errorOf = ({ status, body }: { status: number; body: Entity }) => [status, body.error];

describe('createLicense', () => {
  test('201 with a generated key and the names beside the ids', async () => {
    const customer = await app.given.customer({ name: 'Acme' });
    const product = await app.given.product({ name: 'Desktop' });
    const license = await app.given.license({ customerId: customer.id, productId: product.id });
    expect(license).toEqual({
      id: license.id,
      licenseKey: expect.stringMatching(/^RUSTBILL(-[A-HJ-NP-Z2-9]{4}){3}$/),
      customerId: customer.id,
      customerName: 'Acme',
      productId: product.id,
      productName: 'Desktop',
      subscriptionId: null,
      status: 'active',
      maxActivations: null,
      currentActivations: 0,
      features: {},
      expiresAt: null,
      signedAt: null,
      signingKeyId: null,
      signaturePending: false,
      createdAt: app.clock.now(),
      updatedAt: app.clock.now(),
    });
    expect(await licenseOf(app, license.licenseKey)).toEqual(license);
    expect(await toldOf(app, license.id)).toEqual(['created']);
  });

  test('201: an imported key is kept in upper case', async () => {
    const { licenseKey } = await app.given.license({ licenseKey: ' legacy-0001 ' });
    expect(licenseKey).toBe('LEGACY-0001');
    expect((await licenseOf(app, 'Legacy-0001')).licenseKey).toBe(licenseKey);
  });

  test.each(['keypair', 'VERIFY', 'Validate'])('400: %s is no key', async (licenseKey) => {
    const [customerId, productId] = [(await app.given.customer()).id, (await app.given.product()).id];
    const answer = await app.api.post('/api/licenses', { customerId, productId, licenseKey });
    expect([answer.status, answer.body.fields]).toEqual([400, { licenseKey: expect.any(String) }]);
  });

  test.each([
    [{ licenseKey: 'AB' }, 'licenseKey'],
    [{ licenseKey: '-ABC' }, 'licenseKey'],
    [{ licenseKey: 'A_B_C' }, 'licenseKey'],
    [{ licenseKey: 'x'.repeat(65) }, 'licenseKey'],
    [{ maxActivations: 0 }, 'maxActivations'],
    [{ maxActivations: 1_000_001 }, 'maxActivations'],
    [{ expiresAt: '2026-03-15T10:30:00Z' }, 'expiresAt'],
    [{ expiresAt: '2026-13-01T00:00:00Z' }, 'expiresAt'],
    [{ features: Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`f${n}`, 'x'.repeat(450)])) }, 'features'],
  ])('400 validation_error for %j', async (members, field) => {
    const [customerId, productId] = [(await app.given.customer()).id, (await app.given.product()).id];
    const answer = await app.api.post('/api/licenses', { customerId, productId, ...members });
    expect(errorOf(answer)).toEqual([400, 'validation_error']);
    expect(Object.keys(answer.body.fields)).toEqual([field]);
  });

  test('404: the subscription must be of the customer', async () => {
    const sub = await app.given.subscription();
    const body = { customerId: (await app.given.customer()).id, productId: (await app.given.product()).id };
    expect(errorOf(await app.api.post('/api/licenses', { ...body, subscriptionId: sub.id }))).toEqual([
      404,
      'not_found',
    ]);
    expect(errorOf(await app.api.post('/api/licenses', { ...body, customerId: UNKNOWN_ID }))).toEqual([
      404,
      'not_found',
    ]);
  });

  test('409 already_exists: the key is taken, also by a revoked licence', async () => {
    const { licenseKey, customerId, productId } = await app.given.license();
    await putLicense(app, licenseKey, { status: 'revoked' });
    const answer = await app.api.post('/api/licenses', { customerId, productId, licenseKey });
    expect([...errorOf(answer), Object.keys(answer.body.fields)]).toEqual([409, 'already_exists', ['licenseKey']]);
  });
});

describe('updateLicense (rules L1)', () => {
  test('200 changes members; the same again changes nothing', async () => {
    const { licenseKey, id } = await app.given.license();
    app.clock.advance({ hours: 1 });
    const body = { maxActivations: 7, features: { pro: true }, expiresAt: '2030-01-01T02:00:00+02:00' };
    const changed = (await putLicense(app, licenseKey, body)).body;
    expect(changed).toMatchObject({ ...body, expiresAt: '2030-01-01T00:00:00.000Z', updatedAt: app.clock.now() });
    app.clock.advance({ hours: 1 });
    expect((await putLicense(app, licenseKey, body)).body).toEqual(changed);
    expect(await app.database.read('audit_log').where({ entity_id: id })).toHaveLength(2);
    const cleared = (await putLicense(app, licenseKey, { maxActivations: null, expiresAt: null })).body;
    expect(cleared).toMatchObject({ maxActivations: null, expiresAt: null, features: { pro: true } });
  });

  test('suspended and back, revoked for good', async () => {
    const { licenseKey, id } = await app.given.license();
    for (const status of ['suspended', 'suspended', 'active', 'active', 'revoked'])
      expect((await putLicense(app, licenseKey, { status })).body.status).toBe(status);
    for (const body of [{ status: 'active' }, { status: 'revoked' }, { maxActivations: 3 }, {}])
      expect(errorOf(await putLicense(app, licenseKey, body))).toEqual([400, 'license_revoked']);
    expect(await toldOf(app, id)).toEqual(['created', 'suspended requested', 'activated reinstated', 'revoked']);
  });

  test('400: expired is nothing that can be asked for', async () => {
    const { licenseKey } = await app.given.license();
    expect(errorOf(await putLicense(app, licenseKey, { status: 'expired' }))).toEqual([400, 'validation_error']);
  });

  test('past its date: active or suspended needs a date in the future, whether the job has run or not', async () => {
    for (const job of [false, true]) {
      const { licenseKey, id } = await app.given.license({ expiresAt: inDays(1) });
      app.clock.set(inDays(1));
      if (job) await app.cron.post('/api/billing/cron/licenses');
      for (const status of ['active', 'suspended'])
        expect(errorOf(await putLicense(app, licenseKey, { status }))).toEqual([400, 'license_expired']);
      expect((await putLicense(app, licenseKey, { maxActivations: 2 })).body.status).toBe('expired');
      expect((await putLicense(app, licenseKey, { expiresAt: inDays(5) })).body.status).toBe('active');
      expect(await toldOf(app, id)).toEqual(['created', 'expired', 'activated reinstated']);
    }
  });

  test('suspended past its date stays suspended, and is not reinstated without another date', async () => {
    const { licenseKey, id } = await app.given.license({ expiresAt: inDays(1) });
    await putLicense(app, licenseKey, { status: 'suspended' });
    app.clock.set(inDays(2));
    await app.cron.post('/api/billing/cron/licenses');
    expect((await licenseOf(app, licenseKey)).status).toBe('suspended');
    expect(errorOf(await putLicense(app, licenseKey, { status: 'active' }))).toEqual([400, 'license_expired']);
    expect((await putLicense(app, licenseKey, { status: 'active', expiresAt: null })).body.status).toBe('active');
    expect(await toldOf(app, id)).toEqual(['created', 'suspended requested', 'activated reinstated']);
  });

  test('a date in the past ends it at once', async () => {
    const { licenseKey, id } = await app.given.license();
    expect((await putLicense(app, licenseKey, { expiresAt: inDays(-1) })).body.status).toBe('expired');
    expect(await toldOf(app, id)).toEqual(['created', 'expired']);
  });
});

describe('deleteLicense', () => {
  test('204: one that was never used is gone', async () => {
    const { licenseKey } = await app.given.license();
    expect((await app.api.delete(`/api/licenses/${licenseKey}`)).status).toBe(204);
    expect(errorOf(await app.api.get(`/api/licenses/${licenseKey}`))).toEqual([404, 'license_not_found']);
  });

  test('204: one that was used is revoked, also when its devices are gone; again: 204 without effect', async () => {
    await rotate(app);
    const [activated, signed] = [await app.given.license(), await app.given.license()];
    await validate(app, activated.licenseKey, 'a');
    await app.api.delete(`/api/licenses/${activated.licenseKey}/activations/a`);
    await sign(app, signed.licenseKey);
    for (const { licenseKey, id } of [activated, signed]) {
      for (let n = 0; n < 2; n++) expect((await app.api.delete(`/api/licenses/${licenseKey}`)).status).toBe(204);
      expect((await licenseOf(app, licenseKey)).status).toBe('revoked');
      expect((await toldOf(app, id)).filter((type) => type === 'revoked')).toHaveLength(1);
    }
  });
});

describe('listLicenses', () => {
  test('newest first, by every filter, with one statement a page', async () => {
    const customer = (await app.given.customer()).id;
    const sub = await app.given.subscription({ customerId: customer });
    const [first, second] = [
      await app.given.license({ customerId: customer }),
      await app.given.license({ customerId: customer, subscriptionId: sub.id }),
    ];
    await putLicense(app, first.licenseKey, { status: 'suspended' });
    const keysOf = async (query: string) =>
      (await app.api.get(`/api/licenses?customerId=${customer}&${query}`)).body.map((l: Entity) => l.licenseKey);
    expect(await keysOf('')).toEqual([second.licenseKey, first.licenseKey]);
    expect(await keysOf('status=suspended')).toEqual([first.licenseKey]);
    expect(await keysOf(`productId=${second.productId}`)).toEqual([second.licenseKey]);
    expect(await keysOf(`subscriptionId=${sub.id}`)).toEqual([second.licenseKey]);
    expect(await keysOf(`subscriptionId=${UNKNOWN_ID}`)).toEqual([]);
    const page = await app.api.get(`/api/licenses?customerId=${customer}&limit=1`);
    const next = /<([^>]+)>/.exec(page.headers.link!)![1]!;
    expect((await app.api.get(next)).body.map((l: Entity) => l.licenseKey)).toEqual([first.licenseKey]);
    const one = await statementsOf(app, () => app.api.get('/api/licenses?limit=1'));
    expect(await statementsOf(app, () => app.api.get('/api/licenses?limit=100'))).toBe(one);
  });
});

describe('whose licences', () => {
  test('a customer sees its own; those of others are not found', async () => {
    await rotate(app);
    const [mine, other] = [await app.given.license(), await app.given.license()];
    for (const { licenseKey } of [mine, other]) {
      await sign(app, licenseKey);
      await validate(app, licenseKey, 'laptop');
    }
    const portal = app.withSession(await app.given.portalSession(mine.customerId));
    const key = app.withKey((await app.given.apiKey({ customerId: mine.customerId })).key);
    for (const [api, prefix] of [
      [portal, '/api'],
      [key, '/api/v1'],
    ] as const) {
      expect((await api.get(`${prefix}/licenses`)).body.map(({ id }: Entity) => id)).toEqual([mine.id]);
      expect((await api.get(`${prefix}/licenses?customerId=${other.customerId}`)).body).toEqual([]);
      for (const path of ['', '/export', '/activations']) {
        expect((await api.get(`${prefix}/licenses/${mine.licenseKey}${path}`)).status).toBe(200);
        const foreign = await api.get(`${prefix}/licenses/${other.licenseKey}${path}`);
        expect(errorOf(foreign)).toEqual([404, 'license_not_found']);
      }
    }
    for (const [check, device] of [
      ['verify', {}],
      ['validate', { deviceId: 'x' }],
    ] as const) {
      const path = `/api/v1/licenses/${check}`;
      expect((await key.post(path, { licenseKey: mine.licenseKey, ...device })).body.valid).toBe(true);
      const foreign = await key.post(path, { licenseKey: other.licenseKey, ...device });
      expect(errorOf(foreign)).toEqual([404, 'license_not_found']);
    }
    const removed = await key.delete(`/api/v1/licenses/${other.licenseKey}/activations/laptop`);
    expect(errorOf(removed)).toEqual([404, 'license_not_found']);
    expect((await key.delete(`/api/v1/licenses/${mine.licenseKey}/activations/laptop`)).status).toBe(204);
    const { file } = await sign(app, other.licenseKey);
    expect(errorOf(await key.post('/api/v1/licenses/verify', { file }))).toEqual([404, 'license_not_found']);
  });

  test('401 without credentials, everywhere but at the public checks', async () => {
    const { licenseKey } = await app.given.license();
    for (const path of ['', `/${licenseKey}`, `/${licenseKey}/export`, `/${licenseKey}/activations`, '/keypair'])
      expect((await app.anonymous.get(`/api/licenses${path}`)).status).toBe(401);
    expect((await app.anonymous.post(`/api/licenses/${licenseKey}/sign`)).status).toBe(401);
    expect((await app.anonymous.delete(`/api/licenses/${licenseKey}/activations/x`)).status).toBe(401);
  });
});

describe('what others say of licences', () => {
  test('products and customers with licences are not deleted; the product keeps its type', async () => {
    const { customerId, productId, licenseKey } = await app.given.license();
    const product = `/api/products/${productId}`;
    expect(errorOf(await app.api.delete(`/api/customers/${customerId}`))).toEqual([409, 'delete_conflict']);
    expect(errorOf(await app.api.delete(product))).toEqual([409, 'delete_conflict']);
    expect(errorOf(await app.api.put(product, { productType: 'api' }))).toEqual([409, 'conflict']);
    await app.api.delete(`/api/licenses/${licenseKey}`);
    expect((await app.api.delete(product)).status).toBe(204);
    expect((await app.api.delete(`/api/customers/${customerId}`)).status).toBe(204);
  });

  test('a customer holds the product of a licence until it is revoked, once beside a subscription', async () => {
    const { customerId, productId, licenseKey } = await app.given.license();
    const heldBy = async () =>
      (await app.api.get(`/api/customers/${customerId}`)).body.products.map((p: Entity) => p.id);
    const key = app.withKey((await app.given.apiKey({ customerId })).key);
    expect(await heldBy()).toEqual([productId]);
    expect((await key.get(`/api/v1/products/${productId}`)).status).toBe(200);
    const plan = await app.given.plan({ productId });
    await app.given.subscription({ customerId, planId: plan.id });
    expect(await heldBy()).toEqual([productId]);
    const other = await app.given.license();
    await putLicense(app, licenseKey, { status: 'revoked' });
    expect(await heldBy()).toEqual([productId]);
    expect((await key.get(`/api/v1/products/${other.productId}`)).status).toBe(404);
  });

  test('R8, R9 devices are the users of a product, and a customer with one is seen', async () => {
    const { customerId, productId, licenseKey } = await app.given.license();
    const figures = async () => {
      const { activeUsers, dailyActiveUsers } = (await app.api.get(`/api/products/${productId}`)).body;
      return [activeUsers, dailyActiveUsers, (await app.api.get(`/api/customers/${customerId}`)).body.healthScore];
    };
    expect(await figures()).toEqual([0, 0, 50]);
    await validate(app, licenseKey, 'a');
    await validate(app, licenseKey, 'b');
    expect(await figures()).toEqual([2, 2, 65]);
    app.clock.advance({ days: 2 });
    await validate(app, licenseKey, 'b');
    expect(await figures()).toEqual([2, 1, 65]);
    app.clock.advance({ days: 29 });
    expect(await figures()).toEqual([1, 0, 65]);
    app.clock.advance({ days: 2 });
    expect(await figures()).toEqual([0, 0, 50]);
  });
});
