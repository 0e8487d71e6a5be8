import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { checkInvariants } from '../../src/billing/audit/invariants.ts';
import { runLifecycle } from '../../src/billing/run/lifecycle.ts';
import { runLicenses } from '../../src/licenses/jobs.ts';
import {
  devicesOf,
  licenseOf,
  licenseOfSubscription,
  putLicense,
  rotate,
  sign,
  validate,
} from '../licenses/support.ts';
import { atOnce, tally } from '../support/answers.ts';
import { startApp, type TestApp } from '../support/app.ts';

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

const valid = (answers: { body: { valid: boolean } }[]) => answers.filter(({ body }) => body.valid).length;

test('L.8 20 devices at once and one place: exactly one', async () => {
  const { licenseKey } = await app.given.license({ maxActivations: 1 });
  const answers = await atOnce(20, (n) => validate(app, licenseKey, `device ${n}`));
  expect(tally(answers)).toEqual({ '200': 20 });
  expect(valid(answers)).toBe(1);
  expect(await devicesOf(app, licenseKey)).toHaveLength(1);
});

test('50 devices at once and three places: exactly three', async () => {
  const { licenseKey } = await app.given.license({ maxActivations: 3 });
  const answers = await atOnce(50, (n) => validate(app, licenseKey, `device ${n}`));
  expect(valid(answers)).toBe(3);
  expect(await devicesOf(app, licenseKey)).toHaveLength(3);
  for (const { body } of answers) if (!body.valid) expect(body.error).toBe('activation_limit_reached');
});

test('one device 20 times at once takes one place, and every answer is valid', async () => {
  const { licenseKey } = await app.given.license({ maxActivations: 1 });
  const answers = await atOnce(20, () => validate(app, licenseKey, 'laptop'));
  expect(valid(answers)).toBe(20);
  expect((await licenseOf(app, licenseKey)).currentActivations).toBe(1);
});

test('devices that come and go at once never lose a place', async () => {
  const { licenseKey } = await app.given.license({ maxActivations: 4 });
  for (let n = 0; n < 4; n++) await validate(app, licenseKey, `old ${n}`);
  const [removed, added] = await Promise.all([
    atOnce(4, (n) => app.api.delete(`/api/licenses/${licenseKey}/activations/old%20${n}`)),
    atOnce(16, (n) => validate(app, licenseKey, `new ${n}`)),
  ]);
  expect(tally(removed)).toEqual({ '204': 4 });
  const taken = valid(added);
  expect((await licenseOf(app, licenseKey)).currentActivations).toBe(taken);
  const after = await atOnce(8, (n) => validate(app, licenseKey, `late ${n}`));
  expect(taken + valid(after)).toBe(4);
  expect(await devicesOf(app, licenseKey)).toHaveLength(4);
});

test('a device removed by many at once frees one place', async () => {
  const { licenseKey } = await app.given.license({ maxActivations: 2 });
  for (const device of ['a', 'b']) await validate(app, licenseKey, device);
  const answers = await atOnce(8, () => app.api.delete(`/api/licenses/${licenseKey}/activations/a`));
  expect(tally(answers)).toEqual({ '204': 1, '404 not_found': 7 });
  expect((await licenseOf(app, licenseKey)).currentActivations).toBe(1);
});

test('a revocation and registrations at once: whoever is first, and nothing after it', async () => {
  const { licenseKey } = await app.given.license();
  const [[revoked], answers] = await Promise.all([
    atOnce(1, () => putLicense(app, licenseKey, { status: 'revoked' })),
    atOnce(12, (n) => validate(app, licenseKey, `device ${n}`)),
  ]);
  expect(revoked!.status).toBe(200);
  expect(await devicesOf(app, licenseKey)).toHaveLength(valid(answers));
  expect((await validate(app, licenseKey, 'late')).body.error).toBe('license_revoked');
});

test('a deletion and registrations at once: removed unused, or revoked with its devices', async () => {
  const { licenseKey } = await app.given.license();
  const [[gone], answers] = await Promise.all([
    atOnce(1, () => app.api.delete(`/api/licenses/${licenseKey}`)),
    atOnce(6, (n) => validate(app, licenseKey, `device ${n}`)),
  ]);
  expect(gone!.status).toBe(204);
  const registered = answers.filter(({ status, body }) => status === 200 && body.valid).length;
  const after = await app.api.get(`/api/licenses/${licenseKey}`);
  expect(after.status).toBe(registered === 0 ? 404 : 200);
  if (registered > 0) expect(after.body).toMatchObject({ status: 'revoked', currentActivations: registered });
});

test('rotations at once leave one active key, and every key is kept', async () => {
  const fresh = await startApp();
  const answers = await atOnce(6, () => fresh.api.post('/api/licenses/keypair'));
  expect(tally(answers)).toEqual({ '201': 6 });
  const { active, keys } = (await fresh.api.get('/api/licenses/keypair')).body;
  expect(keys).toHaveLength(6);
  expect(keys.filter(({ status }: { status: string }) => status === 'active')).toEqual([active]);
  expect(await fresh.database.read('signing_keys').whereNotNull('private_key_enc')).toHaveLength(1);
  await fresh.close();
});

test('signatures, changes and rotations at once: the count has no gap and each signature is right', async () => {
  await rotate(app);
  const { licenseKey } = await app.given.license();
  await sign(app, licenseKey);
  const answers = await atOnce(12, (n) => {
    if (n % 4 === 0) return app.api.post('/api/licenses/keypair');
    if (n % 4 === 1) return putLicense(app, licenseKey, { features: { [`n${n}`]: true } });
    return app.api.post(`/api/licenses/${licenseKey}/sign`);
  });
  expect(tally(answers)).toEqual({ '200': 9, '201': 3 });
  const [row] = await app.database.read('licenses').where({ license_key: licenseKey });
  expect(Number(row.seq)).toBe(1 + 9);
});

test('imports of one key at once: one licence; second licences of a subscription: none', async () => {
  const { id: customerId } = await app.given.customer();
  const { id: productId } = await app.given.product();
  const body = { customerId, productId, licenseKey: 'ONE-OF-MANY' };
  const imports = await atOnce(6, () => app.api.post('/api/licenses', body));
  expect(tally(imports)).toEqual({ '201': 1, '409 already_exists': 5 });
  const { id: subscriptionId } = await app.given.subscription({ customerId });
  const ofOne = await atOnce(6, () => app.api.post('/api/licenses', { customerId, productId, subscriptionId }));
  expect(tally(ofOne)).toEqual({ '201': 1, '409 already_exists': 5 });
});

test('renewals, pauses, checks and the expiry job at once do not wait for each other in a circle', async () => {
  const template = { maxActivations: null, features: null };
  const { id: planId } = await app.given.plan({ licenseTemplate: template });
  const subs = await Promise.all(Array.from({ length: 8 }, () => app.given.subscription({ planId })));
  const keys = await Promise.all(subs.map(async ({ id }) => (await licenseOfSubscription(app, id)).licenseKey));
  app.clock.advance({ months: 1, days: 1 });
  const [answers] = await Promise.all([
    atOnce(24, (n) => {
      const [sub, key] = [subs[n % 8]!, keys[n % 8]!];
      if (n < 8) return validate(app, key, `device ${n}`);
      if (n < 16) return app.api.put(`/api/billing/subscriptions/${sub.id}`, { status: n % 2 ? 'paused' : 'canceled' });
      return putLicense(app, key, { features: { n } });
    }),
    runLifecycle(app.runtime),
    runLicenses(app.runtime),
  ]);
  expect(tally(answers)).toEqual({ '200': 24 });
});
