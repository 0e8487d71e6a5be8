import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type LicenseState, verifyLicenseFile } from '../../generated/sdk/src/license.ts';
import { runAt } from '../billing/support.ts';
import {
  exported,
  licenseOf,
  licenseOfSubscription,
  rotate,
  sign,
  toldOf,
  validate,
  verify,
} from '../licenses/support.ts';
import { startApp, type TestApp } from '../support/app.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp({ now: '2026-01-31T10:00:00.000Z', config: { sessionExpiryDays: 1000 } });
});
afterAll(() => app.close());

test('a licence follows its subscription through half a year, online and as a file', async () => {
  const product = await app.given.product({ name: 'Studio' });
  const plan = (name: string, basePrice: string, features: object, maxActivations: number) =>
    app.given.plan({
      productId: product.id,
      name,
      basePrice,
      features,
      licenseTemplate: { maxActivations, features: {} },
    });
  const basic = await plan('Basic', '50.00', { draw: true }, 2);
  const pro = await plan('Pro', '100.00', { draw: true, render: true }, 3);
  await rotate(app);
  const sub = await app.given.subscription({ planId: basic.id, trialDays: 14, preRenewalInvoiceDays: 0 });
  const path = `/api/billing/subscriptions/${sub.id}`;
  const { licenseKey: key, id } = await licenseOfSubscription(app, sub.id);
  await sign(app, key);
  const publicKeys = (await app.anonymous.get('/.well-known/jwks.json')).body;
  let state: LicenseState | null = null;

  /** What the product sees: by the API, with the newest file, and with that file and a week of grace. */
  async function look(): Promise<string[]> {
    const { body } = await verify(app, key, { productId: product.id });
    const file = await exported(app, key);
    const seen = [`${body.valid ? 'valid' : body.error} until ${body.expiresAt.slice(0, 10)}`];
    for (const graceDays of [0, 7]) {
      const now = new Date(app.clock.now());
      const result = await verifyLicenseFile(file, { publicKeys, productId: product.id, state, now, graceDays });
      state = result.state;
      seen.push(result.valid ? result.license.features.join('+') : result.reason);
    }
    return seen;
  }
  const put = async (body: object) => expect((await app.api.put(path, body)).status).toBe(200);
  const at = (now: string) => app.clock.set(`${now}T10:00:00.000Z`);

  expect(await look()).toEqual(['valid until 2026-02-17', 'draw', 'draw']); // the trial and three days
  for (const device of ['studio-1', 'studio-2']) expect((await validate(app, key, device)).body.valid).toBe(true);
  expect((await validate(app, key, 'studio-3')).body).toMatchObject({
    valid: false,
    error: 'activation_limit_reached',
  });

  await runAt(app, '2026-02-14T10:00:00.000Z'); // the first paid period
  expect(await look()).toEqual(['valid until 2026-03-17', 'draw', 'draw']);

  at('2026-02-20');
  const change = await app.api.post(`${path}/change-plan`, { newPlanId: pro.id });
  expect(change.status).toBe(200);
  expect(await look()).toEqual(['valid until 2026-03-17', 'draw+render', 'draw+render']);
  expect((await validate(app, key, 'studio-3')).body).toMatchObject({ valid: true, currentActivations: 3 });

  at('2026-02-25');
  await put({ status: 'paused' });
  expect(await look()).toEqual(['license_suspended until 2026-03-17', 'draw+render', 'draw+render']);
  expect((await validate(app, key, 'studio-1')).body).toMatchObject({ valid: false, error: 'license_suspended' });

  at('2026-03-01');
  await put({ status: 'active' });
  expect(await look()).toEqual(['valid until 2026-03-17', 'draw+render', 'draw+render']);

  at('2026-03-21'); // the billing run is a week late: the grace of the product bridges what the file cannot know
  expect(await look()).toEqual(['valid until 2026-03-17', 'expired', 'draw+render']);
  expect((await validate(app, key, 'studio-1')).body.valid).toBe(true);
  await runAt(app, '2026-03-21T10:00:00.000Z');
  expect(await look()).toEqual(['valid until 2026-04-17', 'draw+render', 'draw+render']);

  at('2026-04-01');
  await put({ cancelAtPeriodEnd: true });
  expect(await look()).toEqual(['valid until 2026-04-17', 'draw+render', 'draw+render']);
  await runAt(app, '2026-04-14T10:00:00.000Z');
  expect((await app.api.get(path)).body).toMatchObject({ status: 'canceled', canceledAt: '2026-04-14T10:00:00.000Z' });
  at('2026-04-16');
  expect(await look()).toEqual(['valid until 2026-04-17', 'draw+render', 'draw+render']);

  at('2026-04-25');
  expect(await look()).toEqual(['license_expired until 2026-04-17', 'expired', 'expired']);
  expect((await app.cron.post('/api/billing/cron/licenses')).status).toBe(200);
  expect(await licenseOf(app, key)).toMatchObject({ status: 'expired', currentActivations: 3 });
  expect(await toldOf(app, id)).toEqual([
    ...['created', 'activated device', 'activated device', 'activated device'],
    ...['suspended subscription_paused', 'activated reinstated', 'expired'],
  ]);
});
