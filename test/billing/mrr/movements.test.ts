import { afterEach, describe, expect, test } from '@jest/globals';
import type { TestApp } from '../../support/app.ts';
import {
  closeApps,
  dunning,
  type Entity,
  invoicesOf,
  movementsOf,
  putSubscription,
  runAt,
  startAt,
} from '../support.ts';

afterEach(closeApps);

const NOW = '2026-03-15T10:30:00.000Z';
const remove = (app: TestApp, id: string) => app.api.delete(`/api/billing/subscriptions/${id}`);
const mrrOf = async (app: TestApp, customerId: string, currency = 'USD') =>
  Number((await app.database.read('customer_mrr').where({ customer_id: customerId, currency }))[0]?.mrr ?? -1);

describe('R3 MRR movements', () => {
  test.each<[string, Entity, Entity, number]>([
    ['R.1 flat monthly 100', { basePrice: '100' }, {}, 10_000],
    ['R.2 flat yearly 1200', { basePrice: '1200', billingCycle: 'yearly' }, { billingCycle: 'yearly' }, 10_000],
    ['R.3 per_unit 10 × 5', { pricingModel: 'per_unit', basePrice: '0', unitPrice: '10' }, { quantity: 5 }, 5_000],
    ['R.4 flat quarterly 100', { basePrice: '100', billingCycle: 'quarterly' }, { billingCycle: 'quarterly' }, 3_333],
    [
      'R.6 usage base 20 + usage',
      { pricingModel: 'usage_based', basePrice: '20', unitPrice: '1', usageMetric: { name: 'c', aggregation: 'sum' } },
      {},
      2_000,
    ],
    ['R.9 yearly 599.88', { basePrice: '599.88', billingCycle: 'yearly' }, { billingCycle: 'yearly' }, 4_999],
  ])('%s', async (_, plan, over, expected) => {
    const app = await startAt(NOW);
    const planId = (await app.given.plan(plan)).id;
    const { customerId } = await app.given.subscription({ planId, billingCycle: 'monthly', ...over });
    expect(await movementsOf(app, customerId)).toEqual([`new ${expected} -> ${expected} (create)`]);
    expect(await mrrOf(app, customerId)).toBe(expected);
  });

  test('new, expansion, contraction, churn, reactivation by the total of the customer; per currency', async () => {
    const app = await startAt(NOW);
    const customerId = (await app.given.customer()).id;
    const small = (await app.given.plan({ basePrice: '10' })).id;
    const big = (await app.given.plan({ basePrice: '90' })).id;
    const euro = (await app.given.plan({ basePrice: '5', currency: 'EUR' })).id;
    const a = await app.given.subscription({ customerId, planId: small });
    const b = await app.given.subscription({ customerId, planId: big });
    await app.given.subscription({ customerId, planId: euro });
    app.clock.advance({ days: 1 });
    await putSubscription(app, b.id, { status: 'paused' });
    app.clock.advance({ days: 1 });
    await remove(app, a.id);
    app.clock.advance({ days: 1 });
    await putSubscription(app, b.id, { status: 'active' });
    app.clock.advance({ days: 1 });
    await remove(app, b.id);
    expect(await movementsOf(app, customerId)).toEqual([
      'new 1000 -> 1000 (create)',
      'expansion 9000 -> 10000 (create)',
      'new 500 -> 500 (create)',
      'contraction -9000 -> 1000 (pause)',
      'churn -1000 -> 0 (cancel)',
      'reactivation 9000 -> 9000 (resume)',
      'churn -9000 -> 0 (cancel)',
    ]);
    expect(await mrrOf(app, customerId)).toBe(0);
    expect(await mrrOf(app, customerId, 'EUR')).toBe(500);
  });

  test('R.10, R.5 none in a trial, while paused or for a free plan; past_due keeps it', async () => {
    const app = await startAt(NOW);
    const trial = await app.given.subscription({ trialDays: 10 });
    const free = await app.given.subscription({ planId: (await app.given.plan({ basePrice: '0' })).id });
    const late = await app.given.subscription();
    app.clock.set((await invoicesOf(app, late.id))[0].dueDate);
    await dunning(app);
    await runAt(app, app.clock.now());
    expect(await movementsOf(app, trial.customerId)).toEqual(['new 4999 -> 4999 (trial_end)']);
    expect(await movementsOf(app, free.customerId)).toEqual([]);
    expect(await movementsOf(app, late.customerId)).toEqual(['new 4999 -> 4999 (create)']);
  });

  test('canceled at the period end: churn in the commit of the boundary; a paused one has none left', async () => {
    const app = await startAt(NOW);
    const { id, customerId } = await app.given.subscription();
    const paused = await app.given.subscription();
    for (const sub of [id, paused.id]) await putSubscription(app, sub, { cancelAtPeriodEnd: true });
    await putSubscription(app, paused.id, { status: 'paused' });
    await runAt(app, '2026-04-20T00:00:00.000Z');
    expect((await movementsOf(app, customerId)).at(-1)).toBe('churn -4999 -> 0 (cancel)');
    expect(await movementsOf(app, paused.customerId)).toHaveLength(2);
    const [row] = await app.database.read('mrr_movements').where({ customer_id: customerId, kind: 'churn' });
    expect(row).toMatchObject({ at: '2026-04-20T00:00:00.000Z', subscription_id: id, currency: 'USD' });
  });

  test('two subscriptions of one customer that end in one run follow each other', async () => {
    const app = await startAt(NOW);
    const customerId = (await app.given.customer()).id;
    const planId = (await app.given.plan({ basePrice: '10' })).id;
    const subs = [
      await app.given.subscription({ customerId, planId }),
      await app.given.subscription({ customerId, planId }),
    ];
    for (const { id } of subs) await putSubscription(app, id, { cancelAtPeriodEnd: true });
    await runAt(app, '2026-04-15T10:30:00.000Z');
    expect((await movementsOf(app, customerId)).slice(2)).toEqual([
      'contraction -1000 -> 1000 (cancel)',
      'churn -1000 -> 0 (cancel)',
    ]);
  });

  test('ten sold to one customer at the same time: one new, nine expansions, the total is right', async () => {
    const app = await startAt(NOW);
    const customerId = (await app.given.customer()).id;
    const planId = (await app.given.plan({ basePrice: '10' })).id;
    await Promise.all(Array.from({ length: 10 }, () => app.given.subscription({ customerId, planId })));
    const movements = await movementsOf(app, customerId);
    expect(movements.filter((text) => text.startsWith('new'))).toHaveLength(1);
    expect(movements.filter((text) => text.startsWith('expansion'))).toHaveLength(9);
    expect(await mrrOf(app, customerId)).toBe(10_000);
  });
});
