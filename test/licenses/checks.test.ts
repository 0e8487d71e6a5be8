import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { checkInvariants } from '../../src/billing/audit/invariants.ts';
import { touchActivation } from '../../src/licenses/checks/activation-store.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { expectRefusal } from '../support/refusals.ts';
import { devicesOf, type Entity, licenseOf, putLicense, toldOf, validate, verify } from './support.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterEach(async () => {
  await app.drain();
  expect(await checkInvariants(app.database.read, app.clock.now())).toEqual([]);
});
afterAll(() => app.close());

/** Three places, taken by a, b and c. */
async function full(over: object = {}): Promise<Entity> {
  const license = await app.given.license({ maxActivations: 3, ...over });
  for (const device of ['a', 'b', 'c']) expect((await validate(app, license.licenseKey, device)).body.valid).toBe(true);
  return license;
}

describe('worked values of rules L', () => {
  test('L.1 a new device at the limit', async () => {
    const { licenseKey } = await full();
    const { status, body } = await validate(app, licenseKey, 'd');
    expect([status, body]).toEqual([
      200,
      {
        valid: false,
        status: 'active',
        features: {},
        expiresAt: null,
        error: 'activation_limit_reached',
        checkedAt: app.clock.now(),
        maxActivations: 3,
        currentActivations: 3,
      },
    ]);
    expect(await devicesOf(app, licenseKey)).toHaveLength(3);
  });

  test('L.2 a known device at the limit is refreshed', async () => {
    const { licenseKey } = await full();
    app.clock.advance({ hours: 5 });
    const { body } = await validate(app, licenseKey, 'b');
    expect(body).toMatchObject({ valid: true, maxActivations: 3, currentActivations: 3 });
    expect(body).not.toHaveProperty('error');
    const device = (await devicesOf(app, licenseKey)).find(({ deviceId }) => deviceId === 'b');
    expect(device.lastSeenAt).toBe(app.clock.now());
    expect(device.activatedAt < device.lastSeenAt).toBe(true);
  });

  test('L.3 a removed device makes room for another', async () => {
    const { licenseKey, id } = await full();
    expect((await app.api.delete(`/api/licenses/${licenseKey}/activations/a`)).status).toBe(204);
    expect((await validate(app, licenseKey, 'd')).body).toMatchObject({ valid: true, currentActivations: 3 });
    expect((await devicesOf(app, licenseKey)).map(({ deviceId }) => deviceId)).toEqual(['d', 'c', 'b']);
    expect(await toldOf(app, id)).toEqual(['created', ...Array(4).fill('activated device')]);
  });

  test('L.4 suspended and past its date', async () => {
    const { licenseKey } = await full({ expiresAt: app.runtime.clock.now().replace('2026', '2027') });
    await putLicense(app, licenseKey, { status: 'suspended' });
    await putLicense(app, licenseKey, { expiresAt: '2026-01-01T00:00:00Z' });
    expect((await verify(app, licenseKey)).body).toMatchObject({ valid: false, error: 'license_suspended' });
  });

  test('L.5 the date is now, without a subscription', async () => {
    const at = new Date(Date.parse(app.clock.now()) + 60_000).toISOString();
    const { licenseKey } = await full({ expiresAt: at });
    expect((await verify(app, licenseKey)).body).toMatchObject({ valid: true, status: 'active' });
    app.clock.set(at);
    expect((await verify(app, licenseKey)).body).toEqual({
      valid: false,
      status: 'expired',
      features: {},
      expiresAt: at,
      error: 'license_expired',
      checkedAt: at,
    });
    expect((await validate(app, licenseKey, 'a')).body).toMatchObject({ valid: false, error: 'license_expired' });
    expect((await licenseOf(app, licenseKey)).status).toBe('active'); // until the job stores it
  });

  test('L.6 ten days past its date, the subscription past_due', async () => {
    const sub = await app.given.subscription();
    const { customerId } = sub;
    const at = new Date(Date.parse(app.clock.now()) + 60_000).toISOString();
    const { licenseKey } = await app.given.license({ customerId, subscriptionId: sub.id, expiresAt: at });
    app.clock.advance({ days: 40 });
    await app.cron.post('/api/billing/cron/lifecycle');
    await app.cron.post('/api/billing/cron/dunning');
    expect((await app.api.get(`/api/billing/subscriptions/${sub.id}`)).body.status).toBe('past_due');
    await app.cron.post('/api/billing/cron/licenses');
    expect((await verify(app, licenseKey)).body).toMatchObject({ valid: true, status: 'active', expiresAt: at });
  });

  test('L.7 without limit the n-th device is registered', async () => {
    const { licenseKey } = await app.given.license();
    for (let n = 1; n <= 12; n++)
      expect((await validate(app, licenseKey, `device ${n}`)).body).toMatchObject({
        valid: true,
        maxActivations: null,
        currentActivations: n,
      });
  });

  test('a check that comes late moves lastSeenAt nowhere, and takes the name and the address all the same', async () => {
    const { licenseKey, id } = await app.given.license();
    await validate(app, licenseKey, 'a');
    const early = app.clock.now();
    app.clock.advance({ hours: 1 });
    await validate(app, licenseKey, 'a', { deviceName: 'Desk' });
    const seenAt = app.clock.now();
    const device = { deviceId: 'a', deviceName: undefined, ip: '192.0.2.1' };
    expect(await touchActivation(app.database.write, id, device, early)).toBe(true);
    const [row] = await devicesOf(app, licenseKey);
    expect(row).toMatchObject({ lastSeenAt: seenAt, deviceName: 'Desk', ipAddress: '192.0.2.1', activatedAt: early });
    expect(await touchActivation(app.database.write, id, { ...device, deviceId: 'b' }, seenAt)).toBe(false);
  });

  test('a subscription that ends with its period shelters nothing past the date', async () => {
    const sub = await app.given.subscription();
    const at = new Date(Date.parse(app.clock.now()) + 60_000).toISOString();
    const { licenseKey } = await app.given.license({
      customerId: sub.customerId,
      subscriptionId: sub.id,
      expiresAt: at,
    });
    app.clock.set(at);
    expect((await verify(app, licenseKey)).body.valid).toBe(true);
    await app.api.put(`/api/billing/subscriptions/${sub.id}`, { cancelAtPeriodEnd: true });
    expect((await verify(app, licenseKey)).body).toMatchObject({ valid: false, error: 'license_expired' });
    await app.cron.post('/api/billing/cron/licenses');
    expect((await licenseOf(app, licenseKey)).status).toBe('expired');
  });

  test('when a licence was used first stays, whatever devices come later', async () => {
    const { licenseKey, id } = await app.given.license();
    await validate(app, licenseKey, 'a');
    const first = app.clock.now();
    app.clock.advance({ hours: 1 });
    await validate(app, licenseKey, 'b');
    expect(await app.database.read('licenses').where({ id })).toMatchObject([{ activated_at: first }]);
  });

  test('L.9 a key is found whatever its case and the blanks around it', async () => {
    const { licenseKey } = await app.given.license();
    expect((await verify(app, ` ${licenseKey.toLowerCase()} `)).body.valid).toBe(true);
  });
});

describe('verify', () => {
  test('200 and the first reason that fits', async () => {
    const at = new Date(Date.parse(app.clock.now()) + 60_000).toISOString();
    const license = await app.given.license({ expiresAt: at });
    const other = (await app.given.product()).id;
    const error = async () => (await verify(app, license.licenseKey, { productId: other })).body.error;
    expect((await verify(app, license.licenseKey, { productId: license.productId })).body.valid).toBe(true);
    expect(await error()).toBe('license_product_mismatch');
    app.clock.set(at);
    expect(await error()).toBe('license_expired');
    await putLicense(app, license.licenseKey, { status: 'suspended', expiresAt: null });
    expect(await error()).toBe('license_suspended');
    await putLicense(app, license.licenseKey, { status: 'revoked' });
    expect(await error()).toBe('license_revoked');
  });

  test('200 says nothing but the decision and what is granted', async () => {
    const features = { pro: true, max_users: 50, regions: ['eu', 'us'], edition: 'x', off: false };
    const { licenseKey } = await app.given.license({ features, maxActivations: 2 });
    const { body, headers } = await verify(app, licenseKey);
    expect(body).toEqual({ valid: true, status: 'active', features, expiresAt: null, checkedAt: app.clock.now() });
    expect(headers['access-control-allow-origin']).toBe('*');
    expect(headers['cache-control']).toBe('no-store');
  });

  test('writes nothing', async () => {
    const { licenseKey } = await app.given.license();
    const audits = async () => (await app.database.read('audit_log').select('id')).length;
    const before = await audits();
    await verify(app, licenseKey);
    expect([await audits(), (await licenseOf(app, licenseKey)).currentActivations]).toEqual([before, 0]);
  });

  test.each(['NOBODY-HAS-THIS', 'no key at all', '%', "' or 1=1 --", 'ſuſpended', '\u202eRUSTBILL', 'x'.repeat(255)])(
    '404 license_not_found for the key %j',
    async (licenseKey) => {
      for (const answer of [await verify(app, licenseKey), await validate(app, licenseKey, 'a')])
        expect([answer.status, answer.body.error]).toEqual([404, 'license_not_found']);
    },
  );

  test('404: letters that only look like one, or become one in upper case, are not one', async () => {
    const { licenseKey } = await app.given.license();
    for (const forged of [licenseKey.replace('S', 'ſ'), licenseKey.replace('R', 'Ｒ'), `${licenseKey}\u200b`])
      expect((await verify(app, forged)).status).toBe(404);
  });

  test.each([{}, { licenseKey: 'A-B-C', file: 'x' }, { licenseKey: '' }, { file: '' }])(
    '400 validation_error: exactly one of key and file, not %j',
    async (body) => {
      const answer = await app.anonymous.post('/api/licenses/verify', body);
      expect([answer.status, answer.body.error]).toEqual([400, 'validation_error']);
    },
  );
});

describe('validate', () => {
  test.each(['.', '..', ' .. '])(
    '400 validation_error for a device %j, which no client could name in a path',
    async (name) => {
      const { licenseKey } = await app.given.license();
      expectRefusal(await validate(app, licenseKey, name), 400, 'validation_error', 'deviceId');
      expect(await devicesOf(app, licenseKey)).toEqual([]);
      for (const fine of ['...', '.a', 'a.', './', '.. ..']) {
        expect((await validate(app, licenseKey, fine)).status).toBe(200);
        const path = `/api/licenses/${licenseKey}/activations/${encodeURIComponent(fine)}`;
        expect((await app.api.delete(path)).status).toBe(204);
      }
    },
  );

  test('registers name, address and instants, tells of it, and takes no second place', async () => {
    const { licenseKey, id } = await app.given.license({ maxActivations: 2 });
    await validate(app, licenseKey, 'laptop', { deviceName: 'Ada' });
    const again = await validate(app, licenseKey.toLowerCase(), ' laptop ');
    expect(again.body).toMatchObject({ valid: true, currentActivations: 1 });
    const [device, ...others] = await devicesOf(app, licenseKey);
    expect(others).toEqual([]);
    expect(device).toMatchObject({
      licenseKey,
      deviceId: 'laptop',
      deviceName: 'Ada',
      activatedAt: app.clock.now(),
      lastSeenAt: app.clock.now(),
    });
    expect(device.ipAddress).toContain('127.0.0.1');
    await validate(app, licenseKey, 'laptop', { deviceName: 'Grace' });
    expect((await devicesOf(app, licenseKey))[0].deviceName).toBe('Grace');
    expect(await toldOf(app, id)).toEqual(['created', 'activated device']);
  });

  test.each(['suspended', 'revoked'])('a %s licence registers and refreshes nothing', async (status) => {
    const { licenseKey } = await full();
    const before = await devicesOf(app, licenseKey);
    await putLicense(app, licenseKey, { status });
    app.clock.advance({ hours: 1 });
    for (const device of ['a', 'd'])
      expect((await validate(app, licenseKey, device)).body).toMatchObject({
        valid: false,
        status,
        error: `license_${status}`,
        maxActivations: 3,
        currentActivations: 3,
      });
    expect(await devicesOf(app, licenseKey)).toEqual(before);
  });

  test('L4 a lowered limit keeps the known devices and admits no new one', async () => {
    const { licenseKey } = await full();
    await putLicense(app, licenseKey, { maxActivations: 1 });
    expect((await validate(app, licenseKey, 'c')).body).toMatchObject({ valid: true, currentActivations: 3 });
    expect((await validate(app, licenseKey, 'd')).body.error).toBe('activation_limit_reached');
    await app.api.delete(`/api/licenses/${licenseKey}/activations/a`);
    await app.api.delete(`/api/licenses/${licenseKey}/activations/b`);
    expect((await validate(app, licenseKey, 'd')).body.error).toBe('activation_limit_reached');
    await app.api.delete(`/api/licenses/${licenseKey}/activations/c`);
    expect((await validate(app, licenseKey, 'd')).body).toMatchObject({ valid: true, currentActivations: 1 });
  });

  test('another product registers nothing', async () => {
    const { licenseKey } = await app.given.license();
    const productId = (await app.given.product()).id;
    expect((await validate(app, licenseKey, 'a', { productId })).body).toMatchObject({
      valid: false,
      error: 'license_product_mismatch',
      currentActivations: 0,
    });
  });

  test('device ids are taken as they are: letters of any script, quotes, slashes', async () => {
    const { licenseKey } = await app.given.license();
    const ids = ['机器/1', "a'b", 'A', 'a', '😀 %2F', '..x'];
    for (const id of ids) expect((await validate(app, licenseKey, id)).body.valid).toBe(true);
    for (const [n, id] of ids.entries()) {
      const answer = await app.api.delete(`/api/licenses/${licenseKey}/activations/${encodeURIComponent(id)}`);
      expect([id, answer.status]).toEqual([id, 204]);
      expect((await licenseOf(app, licenseKey)).currentActivations).toBe(ids.length - n - 1);
    }
  });
});

describe('limits of the public checks', () => {
  test('429 rate_limited per address, and per key whoever asks', async () => {
    const limited = await startApp({
      config: { rateLimits: true, trustProxy: 1 },
      app: { perMinute: { session: 1000, apiKey: 1000, address: 4, member: 3 } },
    });
    const from = (address: string, licenseKey: string) =>
      limited.anonymous.post('/api/licenses/verify', { licenseKey }, { 'X-Forwarded-For': address });
    const { licenseKey } = await limited.given.license();
    const first = await from('198.51.100.1', licenseKey);
    expect([first.headers['ratelimit-limit'], first.headers['ratelimit-remaining']]).toEqual(['3', '2']);
    await from('198.51.100.2', licenseKey.toLowerCase());
    expect((await from('198.51.100.3', licenseKey)).status).toBe(200);
    const spent = await from('198.51.100.4', licenseKey);
    expect([spent.status, spent.body.error]).toEqual([429, 'rate_limited']);
    expect(Number(spent.headers['retry-after'])).toBeGreaterThan(0);
    for (const key of ['AAA-1', 'AAA-2', 'AAA-3']) expect((await from('198.51.100.4', key)).status).toBe(404);
    expect((await from('198.51.100.4', 'AAA-4')).status).toBe(429);
    await limited.close();
  });

  test('a preflight from any origin is answered without credentials', async () => {
    const headers = { Origin: 'https://any.example', 'Access-Control-Request-Method': 'POST' };
    const { default: request } = await import('supertest');
    for (const path of ['/api/licenses/verify', '/api/licenses/validate', '/.well-known/jwks.json']) {
      const answer = await request(app.server).options(path).set(headers);
      expect([answer.status, answer.headers['access-control-allow-origin']]).toEqual([204, '*']);
      expect(answer.headers['access-control-allow-credentials']).toBeUndefined();
    }
    const closed = await request(app.server).options('/api/licenses').set(headers);
    expect(closed.headers['access-control-allow-origin']).toBeUndefined();
  });
});
