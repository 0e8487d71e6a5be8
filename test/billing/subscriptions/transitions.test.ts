import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startApp, type TestApp } from '../../support/app.ts';
import { expectRefusal } from '../../support/refusals.ts';
import { dunning, type Entity, eventsOf, invoicesOf, putSubscription, subscriptionOf } from '../support.ts';

let app: TestApp;
let planId: string;
let quarterly: string;
beforeAll(async () => {
  app = await startApp();
  planId = (await app.given.plan()).id;
  quarterly = (await app.given.plan({ billingCycle: 'quarterly' })).id;
});
afterAll(() => app.close());

const MAKE: Record<string, () => Promise<Entity>> = {
  trialing: () => app.given.subscription({ planId, trialDays: 60 }),
  active: () => app.given.subscription({ planId }),
  async past_due() {
    const sub = await app.given.subscription({ planId: quarterly, billingCycle: 'quarterly' });
    const [first] = await invoicesOf(app, sub.id);
    app.clock.set(first.dueDate);
    await dunning(app);
    return subscriptionOf(app, sub.id);
  },
  async paused() {
    const sub = await app.given.subscription({ planId });
    return (await putSubscription(app, sub.id, { status: 'paused' })).body;
  },
  async canceled() {
    const sub = await app.given.subscription({ planId });
    return (await putSubscription(app, sub.id, { status: 'canceled' })).body;
  },
};

/** Rules §8.1 and S1: what a PUT of each status, and of another member, does in each state. */
const TABLE: [string, Entity, string | [number, string]][] = [
  ['trialing', { status: 'active' }, 'active'],
  ['trialing', { status: 'paused' }, [400, 'subscription_not_active']],
  ['trialing', { status: 'canceled' }, 'canceled'],
  ['trialing', { cancelAtPeriodEnd: true }, 'trialing'],
  ['active', { status: 'active' }, 'active'],
  ['active', { status: 'paused' }, 'paused'],
  ['active', { status: 'canceled' }, 'canceled'],
  ['active', { cancelAtPeriodEnd: true }, 'active'],
  ['past_due', { status: 'active' }, [409, 'conflict']],
  ['past_due', { status: 'paused' }, [400, 'subscription_not_active']],
  ['past_due', { status: 'canceled' }, 'canceled'],
  ['past_due', { cancelAtPeriodEnd: true }, 'past_due'],
  ['paused', { status: 'active' }, 'active'],
  ['paused', { status: 'paused' }, 'paused'],
  ['paused', { status: 'canceled' }, 'canceled'],
  ['paused', { cancelAtPeriodEnd: true }, 'paused'],
  ['paused', { preRenewalInvoiceDays: 3 }, 'paused'],
  ['canceled', { status: 'active' }, [409, 'conflict']],
  ['canceled', { status: 'paused' }, [400, 'subscription_not_active']],
  ['canceled', { status: 'canceled' }, 'canceled'],
  ['canceled', { metadata: { a: 1 } }, 'canceled'],
  ['canceled', { status: 'canceled', cancelAtPeriodEnd: false, preRenewalInvoiceDays: 7 }, 'canceled'],
  ['canceled', { cancelAtPeriodEnd: true }, [400, 'subscription_not_active']],
  ['canceled', { preRenewalInvoiceDays: 3 }, [400, 'subscription_not_active']],
  ['canceled', { metadata: { a: 1 }, preRenewalInvoiceDays: 3 }, [400, 'subscription_not_active']],
];

describe('transitions by PUT', () => {
  test.each(TABLE)('%s, asked %j: %j', async (from, body, outcome) => {
    const sub = await MAKE[from]!();
    expect(sub.status).toBe(from);
    const events = (await eventsOf(app, sub.customerId)).length;
    const answer = await putSubscription(app, sub.id, body);
    if (typeof outcome !== 'string') {
      expectRefusal(answer, ...outcome);
      expect(await subscriptionOf(app, sub.id)).toEqual(sub);
      expect(await eventsOf(app, sub.customerId)).toHaveLength(events);
      return;
    }
    expect(answer.body).toMatchObject({ ...body, status: outcome });
    const told = (await eventsOf(app, sub.customerId)).slice(events);
    const changed = Object.keys(body).filter((member) => JSON.stringify(body[member]) !== JSON.stringify(sub[member]));
    expect(answer.body.version).toBe(sub.version + (changed.length > 0 ? 1 : 0));
    expect(told.at(-1)?.data.changes ?? []).toEqual(changed);
    const named = { paused: 'subscription.paused', canceled: 'subscription.canceled' }[outcome];
    if (named && outcome !== from) expect(told.map(({ type }) => type)).toContain(named);
  });

  test.each(Object.keys(MAKE))('DELETE of %s: 204, canceled', async (from) => {
    const sub = await MAKE[from]!();
    expect((await app.api.delete(`/api/billing/subscriptions/${sub.id}`)).status).toBe(204);
    expect(await subscriptionOf(app, sub.id)).toMatchObject({ status: 'canceled', pauseReason: null });
  });
});
