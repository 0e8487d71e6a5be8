import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { checkInvariants } from '../../src/billing/audit/invariants.ts';
import { runLifecycle } from '../../src/billing/run/lifecycle.ts';
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

const redeemed = async (id: string): Promise<number> =>
  (await app.api.get(`/api/billing/coupons/${id}`)).body.timesRedeemed;
const add = (id: string, couponCode: string) =>
  app.api.post(`/api/billing/subscriptions/${id}/discounts`, { couponCode });

test('D.6 two attachments at once, one redemption', async () => {
  const { id, code } = await app.given.coupon({ maxRedemptions: 1 });
  const subs = [await app.given.subscription(), await app.given.subscription()];
  const answers = await atOnce(2, (n) => add(subs[n].id, code));
  expect(tally(answers)).toEqual({ '201': 1, '400 coupon_usage_exceeded': 1 });
  expect(await redeemed(id)).toBe(1);
});

test('20 sales at once with 3 redemptions sell 3 subscriptions', async () => {
  const { id, code } = await app.given.coupon({ maxRedemptions: 3 });
  const planId = (await app.given.plan()).id;
  const customerId = (await app.given.customer()).id;
  const sale = { customerId, planId, billingCycle: 'monthly', couponCode: code };
  const answers = await atOnce(20, () => app.api.post('/api/billing/subscriptions', sale));
  expect(tally(answers)).toEqual({ '201': 3, '400 coupon_usage_exceeded': 17 });
  expect(await redeemed(id)).toBe(3);
  expect((await app.api.get(`/api/billing/subscriptions?customerId=${customerId}`)).body).toHaveLength(3);
});

test('the same coupon 8 times at once on one subscription is attached and counted once', async () => {
  const { id, code } = await app.given.coupon();
  const sub = await app.given.subscription();
  const answers = await atOnce(8, () => add(sub.id, code));
  expect(tally(answers)).toEqual({ '201': 1, '409 already_exists': 7 });
  expect(await redeemed(id)).toBe(1);
});

test('sales and attachments that bill what was due take coupon and numbers without waiting for each other', async () => {
  const { id, code } = await app.given.coupon();
  const planId = (await app.given.plan()).id;
  const subs = await Promise.all(Array.from({ length: 6 }, () => app.given.subscription({ planId })));
  const customerId = (await app.given.customer()).id;
  const sale = { customerId, planId, billingCycle: 'monthly', couponCode: code };
  app.clock.advance({ months: 2 });
  const answers = await atOnce(12, (n) =>
    n % 2 === 0 ? add(subs[n / 2].id, code) : app.api.post('/api/billing/subscriptions', sale),
  );
  expect(tally(answers)).toEqual({ '201': 12 });
  expect(await redeemed(id)).toBe(12);
});

test('a limit lowered, a deletion and redemptions at once: whoever is first', async () => {
  const { id, code } = await app.given.coupon();
  const subs = await Promise.all(Array.from({ length: 6 }, () => app.given.subscription()));
  const path = `/api/billing/coupons/${id}`;
  const [removed, lowered, ...added] = await Promise.all([
    app.api.delete(path),
    app.api.put(path, { maxRedemptions: 2 }),
    ...subs.map((sub) => add(sub.id, code)),
  ]);
  const sold = added.filter(({ status }) => status === 201).length;
  if (removed.status === 204) expect(sold).toBe(0);
  else expect(await redeemed(id)).toBe(sold);
  if (lowered.status === 200) expect(sold).toBeLessThanOrEqual(2);
  for (const { status, body } of added)
    if (status !== 201) expect(['coupon_usage_exceeded', 'validation_error']).toContain(body.error);
});
