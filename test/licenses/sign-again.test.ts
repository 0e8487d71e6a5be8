import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, test } from '@jest/globals';
import { checkInvariants } from '../../src/billing/audit/invariants.ts';
import { reencryptSigningKey, runLicenses } from '../../src/licenses/jobs.ts';
import { openSigner } from '../../src/licenses/signing/signing-key.ts';
import { createVault } from '../../src/platform/secrets.ts';
import { readFigures } from '../../src/system/figures.ts';
import { changePlan, closeApps, invoicesOf, pay, putSubscription, runAt, startAt } from '../billing/support.ts';
import { type TestApp, testConfig } from '../support/app.ts';
import {
  type Entity,
  exported,
  licenseOf,
  licenseOfSubscription,
  putLicense,
  rotate,
  sign,
  verifyFile,
} from './support.ts';

afterEach(closeApps);

const START = '2026-01-31T10:00:00.000Z';
const ROLLOVER = '2026-02-28T10:00:00.000Z';
const TEMPLATE = { maxActivations: 3, features: { pro: true } };

/** A monthly subscription with a signed licence. */
async function signedSubscription(): Promise<{ app: TestApp; sub: Entity; key: string }> {
  const app = await startAt(START);
  await rotate(app);
  const { id: planId } = await app.given.plan({ licenseTemplate: TEMPLATE });
  const sub = await app.given.subscription({ planId, preRenewalInvoiceDays: 0 });
  const { licenseKey } = await licenseOfSubscription(app, sub.id);
  await sign(app, licenseKey);
  return { app, sub, key: licenseKey };
}

const lose = ({ runtime }: TestApp): void => {
  runtime.vault = createVault('a secret key that knows nothing of it');
};
const find = ({ runtime }: TestApp): void => {
  runtime.vault = createVault(testConfig.secretKey);
};
const payloadOf = (file: string) => JSON.parse(Buffer.from(file.split('-----')[2]!, 'base64').toString());
const figure = async (app: TestApp, name: string) =>
  (await readFigures(app.database.read, app.clock.now())).find((one) => one.name === name)!.value;
const exportStatus = async (app: TestApp, key: string) => {
  const { status, body } = await app.api.get(`/api/licenses/${key}/export`);
  return status === 200 ? 200 : [status, body.error];
};

describe('a signing key that cannot be read (rules L15)', () => {
  test('the renewal is billed, the licence extended and marked; the key comes back and the job signs', async () => {
    const { app, sub, key } = await signedSubscription();
    const before = await exported(app, key);
    lose(app);
    expect(await runAt(app, ROLLOVER)).toMatchObject({ renewed: 1 });
    expect(await invoicesOf(app, sub.id)).toHaveLength(2);
    expect((await app.api.get('/api/billing/parked')).body).toEqual([]);
    expect(await licenseOf(app, key)).toMatchObject({
      expiresAt: '2026-04-03T10:00:00.000Z',
      signaturePending: true,
      signedAt: START,
    });
    expect(await figure(app, 'licenses_unsigned')).toBe(1);
    expect((await app.api.get('/api/licenses?signaturePending=true')).body).toMatchObject([{ licenseKey: key }]);
    expect((await app.api.get('/api/licenses?signaturePending=false')).body).toEqual([]);
    expect(await exported(app, key)).toBe(before); // it states less than the licence grants, and is still in force
    expect((await verifyFile(app, before)).body).toMatchObject({ valid: true });
    await app.drain();
    expect(await checkInvariants(app.database.read, app.clock.now())).toEqual([]);
    const waiting = (await app.cron.post('/api/billing/cron/licenses')).body;
    expect([waiting.signed, waiting.errors.length]).toEqual([0, 1]);
    find(app);
    expect((await app.cron.post('/api/billing/cron/licenses')).body).toMatchObject({ signed: 1, errors: [] });
    expect((await app.cron.post('/api/billing/cron/licenses')).body).toMatchObject({ signed: 0, errors: [] });
    expect(payloadOf(await exported(app, key))).toMatchObject({ seq: 2, expiresAt: '2026-04-03' });
    expect(await licenseOf(app, key)).toMatchObject({ signaturePending: false });
    expect(await figure(app, 'licenses_unsigned')).toBe(0);
  });

  test('the key is lost for good: a new one signs what waits', async () => {
    const { app, key } = await signedSubscription();
    lose(app);
    await runAt(app, ROLLOVER);
    const { kid } = await rotate(app);
    expect((await app.cron.post('/api/billing/cron/licenses')).body).toMatchObject({ signed: 1, errors: [] });
    expect(payloadOf(await exported(app, key))).toMatchObject({ seq: 2, kid });
  });

  test('so does the next change, and sign', async () => {
    const { app, key } = await signedSubscription();
    lose(app);
    await putLicense(app, key, { maxActivations: 4 });
    find(app);
    await putLicense(app, key, { status: 'suspended' });
    expect(await licenseOf(app, key)).toMatchObject({ signaturePending: false });
    lose(app);
    await putLicense(app, key, { status: 'active', maxActivations: 5 });
    expect(await licenseOf(app, key)).toMatchObject({ signaturePending: true });
    find(app);
    expect(payloadOf((await sign(app, key)).file)).toMatchObject({ seq: 3, maxActivations: 5 });
    expect(await licenseOf(app, key)).toMatchObject({ signaturePending: false });
  });

  test('what is damaged inside the seal counts as well', async () => {
    const { app, key } = await signedSubscription();
    const [{ kid, private_key_enc: sealed }] = await app.database.read('signing_keys');
    const noKey = app.runtime.vault.encrypt(randomBytes(48).toString('base64'), `signing_keys.private_key_enc.${kid}`);
    expect(() => openSigner(app.runtime.vault, kid, noKey)).toThrow();
    await app.database.write('signing_keys').update({ private_key_enc: noKey });
    expect(await runAt(app, ROLLOVER)).toMatchObject({ renewed: 1 });
    expect(await licenseOf(app, key)).toMatchObject({ signaturePending: true });
    await app.database.write('signing_keys').update({ private_key_enc: sealed });
  });

  test('the last file is handed out while it is true, and no longer', async () => {
    const { app, key } = await signedSubscription();
    lose(app);
    await putLicense(app, key, { maxActivations: 4 });
    expect(await exportStatus(app, key)).toBe(200);
    await putLicense(app, key, { maxActivations: 2 });
    expect(await exportStatus(app, key)).toEqual([409, 'conflict']);
    await putLicense(app, key, { maxActivations: null });
    expect(await exportStatus(app, key)).toBe(200);
    await putLicense(app, key, { features: { pro: true, more: 1 } });
    expect(await exportStatus(app, key)).toEqual([409, 'conflict']);
    await putLicense(app, key, { features: { pro: true } });
    expect(await exportStatus(app, key)).toBe(200);
    await putLicense(app, key, { expiresAt: '2026-03-03T09:00:00Z' });
    expect(await exportStatus(app, key)).toEqual([409, 'conflict']);
    await putLicense(app, key, { expiresAt: null });
    expect(await exportStatus(app, key)).toBe(200);
    app.clock.set('2026-03-03T10:00:00.000Z'); // the end that the file states
    expect(await exportStatus(app, key)).toEqual([409, 'conflict']);
  });

  test('the last file is not true of another product, and the first mark says since when', async () => {
    const { app, sub, key } = await signedSubscription();
    const other = await app.given.plan({ licenseTemplate: TEMPLATE });
    lose(app);
    app.clock.set('2026-02-05T00:00:00.000Z');
    await putLicense(app, key, { maxActivations: 4 });
    app.clock.set('2026-02-06T00:00:00.000Z');
    expect((await changePlan(app, sub.id, { newPlanId: other.id })).status).toBe(200);
    expect(await licenseOf(app, key)).toMatchObject({ productId: other.productId, features: { pro: true } });
    expect(await exportStatus(app, key)).toEqual([409, 'conflict']);
    expect(await app.database.read('licenses').where({ license_key: key })).toMatchObject([
      { unsigned_since: '2026-02-05T00:00:00.000Z' },
    ]);
  });

  test('a cancellation ends the licence, and its file is refused until it is signed again', async () => {
    const { app, sub, key } = await signedSubscription();
    lose(app);
    await app.api.delete(`/api/billing/subscriptions/${sub.id}`);
    expect(await licenseOf(app, key)).toMatchObject({ status: 'expired', signaturePending: true });
    expect(await exportStatus(app, key)).toEqual([409, 'conflict']);
    find(app);
    expect((await app.cron.post('/api/billing/cron/licenses')).body).toMatchObject({ signed: 1 });
    expect(payloadOf(await exported(app, key))).toMatchObject({ seq: 2, expiresAt: '2026-01-31' });
  });

  test('a revoked one is not signed any more', async () => {
    const { app, key } = await signedSubscription();
    lose(app);
    await putLicense(app, key, { maxActivations: 2 });
    await putLicense(app, key, { status: 'revoked' });
    expect((await app.cron.post('/api/billing/cron/licenses')).body).toMatchObject({ signed: 0, errors: [] });
    find(app);
    expect((await app.cron.post('/api/billing/cron/licenses')).body).toMatchObject({ signed: 0, errors: [] });
    expect(await figure(app, 'licenses_unsigned')).toBe(0);
    expect(await exportStatus(app, key)).toEqual([409, 'conflict']);
  });

  test('a payment that resumes or heals is recorded', async () => {
    const { app, sub, key } = await signedSubscription();
    await runAt(app, ROLLOVER);
    const [, second] = await invoicesOf(app, sub.id);
    await putSubscription(app, sub.id, { status: 'paused' });
    app.clock.set('2026-05-01T00:00:00.000Z');
    lose(app);
    expect((await putSubscription(app, sub.id, { status: 'active' })).status).toBe(200);
    expect((await pay(app, second.id, second.total)).status).toBe(201);
    expect(await licenseOf(app, key)).toMatchObject({ status: 'active', signaturePending: true });
  });

  test('many are signed in bounded batches, by two at once, each once', async () => {
    const { app, key } = await signedSubscription();
    const keys = [key];
    for (let n = 0; n < 6; n++) {
      const { licenseKey } = await app.given.license();
      await sign(app, licenseKey);
      keys.push(licenseKey);
    }
    lose(app);
    for (const one of keys) await putLicense(app, one, { maxActivations: 9 });
    find(app);
    const runs = await Promise.all([runLicenses(app.runtime), runLicenses(app.runtime)]);
    expect(runs.reduce((sum, { signed }) => sum + signed, 0)).toBe(7);
    for (const one of keys) expect(payloadOf(await exported(app, one))).toMatchObject({ seq: 2, maxActivations: 9 });
  });
});

describe('at start (rules H7)', () => {
  test('the signing key is sealed under the present SECRET_KEY; one that cannot be read stops nothing', async () => {
    const { app, key } = await signedSubscription();
    app.runtime.vault = createVault('the secret key after the rotation, long', testConfig.secretKey);
    await reencryptSigningKey(app.runtime);
    app.runtime.vault = createVault('the secret key after the rotation, long');
    expect(payloadOf((await sign(app, key)).file)).toMatchObject({ seq: 2 });
    lose(app);
    await reencryptSigningKey(app.runtime);
  });
});
