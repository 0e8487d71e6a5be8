import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { compose } from '../../src/mail/compose.ts';
import { TestClock } from '../../src/platform/clock.ts';
import type { Entity } from '../billing/support.ts';
import { type Answer, type Api, startApp, type TestApp } from '../support/app.ts';
import { testDatabase } from '../support/database.ts';
import { type Op, operations } from '../support/document.ts';
import { type Sent, send, twinId } from '../support/outcomes.ts';
import { creditNoteOf, paymentOf, signable, usageOf, usageSubscription, VALID } from '../support/valid-requests.ts';
import { type Seen, type Watch, watched, watchedHandlers, watchStatements } from '../support/views.ts';

/** Every read sees one moment (rules X9): what commits between two of its statements is seen by none of them. */
let app: TestApp;
let moving: TestApp;
let own: Entity;
let scoped: { portal: Api; key: Api };
let operator: Api;
let stop: () => void;
let watch: Watch | undefined;
beforeAll(async () => {
  stop = watchStatements();
  const watching = {
    handlers: watchedHandlers(() => {
      const taken = watch;
      watch = undefined; // of this call alone, not of what happens between its statements
      return taken;
    }),
  };
  app = await startApp({ app: watching });
  moving = await startApp({ app: watching, config: { testClock: true }, clock: new TestClock() });
  own = await ownRows();
  const portal = app.withSession(await app.given.portalSession(own.customerId));
  const { key } = await app.given.apiKey({ customerId: own.customerId });
  scoped = { portal, key: app.withKey(key) };
  operator = app.withKey((await app.given.apiKey()).key);
});
afterAll(async () => {
  stop();
  await Promise.all([app.close(), moving.close()]);
});

/** One row of everything that a customer may see, so that no list is empty. */
async function ownRows(): Promise<Entity> {
  const subscriptionId = await usageSubscription(app);
  await app.api.post('/api/billing/usage', usageOf(subscriptionId));
  const { customerId, planId } = (await app.api.get(`/api/billing/subscriptions/${subscriptionId}`)).body;
  const { productId } = (await app.api.get(`/api/billing/plans/${planId}`)).body;
  const invoiceId = (await app.given.invoice({ customerId })).id;
  const paymentId = (await app.api.post('/api/billing/payments', paymentOf(invoiceId))).body.id;
  const creditNoteId = (await app.api.post('/api/billing/credit-notes', creditNoteOf(invoiceId))).body.id;
  await signable(app);
  const { licenseKey } = await app.given.license({ customerId, productId });
  await app.api.post(`/api/licenses/${licenseKey}/sign`);
  await app.anonymous.post('/api/licenses/validate', { licenseKey, deviceId: 'laptop' });
  await app.api.put(`/api/billing/plans/${planId}`, { active: false }); // then only who is on it sees it
  await app.drain();
  const newPlanId = (await app.given.plan({ productId, basePrice: '99.98' })).id;
  return { customerId, productId, planId, newPlanId, subscriptionId, invoiceId, paymentId, creditNoteId, licenseKey };
}

/** The same request about rows of that customer, of whom its own callers may ask. */
function aboutOwn(op: Op, sent: Sent): Sent {
  const ids: Record<string, string> = {
    products: own.productId,
    plans: own.planId,
    customers: own.customerId,
    subscriptions: own.subscriptionId,
    invoices: own.invoiceId,
    payments: own.paymentId,
    creditNotes: own.creditNoteId,
    licenses: own.licenseKey,
    usage: own.subscriptionId,
  };
  const body = op.tag === 'subscriptions' && sent.body && { newPlanId: own.newPlanId };
  return { ...sent, ...(ids[op.tag] ? { id: ids[op.tag]! } : {}), ...(body ? { body } : {}) };
}

/** Callers and requests that take each way through the operation. */
async function waysOf(op: Op): Promise<[Api, Sent][]> {
  const sent = await VALID[twinId(op.id)]!({ app, moving });
  const mine = aboutOwn(op, sent);
  if (op.id === 'listEvents') {
    const [{ id }] = (await app.api.get('/api/billing/events?limit=1')).body;
    return [
      [app.api, sent],
      [app.api, { query: `after=${id}` }],
    ];
  }
  if (op.access.kind === 'apiKey') return [sent, mine].flatMap((one) => [[operator, one] as const, [scoped.key, one]]);
  if (op.auth === 'session') return [sent, mine].flatMap((one) => [[app.api, one] as const, [scoped.portal, one]]);
  return [
    [sent.as ?? app.api, sent],
    [sent.as ?? app.api, mine],
  ];
}

let touched = 0;
/** Somebody commits. */
const touch = (of: TestApp) => of.database.write('users').update({ name: `Admin ${++touched}` });

async function watchedCall(op: Op, api: Api, sent: Sent): Promise<Seen[]> {
  watch = { seen: [], between: () => touch(app) };
  const { seen } = watch;
  try {
    const answer = await send(op, api, sent);
    if (answer.status !== 404 && answer.status !== op.status) throw new Error(answer.text);
    return seen;
  } finally {
    watch = undefined;
  }
}

const readsOnly = ['verifyLicense', 'v1VerifyLicense'];
const reads = operations.filter(
  (op) => op.method === 'GET' || op.transaction === 'snapshot' || readsOnly.includes(op.id),
);

describe('all statements of a read see the same commits', () => {
  test.each(reads.map((op) => [op.id, op] as const))('%s', async (_, op) => {
    const counts: number[] = [];
    for (const [api, sent] of await waysOf(op)) {
      const seen = await watchedCall(op, api, sent);
      expect(new Set(seen.map(({ view }) => view)).size).toBeLessThanOrEqual(1);
      counts.push(seen.length);
    }
    const most = Math.max(...counts);
    if (op.transaction === 'statement' || op.transaction === 'page') expect(most).toBeLessThanOrEqual(1);
    if (op.transaction === 'snapshot') expect(most).toBeGreaterThan(1); // otherwise it pays for nothing
  });

  test('a page that is read in steps', async () => {
    const coupon = (n: number) => app.given.coupon({ code: `PAGE-${n}` });
    await Promise.all(Array.from({ length: 101 }, (_, n) => coupon(n)));
    const op = operations.find(({ id }) => id === 'listCoupons')!;
    const seen = await watchedCall(op, app.api, { query: 'limit=1000' });
    expect(seen.length).toBeGreaterThan(1);
    expect(new Set(seen.map(({ view }) => view)).size).toBe(1);
  });

  test('no list is declared to be one statement, however long its page', () => {
    const lists = operations.filter(({ parameters }) => parameters.some(({ name }) => name === 'limit'));
    expect(lists.length).toBeGreaterThan(20);
    expect(lists.filter(({ transaction }) => !['page', 'snapshot'].includes(transaction))).toEqual([]);
  });

  test('the check of a licence file', async () => {
    const { body } = await app.api.get(`/api/licenses/${own.licenseKey}/export`);
    const op = operations.find(({ id }) => id === 'verifyLicense')!;
    const seen = await watchedCall(op, app.anonymous, { body: { file: String(body) } });
    expect(seen).toHaveLength(2);
    expect(seen[0]!.view).toBe(seen[1]!.view);
  });

  test('an e-mail', async () => {
    const seller = (await app.api.get('/api/settings/billing')).body;
    const email = (template: string, data: object) =>
      ({ id: 'e', recipient: 'a@b.example', template, data, attempts: 1, createdAt: app.clock.now() }) as never;
    const mail = { from: 'billing@rustbill.example' } as never;
    for (const one of [
      email('invoice', { invoiceId: own.invoiceId }),
      email('subscription_canceled', { subscriptionId: own.subscriptionId, canceledAt: app.clock.now() }),
    ]) {
      const seen = await watched(
        () => compose(app.runtime, one, seller, mail),
        () => touch(app),
      );
      expect(seen.length).toBeGreaterThan(1);
      expect(new Set(seen.map(({ view }) => view)).size).toBe(1);
    }
  });

  test('what is watched would tell a torn read', async () => {
    const { read } = app.database;
    const seen = await watched(
      async () => [await read('users').first(), await read('users').first()],
      () => touch(app),
    );
    expect(new Set(seen.map(({ view }) => view)).size).toBe(2);
  });
});

/** Renews a subscription between two statements of a read: it answers what was before, or what is after. */
async function renewedMeanwhile(ask: (id: string) => Promise<Answer>): Promise<void> {
  const planId = (await app.given.plan({ productId: own.productId })).id;
  for (let gap = 1, gaps = 1; gap <= gaps; gap++) {
    const { id } = await app.given.subscription({ planId, preRenewalInvoiceDays: 0 });
    app.clock.advance({ months: 1, hours: 1 });
    const before = (await ask(id)).body;
    const seen: Seen[] = [];
    const renew = () => app.cron.post('/api/billing/cron/lifecycle');
    watch = { seen, between: async (n) => n === gap && expect((await renew()).body.errors).toEqual([]) };
    const answer = await ask(id);
    gaps = seen.length - 1;
    const after = (await ask(id)).body;
    const events = await app.database.read('events').where({ resource_id: id, type: 'subscription.renewed' });
    expect(events).toHaveLength(1);
    expect(answer.status).toBe(200);
    expect([before, after]).toContainEqual(answer.body);
  }
}

describe('while the subscription renews, an answer is the one before or the one after', () => {
  const path = (id: string) => `/api/billing/subscriptions/${id}`;

  test('of the subscription', () => renewedMeanwhile((id) => app.api.get(path(id))));
  test('of the upcoming invoice', () => renewedMeanwhile((id) => app.api.get(`${path(id)}/upcoming-invoice`)));
  test('of the preview of a change', async () => {
    const { id: newPlanId } = await app.given.plan({ productId: own.productId, basePrice: '99.98' });
    await renewedMeanwhile(async (id) => {
      const answer = await app.api.post(`${path(id)}/change-plan/preview`, { newPlanId });
      const { quoteToken: _, ...body } = answer.body;
      return { ...answer, body };
    });
  });
});

test('more reads at once than connections all get their answer', async () => {
  const few = await startApp({ database: await testDatabase({ poolSize: 2 }) });
  try {
    const { id } = await few.given.subscription();
    const asked = Array.from({ length: 40 }, () => few.api.get(`/api/billing/subscriptions/${id}/upcoming-invoice`));
    const written = Array.from({ length: 10 }, () => few.given.customer());
    expect(new Set((await Promise.all(asked)).map(({ status }) => status))).toEqual(new Set([200]));
    await Promise.all(written);
  } finally {
    await few.close();
  }
});
