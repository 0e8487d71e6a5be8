import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { versionOf } from '../../src/billing/plans/plan.ts';
import { findPlan } from '../../src/billing/plans/store.ts';
import { toSubscription } from '../../src/billing/subscriptions/store/subscriptions.ts';
import type { Subscription } from '../../src/billing/subscriptions/subscription.ts';
import { followSubscriptions } from '../../src/licenses/following/follow.ts';
import { addDays, addMonths } from '../../src/platform/calendar.ts';
import { inTransaction } from '../../src/platform/work.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { type Entity, licenseOfSubscription, putLicense, rotate, sign, toldOf, verify } from './support.ts';

let app: TestApp;
beforeAll(async () => {
  app = await startApp();
});
afterAll(() => app.close());

const INFO = { actor: { type: 'system', id: null }, action: 'test' } as const;
const SETTINGS = { licenseGraceDays: 3, licenseKeyPrefix: 'RUSTBILL' };

interface Change {
  id: string;
  from: Entity;
  to: Entity;
  stage?: Partial<Subscription>;
}

/** What `writeOutcomes` tells of these subscriptions; answers the statements it took. */
async function changed(changes: Change[]): Promise<number> {
  let statements = 0;
  await inTransaction(app.runtime, INFO, async (work) => {
    const followed = [];
    for (const { id, from, to, stage } of changes) {
      const before = toSubscription((await work.db('subscriptions').where({ id }))[0]);
      const sold = {
        before: versionOf((await findPlan(work.db, from.id))!),
        after: versionOf((await findPlan(work.db, to.id))!),
      };
      const after = { ...before, planId: to.id, planVersionId: sold.after.id, ...stage };
      await work.db('subscriptions').where({ id }).update({
        plan_id: after.planId,
        plan_version_id: after.planVersionId,
        current_period_end: after.currentPeriodEnd,
      });
      followed.push({ subscriptionId: id, customerId: before.customerId, customerName: 'Acme', before, after, sold });
    }
    const count = () => {
      statements += 1;
    };
    work.db.on('query', count);
    await followSubscriptions(work, SETTINGS, followed);
    work.db.off('query', count);
  });
  return statements;
}

const planOf = (over: Record<string, unknown>) => app.given.plan(over);
const withLicence = (features: object, maxActivations: number | null = 3) =>
  planOf({ features, licenseTemplate: { maxActivations, features: null } });
const sold = (plan: Entity) => app.given.subscription({ planId: plan.id });
const licence = (sub: Entity) => licenseOfSubscription(app, sub.id);

describe('a change of plan (rules L8)', () => {
  test('features, limit and product from the new plan; the date stays; a signed file follows', async () => {
    await rotate(app);
    const [from, to] = [await withLicence({ pro: true }), await withLicence({ team: true }, 10)];
    const sub = await sold(from);
    const before = await licence(sub);
    await sign(app, before.licenseKey);
    await changed([{ id: sub.id, from, to }]);
    const { licenseKey, expiresAt } = before;
    const after = {
      status: 'active',
      features: { team: true },
      maxActivations: 10,
      expiresAt,
      productId: to.productId,
    };
    expect(await licence(sub)).toMatchObject({ licenseKey, ...after });
    const [row] = await app.database.read('licenses').where({ id: before.id });
    expect(JSON.parse(row.signed_payload)).toMatchObject({ seq: 2, features: ['team'], productId: to.productId });
    expect(await toldOf(app, before.id)).toEqual(['created']);
  });

  test('to a plan without licences: it ends now, and the next period does not bring it back', async () => {
    const [from, to] = [await withLicence({ pro: true }), await planOf({})];
    const sub = await sold(from);
    const { id, licenseKey } = await licence(sub);
    await changed([{ id: sub.id, from, to }]);
    expect(await licence(sub)).toMatchObject({ status: 'expired', expiresAt: app.clock.now() });
    expect((await verify(app, licenseKey)).body.error).toBe('license_expired');
    const currentPeriodEnd = addMonths(app.clock.now(), 2);
    await changed([{ id: sub.id, from: to, to, stage: { currentPeriodEnd } }]);
    expect(await licence(sub)).toMatchObject({ status: 'expired' });
    expect(await toldOf(app, id)).toEqual(['created', 'expired']);
  });

  test('and back: the same key is active again with what the plan grants', async () => {
    const [from, none] = [await withLicence({ pro: true }), await planOf({})];
    const sub = await sold(from);
    const before = await licence(sub);
    await changed([{ id: sub.id, from, to: none }]);
    await changed([{ id: sub.id, from: none, to: from }]);
    const { licenseKey, expiresAt } = before;
    expect(await licence(sub)).toMatchObject({ licenseKey, expiresAt, status: 'active', features: { pro: true } });
    expect(await toldOf(app, before.id)).toEqual(['created', 'expired', 'activated reinstated']);
  });

  test('from a plan without licences: one is made', async () => {
    const [from, to] = [await planOf({}), await withLicence({ pro: true })];
    const sub = await sold(from);
    expect(await licence(sub)).toBeUndefined();
    await changed([{ id: sub.id, from, to }]);
    expect(await licence(sub)).toMatchObject({ status: 'active', features: { pro: true }, productId: to.productId });
  });

  test('a suspended one takes the terms and stays suspended; a revoked one is left alone', async () => {
    const [from, to] = [await withLicence({ pro: true }), await withLicence({ team: true })];
    const [held, gone] = [await sold(from), await sold(from)];
    await putLicense(app, (await licence(held)).licenseKey, { status: 'suspended' });
    await putLicense(app, (await licence(gone)).licenseKey, { status: 'revoked' });
    await changed([held, gone].map(({ id }) => ({ id, from, to })));
    expect(await licence(held)).toMatchObject({ status: 'suspended', features: { team: true } });
    expect(await licence(gone)).toMatchObject({ status: 'revoked', features: { pro: true } });
  });

  test('where neither plan has licences, one that a person made stays as it is', async () => {
    const [from, to] = [await planOf({}), await planOf({})];
    const sub = await sold(from);
    const made = await app.given.license({ customerId: sub.customerId, subscriptionId: sub.id });
    await changed([{ id: sub.id, from, to }]);
    expect(await licence(sub)).toEqual(made);
  });
});

test('a pause for dunning suspends with that reason', async () => {
  const plan = await withLicence({ pro: true });
  const sub = await sold(plan);
  const { id } = await licence(sub);
  await changed([{ id: sub.id, from: plan, to: plan, stage: { status: 'paused', pauseReason: 'dunning' } }]);
  expect(await licence(sub)).toMatchObject({ status: 'suspended' });
  expect(await toldOf(app, id)).toEqual(['created', 'suspended dunning']);
});

describe('through the API', () => {
  const change = (sub: Entity, to: Entity, more: object = {}) =>
    app.api.post(`/api/billing/subscriptions/${sub.id}/change-plan`, { newPlanId: to.id, ...more });

  test('now: the terms of the new plan', async () => {
    const [from, to] = [await withLicence({ pro: true }), await withLicence({ team: true }, 10)];
    const sub = await sold(from);
    expect((await change(sub, to)).status).toBe(200);
    expect(await licence(sub)).toMatchObject({ features: { team: true }, maxActivations: 10, productId: to.productId });
  });

  test.each([0, 70])('at the end of the period, the run %i days late: it ends there and stays ended', async (late) => {
    const [from, none] = [await withLicence({ pro: true }), await planOf({})];
    const sub = await sold(from);
    expect((await change(sub, none, { effective: 'period_end' })).status).toBe(200);
    expect((await licence(sub)).status).toBe('active');
    app.clock.set(addDays(sub.currentPeriodEnd, late));
    await app.cron.post('/api/billing/cron/run');
    expect(await licence(sub)).toMatchObject({ status: 'expired', expiresAt: sub.currentPeriodEnd });
    app.clock.advance({ months: 1 });
    await app.cron.post('/api/billing/cron/run');
    expect(await licence(sub)).toMatchObject({ status: 'expired', expiresAt: sub.currentPeriodEnd });
  });

  test('at the end of the period, to other terms: they and the new date come together', async () => {
    const [from, to] = [await withLicence({ pro: true }), await withLicence({ team: true })];
    const sub = await sold(from);
    await change(sub, to, { effective: 'period_end' });
    expect((await licence(sub)).features).toEqual({ pro: true });
    app.clock.set(sub.currentPeriodEnd);
    await app.cron.post('/api/billing/cron/run');
    const { currentPeriodEnd } = (await app.api.get(`/api/billing/subscriptions/${sub.id}`)).body;
    expect(await licence(sub)).toMatchObject({ features: { team: true }, expiresAt: addDays(currentPeriodEnd, 3) });
  });
});

describe('the number of statements', () => {
  test('is the same for 2 signed licences as for 9, and none where nothing concerns a licence', async () => {
    const [from, to] = [await withLicence({ pro: true }), await withLicence({ team: true })];
    const subs: Entity[] = [];
    for (let n = 0; n < 11; n++) {
      subs.push(await sold(from));
      await sign(app, (await licence(subs[n])).licenseKey);
    }
    const change = (few: Entity[]) => changed(few.map(({ id }) => ({ id, from, to })));
    const few = await change(subs.slice(0, 2));
    expect(await change(subs.slice(2))).toBe(few);
    expect(few).toBeGreaterThan(0);
    expect(await changed(subs.map(({ id }) => ({ id, from: to, to })))).toBe(0);
  });
});
