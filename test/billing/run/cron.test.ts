import { afterEach, describe, expect, test } from '@jest/globals';
import { closeApps, startAt } from '../support.ts';

afterEach(closeApps);

const NOTHING = {
  trialNotices: 0,
  trialsConverted: 0,
  canceled: 0,
  planChangesApplied: 0,
  invoicesPreGenerated: 0,
  renewed: 0,
  invoicesGenerated: 0,
  chargesAttempted: 0,
  chargesSucceeded: 0,
  chargesFailed: 0,
  chargesUnknown: 0,
  reconciled: 0,
  durationMs: expect.any(Number),
  errors: [],
};

describe('runLifecycleJob', () => {
  test('200 zeros when nothing is due, the counters of its own work otherwise', async () => {
    const app = await startAt('2026-01-31T10:00:00.000Z');
    const planId = (await app.given.plan()).id;
    const sell = (over: object) => app.given.subscription({ planId, ...over });
    await sell({});
    await sell({ preRenewalInvoiceDays: 0 });
    await sell({ trialDays: 28 });
    const ending = await sell({ trialDays: 28 });
    await app.api.put(`/api/billing/subscriptions/${ending.id}`, { cancelAtPeriodEnd: true });
    const idle = await app.cron.post('/api/billing/cron/lifecycle');
    expect([idle.status, idle.body]).toEqual([200, { asOf: app.clock.now(), ...NOTHING }]);
    app.clock.set('2026-03-01T00:00:00.000Z');
    expect((await app.cron.post('/api/billing/cron/lifecycle')).body).toEqual({
      ...NOTHING,
      asOf: app.clock.now(),
      trialNotices: 2,
      trialsConverted: 1,
      canceled: 1,
      invoicesPreGenerated: 1,
      renewed: 2,
      invoicesGenerated: 3,
    });
  });
});

describe('runAllJobs', () => {
  test('200 lifecycle, then dunning: an invoice of this very run that is due at once is overdue', async () => {
    const app = await startAt('2026-01-31T10:00:00.000Z');
    await app.api.put('/api/settings/billing', { paymentTermsDays: 0 });
    await app.given.subscription({ preRenewalInvoiceDays: 0 });
    app.clock.set('2026-02-28T10:00:00.000Z');
    const { status, body } = await app.cron.post('/api/billing/cron/run');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      asOf: app.clock.now(),
      lifecycle: { asOf: app.clock.now(), renewed: 1, invoicesGenerated: 1 },
      dunning: { asOf: app.clock.now(), invoicesMarkedOverdue: 2 },
    });
  });
});
