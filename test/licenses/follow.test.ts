import { afterEach, describe, expect, test } from '@jest/globals';
import { runLicenses } from '../../src/licenses/jobs.ts';
import { insertRows } from '../../src/platform/db/bulk.ts';
import { closeApps, putSubscription, run, runAt, startAt } from '../billing/support.ts';
import type { TestApp } from '../support/app.ts';
import { type Entity, exported, licenseOfSubscription, putLicense, rotate, sign, toldOf, verify } from './support.ts';

afterEach(closeApps);

const TEMPLATE = { maxActivations: 3, features: { seats: 3, beta: true } };
const FEATURES = { pro: true, beta: false };

async function sold(app: TestApp, over: object = {}, plan: object = {}): Promise<Entity> {
  const { id: planId } = await app.given.plan({ features: FEATURES, licenseTemplate: TEMPLATE, ...plan });
  return app.given.subscription({ planId, preRenewalInvoiceDays: 0, ...over });
}
const licence = licenseOfSubscription;

describe('worked values of rules L', () => {
  test('L.20 a monthly subscription: the end of its period and three days', async () => {
    const app = await startAt('2026-01-31T10:00:00.000Z');
    const sub = await sold(app);
    expect(await licence(app, sub.id)).toMatchObject({
      status: 'active',
      expiresAt: '2026-03-03T10:00:00.000Z',
      maxActivations: 3,
      features: { pro: true, beta: true, seats: 3 },
      customerId: sub.customerId,
      currentActivations: 0,
    });
  });

  test('L.21 a rollover on time', async () => {
    const app = await startAt('2026-01-31T10:00:00.000Z');
    const sub = await sold(app);
    const { licenseKey, id } = await licence(app, sub.id);
    await runAt(app, '2026-02-28T10:00:00.000Z');
    expect(await licence(app, sub.id)).toMatchObject({ licenseKey, expiresAt: '2026-04-03T10:00:00.000Z' });
    expect(await toldOf(app, id)).toEqual(['created']);
  });

  test('L.22 canceled now', async () => {
    const app = await startAt('2026-01-31T10:00:00.000Z');
    const sub = await sold(app);
    const { id } = await licence(app, sub.id);
    app.clock.set('2026-02-10T08:00:00.000Z');
    await app.api.delete(`/api/billing/subscriptions/${sub.id}`);
    expect(await licence(app, sub.id)).toMatchObject({ status: 'expired', expiresAt: '2026-02-10T08:00:00.000Z' });
    expect(await toldOf(app, id)).toEqual(['created', 'expired']);
  });
});

describe('the table of rules L8', () => {
  test('a trial carries it to its end and the days of grace; then the first period', async () => {
    const app = await startAt('2026-03-01T09:00:00.000Z');
    await app.api.put('/api/settings/billing', { licenseGraceDays: 5, licenseKeyPrefix: 'ACME' });
    const sub = await sold(app, { trialDays: 14 });
    const before = await licence(app, sub.id);
    expect(before.expiresAt).toBe('2026-03-20T09:00:00.000Z');
    expect(before.licenseKey).toMatch(/^ACME-/);
    await runAt(app, '2026-03-15T09:00:00.000Z');
    expect((await licence(app, sub.id)).expiresAt).toBe('2026-04-20T09:00:00.000Z');
  });

  test('a plan without template makes none; a plan without limit an unlimited one', async () => {
    const app = await startAt('2026-03-01T09:00:00.000Z');
    const none = await sold(app, {}, { licenseTemplate: null });
    expect(await licence(app, none.id)).toBeUndefined();
    const free = await sold(app, {}, { licenseTemplate: { maxActivations: null, features: null } });
    expect(await licence(app, free.id)).toMatchObject({ maxActivations: null, features: FEATURES });
  });

  test('paused: suspended, the date stays; resumed: active, the date moves first', async () => {
    const app = await startAt('2026-03-01T09:00:00.000Z');
    const sub = await sold(app);
    const { id, licenseKey, expiresAt } = await licence(app, sub.id);
    await putSubscription(app, sub.id, { status: 'paused' });
    expect(await licence(app, sub.id)).toMatchObject({ status: 'suspended', expiresAt });
    expect((await verify(app, licenseKey)).body.error).toBe('license_suspended');
    app.clock.set('2026-06-01T09:00:00.000Z');
    await app.cron.post('/api/billing/cron/licenses');
    expect((await licence(app, sub.id)).status).toBe('suspended');
    await putSubscription(app, sub.id, { status: 'active' });
    expect(await licence(app, sub.id)).toMatchObject({ status: 'active', expiresAt: '2026-07-04T09:00:00.000Z' });
    expect(await toldOf(app, id)).toEqual(['created', 'suspended subscription_paused', 'activated reinstated']);
  });

  test('what a person suspended, the resumption does not reinstate', async () => {
    const app = await startAt('2026-03-01T09:00:00.000Z');
    const sub = await sold(app);
    const { id, licenseKey } = await licence(app, sub.id);
    await putLicense(app, licenseKey, { status: 'suspended' });
    await putSubscription(app, sub.id, { status: 'paused' });
    await putSubscription(app, sub.id, { status: 'active' });
    expect((await licence(app, sub.id)).status).toBe('suspended');
    expect(await toldOf(app, id)).toEqual(['created', 'suspended requested']);
  });

  test('canceled at the end of the period: active until the days of grace are over', async () => {
    const app = await startAt('2026-03-01T09:00:00.000Z');
    const sub = await sold(app);
    const { licenseKey } = await licence(app, sub.id);
    await putSubscription(app, sub.id, { cancelAtPeriodEnd: true });
    await runAt(app, '2026-04-02T09:00:00.000Z');
    expect(await licence(app, sub.id)).toMatchObject({ status: 'active', expiresAt: '2026-04-04T09:00:00.000Z' });
    app.clock.set('2026-04-04T08:59:59.999Z');
    expect((await verify(app, licenseKey)).body.valid).toBe(true);
    app.clock.set('2026-04-04T09:00:00.000Z');
    expect((await verify(app, licenseKey)).body.error).toBe('license_expired');
    expect((await app.cron.post('/api/billing/cron/licenses')).body).toMatchObject({ expired: 1, errors: [] });
    expect((await app.cron.post('/api/billing/cron/licenses')).body).toMatchObject({ expired: 0, errors: [] });
    expect((await licence(app, sub.id)).status).toBe('expired');
  });

  test('suspended and canceled now: stays suspended, with the date', async () => {
    const app = await startAt('2026-03-01T09:00:00.000Z');
    const sub = await sold(app);
    await putSubscription(app, sub.id, { status: 'paused' });
    await app.api.delete(`/api/billing/subscriptions/${sub.id}`);
    expect(await licence(app, sub.id)).toMatchObject({ status: 'suspended', expiresAt: app.clock.now() });
  });

  test('L3 a run that comes months late locks nobody out, and catches up', async () => {
    const app = await startAt('2026-01-01T00:00:00.000Z');
    const sub = await sold(app);
    const { licenseKey } = await licence(app, sub.id);
    app.clock.set('2026-06-15T00:00:00.000Z');
    await app.cron.post('/api/billing/cron/licenses');
    expect((await verify(app, licenseKey)).body).toMatchObject({ valid: true, expiresAt: '2026-02-04T00:00:00.000Z' });
    await run(app);
    expect((await verify(app, licenseKey)).body).toMatchObject({ valid: true, expiresAt: '2026-07-04T00:00:00.000Z' });
  });

  test('more licences than a batch holds expire in one run, each once', async () => {
    const app = await startAt('2026-03-01T09:00:00.000Z');
    const { id, customerId } = await app.given.license({ expiresAt: '2026-03-02T00:00:00Z' });
    const [row] = await app.database.read('licenses').where({ id });
    const copies = Array.from({ length: 430 }, (_, n) => ({
      ...row,
      id: app.runtime.newIdAt(row.created_at),
      license_key: `L-${n}`,
    }));
    await insertRows(app.database.write, 'licenses', copies);
    app.clock.set('2026-03-02T00:00:00.000Z');
    const runs = await Promise.all([runLicenses(app.runtime), runLicenses(app.runtime)]);
    expect(runs.reduce((sum, { expired }) => sum + expired, 0)).toBe(431);
    await app.drain();
    const told = await app.database.read('events').where({ type: 'license.expired', customer_id: customerId });
    expect(new Set(told.map((event) => event.resource_id)).size).toBe(431);
    await app.database.write('licenses').whereNot({ id }).delete(); // their creation was never told
  });

  test('a revoked one follows nothing', async () => {
    const app = await startAt('2026-03-01T09:00:00.000Z');
    const sub = await sold(app);
    const { licenseKey, expiresAt } = await licence(app, sub.id);
    await putLicense(app, licenseKey, { status: 'revoked' });
    await runAt(app, '2026-04-01T09:00:00.000Z');
    await putSubscription(app, sub.id, { status: 'paused' });
    await putSubscription(app, sub.id, { status: 'active' });
    expect(await licence(app, sub.id)).toMatchObject({ status: 'revoked', expiresAt });
  });

  test('an end of its own that a person set is kept where the plan has no licences', async () => {
    const app = await startAt('2026-03-01T09:00:00.000Z');
    const sub = await sold(app, {}, { licenseTemplate: null });
    const { customerId, id: subscriptionId } = sub;
    const made = { customerId, subscriptionId, expiresAt: '2026-03-20T00:00:00Z' };
    const { licenseKey } = await app.given.license(made);
    await runAt(app, '2026-04-01T09:00:00.000Z');
    expect(await licence(app, sub.id)).toMatchObject({ licenseKey, expiresAt: '2026-03-20T00:00:00.000Z' });
    await app.api.delete(`/api/billing/subscriptions/${sub.id}`);
    expect(await licence(app, sub.id)).toMatchObject({ status: 'expired', expiresAt: app.clock.now() });
  });

  test('409 already_exists: a second licence for a subscription, until the first is revoked', async () => {
    const app = await startAt('2026-03-01T09:00:00.000Z');
    const sub = await sold(app);
    const { licenseKey, productId } = await licence(app, sub.id);
    const second = { customerId: sub.customerId, productId, subscriptionId: sub.id };
    const answer = await app.api.post('/api/licenses', second);
    expect([answer.status, answer.body.error, Object.keys(answer.body.fields)]).toEqual([
      409,
      'already_exists',
      ['subscriptionId'],
    ]);
    await putLicense(app, licenseKey, { status: 'revoked' });
    expect((await app.api.post('/api/licenses', second)).status).toBe(201);
  });
});

describe('signed again in the same commit (rules L10)', () => {
  test('by a rollover, with the active key; the count goes on and the names stay those at signing', async () => {
    const app = await startAt('2026-01-31T10:00:00.000Z');
    const old = await rotate(app);
    const sub = await sold(app);
    const { licenseKey } = await licence(app, sub.id);
    await sign(app, licenseKey);
    const first = JSON.parse((await sign(app, licenseKey)).payload);
    expect([first.seq, first.kid, first.expiresAt]).toEqual([2, old.kid, '2026-03-03']);
    const { kid } = await rotate(app);
    await app.api.put(`/api/customers/${sub.customerId}`, { name: 'Renamed' });
    const before = await exported(app, licenseKey);
    await runAt(app, '2026-02-28T10:00:00.000Z');
    const file = await exported(app, licenseKey);
    expect(file).not.toBe(before);
    const payload = JSON.parse(Buffer.from(file.split('-----')[2]!, 'base64').toString());
    expect(payload).toMatchObject({
      seq: 3,
      kid,
      expiresAt: '2026-04-03',
      issuedAt: '2026-02-28',
      customerName: 'Renamed',
    });
    expect(await licence(app, sub.id)).toMatchObject({ signingKeyId: kid, signedAt: app.clock.now() });
  });

  test('not by a pause, which no member of the file states', async () => {
    const app = await startAt('2026-01-31T10:00:00.000Z');
    await rotate(app);
    const sub = await sold(app);
    const { licenseKey } = await licence(app, sub.id);
    await sign(app, licenseKey);
    const before = await exported(app, licenseKey);
    await putSubscription(app, sub.id, { status: 'paused' });
    expect(await exported(app, licenseKey)).toBe(before);
    await putSubscription(app, sub.id, { status: 'active' });
    expect(await exported(app, licenseKey)).toBe(before);
  });
});
