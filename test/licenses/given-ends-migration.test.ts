import { afterEach, expect, test } from '@jest/globals';
import { givenEnds } from '../../src/migrations/0030-given-ends.ts';
import { migrate, rollback } from '../../src/platform/db/migrate.ts';
import { closeApps, runAt, startAt } from '../billing/support.ts';
import type { TestApp } from '../support/app.ts';
import { type Entity, exported, licenseOf, licenseOfSubscription, putLicense, rotate, sign } from './support.ts';

afterEach(closeApps);

const FAR = '2029-01-01T00:00:00.000Z';
const NEAR = '2026-03-03T10:00:00.000Z';

/** As the database was when a subscription moved every end: the given ends are not known, and these licences shortened. */
async function shortened(app: TestApp, keys: string[]): Promise<void> {
  await rollback(app.database, [givenEnds]);
  await app.database.write('licenses').whereIn('license_key', keys).update({ expires_at: NEAR });
  await migrate(app.database, app.clock.now(), [givenEnds]);
}

const given = async (app: TestApp, key: string) => {
  const [row] = await app.database.read('licenses').where({ license_key: key });
  return [Boolean(row.end_given), row.given_until, row.expires_at, row.unsigned_since !== null];
};

test('the ends that persons gave are found in the audit log; what was shortened and is in force is given back', async () => {
  const app = await startAt('2026-01-31T10:00:00.000Z');
  await rotate(app);
  const plan = await app.given.plan({ licenseTemplate: { maxActivations: 3, features: null } });
  const none = await app.given.plan({ licenseTemplate: null });
  const sold = (planId: string) => app.given.subscription({ planId, preRenewalInvoiceDays: 0 });
  const byHand = async (expiresAt: string | null): Promise<string> => {
    const { id: subscriptionId, customerId } = await sold(none.id);
    return (await app.given.license({ customerId, subscriptionId, expiresAt })).licenseKey;
  };
  const templated = async (): Promise<Entity> => licenseOfSubscription(app, (await sold(plan.id)).id);
  const [untouched, put] = [await templated(), await templated()];
  await putLicense(app, put.licenseKey, { expiresAt: '2028-01-01T00:00:00Z' });
  await putLicense(app, put.licenseKey, { expiresAt: FAR });
  await putLicense(app, put.licenseKey, { maxActivations: 9 });
  const [far, never, ended, loose] = [
    await byHand(FAR),
    await byHand(null),
    await byHand(FAR),
    await app.given.license(),
  ];
  await sign(app, far);
  const file = await exported(app, far);
  await app.database.write('licenses').where({ license_key: ended }).update({ status: 'expired' });
  await shortened(app, [put.licenseKey, far, never, ended]);

  expect(await given(app, untouched.licenseKey)).toEqual([false, null, NEAR, false]);
  expect(await given(app, put.licenseKey)).toEqual([true, FAR, FAR, false]);
  expect(await given(app, far)).toEqual([true, FAR, FAR, true]);
  expect(await given(app, never)).toEqual([true, null, null, false]);
  expect(await given(app, ended)).toEqual([true, NEAR, NEAR, false]);
  expect(await given(app, loose.licenseKey)).toEqual([true, null, null, false]);

  expect((await app.cron.post('/api/billing/cron/licenses')).body).toMatchObject({ signed: 1, errors: [] });
  expect(await exported(app, far)).not.toBe(file);
  expect(await licenseOf(app, far)).toMatchObject({ expiresAt: FAR, signaturePending: false });
  await runAt(app, '2026-02-28T10:00:00.000Z');
  expect((await licenseOf(app, put.licenseKey)).expiresAt).toBe(FAR);
  expect((await licenseOf(app, untouched.licenseKey)).expiresAt).toBe('2026-04-03T10:00:00.000Z');
  // its end was put into the database past its event
  await app.database.write('licenses').where({ license_key: ended }).update({ status: 'active' });
});
