import { afterEach, describe, expect, test } from '@jest/globals';
import {
  changePlan,
  closeApps,
  pay,
  putInvoice,
  putSubscription,
  refund,
  run,
  runAt,
  startAt,
} from '../billing/support.ts';
import type { TestApp } from '../support/app.ts';
import { type Entity, licenseOfSubscription, putLicense, toldOf, verify } from './support.ts';

afterEach(closeApps);

const START = '2026-01-31T10:00:00.000Z';
const FAR = '2029-01-01T00:00:00.000Z';
const TEMPLATE = { maxActivations: 3, features: { seats: 3 } };

interface Sold {
  app: TestApp;
  sub: Entity;
  license: Entity;
  /** `[expiresAt, status]` now. */
  end(): Promise<[string | null, string]>;
}

/** A subscription with a licence that a person made; `expiresAt` null is never. */
async function byHand(expiresAt: string | null, plan: object = {}): Promise<Sold> {
  const app = await startAt(START);
  const { id: planId } = await app.given.plan({ licenseTemplate: TEMPLATE, ...plan });
  const sub = await app.given.subscription({ planId, preRenewalInvoiceDays: 0 });
  const made = await licenseOfSubscription(app, sub.id);
  if (made) await putLicense(app, made.licenseKey, { status: 'revoked' });
  const license = await app.given.license({ customerId: sub.customerId, subscriptionId: sub.id, expiresAt });
  return { app, sub, license, end: () => endOf(app, license) };
}

async function endOf(app: TestApp, { licenseKey }: Entity): Promise<[string | null, string]> {
  const { body } = await app.api.get(`/api/licenses/${licenseKey}`);
  return [body.expiresAt, body.status];
}

/** A subscription with the licence of its plan's template. */
async function fromTemplate(): Promise<Sold> {
  const app = await startAt(START);
  const { id: planId } = await app.given.plan({ licenseTemplate: TEMPLATE });
  const sub = await app.given.subscription({ planId, preRenewalInvoiceDays: 0 });
  const license = await licenseOfSubscription(app, sub.id);
  return { app, sub, license, end: () => endOf(app, license) };
}

const cancelNow = ({ app, sub }: Sold) => app.api.delete(`/api/billing/subscriptions/${sub.id}`);
const runLicenceJob = ({ app }: Sold) => app.cron.post('/api/billing/cron/licenses');

describe('worked values of rules L8: an end that a person gave', () => {
  test('L.23 two rollovers move it nowhere', async () => {
    const sold = await byHand(FAR);
    await runAt(sold.app, '2026-02-28T10:00:00.000Z');
    expect(await sold.end()).toEqual([FAR, 'active']);
    await runAt(sold.app, '2026-03-31T10:00:00.000Z');
    expect(await sold.end()).toEqual([FAR, 'active']);
    expect(await toldOf(sold.app, sold.license.id)).toEqual(['created']);
  });

  test('L.24 canceled now it goes on, and expires on its day', async () => {
    const sold = await byHand(FAR);
    sold.app.clock.set('2026-02-10T08:00:00.000Z');
    await cancelNow(sold);
    await runLicenceJob(sold);
    expect(await sold.end()).toEqual([FAR, 'active']);
    expect((await verify(sold.app, sold.license.licenseKey)).body).toMatchObject({ valid: true, expiresAt: FAR });
    sold.app.clock.set(FAR);
    await runLicenceJob(sold);
    expect(await sold.end()).toEqual([FAR, 'expired']);
  });

  test("L.25 canceled at the period's end it goes on", async () => {
    const sold = await byHand(FAR);
    await putSubscription(sold.app, sold.sub.id, { cancelAtPeriodEnd: true });
    await runAt(sold.app, '2026-02-28T10:00:00.000Z');
    sold.app.clock.set('2026-03-31T00:00:00.000Z');
    await runLicenceJob(sold);
    expect(await sold.end()).toEqual([FAR, 'active']);
  });

  test('L.26 never stays never', async () => {
    const sold = await byHand(null);
    await runAt(sold.app, '2026-02-28T10:00:00.000Z');
    expect(await sold.end()).toEqual([null, 'active']);
    await cancelNow(sold);
    await runLicenceJob(sold);
    expect(await sold.end()).toEqual([null, 'active']);
    expect((await verify(sold.app, sold.license.licenseKey)).body.valid).toBe(true);
  });

  test('L.27 a rollover moves it later, and a cancellation back to what was given', async () => {
    const sold = await byHand('2026-03-01T00:00:00.000Z');
    await runAt(sold.app, '2026-02-28T10:00:00.000Z');
    expect(await sold.end()).toEqual(['2026-04-03T10:00:00.000Z', 'active']);
    sold.app.clock.set('2026-02-28T12:00:00.000Z');
    await cancelNow(sold);
    expect(await sold.end()).toEqual(['2026-03-01T00:00:00.000Z', 'active']);
  });

  test('L.28 given before the cancellation: it ends with the subscription', async () => {
    const sold = await byHand('2026-02-05T00:00:00.000Z');
    sold.app.clock.set('2026-02-10T08:00:00.000Z');
    await cancelNow(sold);
    expect(await sold.end()).toEqual(['2026-02-10T08:00:00.000Z', 'expired']);
  });

  test('L.29 a pause suspends it, the resumption moves it nowhere', async () => {
    const sold = await byHand(FAR);
    sold.app.clock.set('2026-02-10T08:00:00.000Z');
    await putSubscription(sold.app, sold.sub.id, { status: 'paused' });
    expect(await sold.end()).toEqual([FAR, 'suspended']);
    sold.app.clock.set('2026-06-01T08:00:00.000Z');
    await putSubscription(sold.app, sold.sub.id, { status: 'active' });
    expect(await sold.end()).toEqual([FAR, 'active']);
  });

  test('L.30 canceled while paused: suspended until a person reinstates it', async () => {
    const sold = await byHand(FAR);
    sold.app.clock.set('2026-02-10T08:00:00.000Z');
    await putSubscription(sold.app, sold.sub.id, { status: 'paused' });
    sold.app.clock.set('2026-02-11T08:00:00.000Z');
    await cancelNow(sold);
    expect(await sold.end()).toEqual([FAR, 'suspended']);
    await putLicense(sold.app, sold.license.licenseKey, { status: 'active' });
    expect(await sold.end()).toEqual([FAR, 'active']);
  });

  test('L.31 to a plan without template, on, and back', async () => {
    const sold = await byHand(FAR);
    const { app, sub } = sold;
    const none = await app.given.plan({ licenseTemplate: null });
    app.clock.set('2026-02-10T08:00:00.000Z');
    expect((await changePlan(app, sub.id, { newPlanId: none.id })).status).toBe(200);
    expect(await sold.end()).toEqual([FAR, 'active']);
    await runAt(app, '2026-02-28T10:00:00.000Z');
    expect(await sold.end()).toEqual([FAR, 'active']);
    app.clock.set('2026-03-10T08:00:00.000Z');
    expect((await changePlan(app, sub.id, { newPlanId: sub.planId })).status).toBe(200);
    expect(await sold.end()).toEqual([FAR, 'active']);
    expect(await toldOf(app, sold.license.id)).toEqual(['created']);
  });

  test('L.32 given by PUT to the licence of a template', async () => {
    const sold = await fromTemplate();
    await putLicense(sold.app, sold.license.licenseKey, { expiresAt: FAR });
    await runAt(sold.app, '2026-02-28T10:00:00.000Z');
    expect(await sold.end()).toEqual([FAR, 'active']);
    await cancelNow(sold);
    expect(await sold.end()).toEqual([FAR, 'active']);
  });

  test('L.33 the same end again gives nothing', async () => {
    const sold = await fromTemplate();
    const { licenseKey, expiresAt } = sold.license;
    await putLicense(sold.app, licenseKey, { expiresAt, maxActivations: 4 });
    sold.app.clock.set('2026-02-10T08:00:00.000Z');
    await cancelNow(sold);
    expect(await sold.end()).toEqual(['2026-02-10T08:00:00.000Z', 'expired']);
  });

  test('L.34 where the plan has no licences it is kept as it is', async () => {
    const sold = await byHand('2026-03-20T00:00:00.000Z', { licenseTemplate: null });
    await runAt(sold.app, '2026-02-28T10:00:00.000Z');
    await runAt(sold.app, '2026-03-31T10:00:00.000Z');
    expect(await sold.end()).toEqual(['2026-03-20T00:00:00.000Z', 'active']);
  });

  test('L.35 a refund and a void invoice move nothing', async () => {
    const sold = await byHand(FAR);
    const { app, sub } = sold;
    const invoices = async () => (await app.api.get(`/api/billing/invoices?subscriptionId=${sub.id}`)).body as Entity[];
    const [first] = await invoices();
    await pay(app, first!.id, first!.total);
    const [payment] = (await app.api.get(`/api/billing/payments?invoiceId=${first!.id}`)).body;
    expect((await refund(app, payment.id, first!.total)).status).toBe(201);
    await runAt(app, '2026-02-28T10:00:00.000Z');
    const [second] = await invoices();
    expect((await putInvoice(app, second!.id, { status: 'void' })).status).toBe(200);
    expect(await sold.end()).toEqual([FAR, 'active']);
  });
});

test('a later PUT gives another end, an earlier one too', async () => {
  const sold = await byHand(FAR);
  const soon = '2026-02-15T00:00:00.000Z';
  await putLicense(sold.app, sold.license.licenseKey, { expiresAt: soon });
  sold.app.clock.set('2026-02-10T08:00:00.000Z');
  await cancelNow(sold);
  expect(await sold.end()).toEqual([soon, 'active']);
  sold.app.clock.set(soon);
  await runLicenceJob(sold);
  expect(await sold.end()).toEqual([soon, 'expired']);
  await run(sold.app);
});
