import { afterEach, describe, expect, test } from '@jest/globals';
import { createVault } from '../../../src/platform/secrets.ts';
import type { Answer, TestApp } from '../../support/app.ts';
import { dump } from '../../support/dump.ts';
import { expectRefusal } from '../../support/refusals.ts';
import {
  adjust,
  changePlan,
  closeApps,
  type Entity,
  invoicesOf,
  previewChange,
  putSubscription,
  startAt,
} from '../support.ts';

afterEach(closeApps);

const S = '2026-04-01T00:00:00.000Z';
const MID = '2026-04-16T00:00:00.000Z';

interface Quoted {
  app: TestApp;
  id: string;
  planId: string;
  body: { newPlanId: string };
  token: string;
  change(token?: string, body?: Entity): Promise<Answer>;
}

/** A taxed subscription with a discount, and a quote for twice the price, given on April 16. */
async function quoted(config: Entity = {}): Promise<Quoted> {
  const app = await startAt(S, { config });
  await app.given.taxRule();
  const customer = await app.given.customer({ billingCountry: 'US' });
  const { id: planId, productId } = await app.given.plan({ basePrice: '100' });
  const { id } = await app.given.subscription({ planId, customerId: customer.id, preRenewalInvoiceDays: 0 });
  const body = { newPlanId: (await app.given.plan({ productId, basePrice: '200' })).id };
  app.clock.set(MID);
  const { quoteToken: token } = (await previewChange(app, id, body)).body;
  const change = (quoteToken = token, over: Entity = {}) => changePlan(app, id, { ...body, ...over, quoteToken });
  return { app, id, planId, body, token, change };
}

const payloadOf = (token: string): Entity => JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString());
const encoded = (payload: Entity): string => Buffer.from(JSON.stringify(payload)).toString('base64url');

describe('409 quote_stale (Q8)', () => {
  test('forged: another payload, another signature, another key, none, or more than one part', async () => {
    const { app, id, token, change } = await quoted();
    const [payload, signature] = token.split('.') as [string, string];
    const other = encoded({ ...payloadOf(token), expires: '2027-01-01T00:00:00.000Z' });
    const vault = createVault('another secret key, long enough too');
    const forged = [
      `${other}.${signature}`,
      `${payload}.${signature.slice(0, -2)}AA`,
      `${payload}.${vault.sign('quote', payload)}`,
      `${payload}.`,
      payload,
      `.${signature}`,
      `${token}.x`,
      '.',
      'x',
    ];
    for (const one of forged) expectRefusal(await change(one), 409, 'quote_stale');
    expect(await invoicesOf(app, id)).toHaveLength(1);
    expect((await change()).status).toBe(200);
  });

  test('other arguments, another subscription, the same quote twice', async () => {
    const { app, body, planId, token, change } = await quoted();
    for (const over of [{ newPlanId: planId }, { quantity: 2 }, { prorate: false }, { effective: 'period_end' }])
      expectRefusal(await change(token, over), 409, 'quote_stale');
    expectRefusal(await change(token, { billingCycle: 'yearly' }), 409, 'quote_stale');
    const other = await app.given.subscription({ planId });
    expectRefusal(await changePlan(app, other.id, { ...body, quoteToken: token }), 409, 'quote_stale');
    expect(
      (await change(token, { quantity: 1, billingCycle: 'monthly', effective: 'now', prorate: true })).status,
    ).toBe(200);
    expectRefusal(await change(), 409, 'quote_stale');
  });

  test.each<[string, (of: Quoted) => Promise<unknown>]>([
    ['the subscription', ({ app, id }) => putSubscription(app, id, { metadata: { a: 1 } })],
    [
      'a discount',
      async ({ app, id }) => {
        const { code: couponCode } = await app.given.coupon();
        await app.api.post(`/api/billing/subscriptions/${id}/discounts`, { couponCode });
      },
    ],
    ['the price', ({ app, body }) => app.api.put(`/api/billing/plans/${body.newPlanId}`, { basePrice: '201' })],
    [
      'the tax rule',
      async ({ app }) => {
        const [rule] = (await app.api.get('/api/billing/tax-rules')).body;
        await app.api.put(`/api/billing/tax-rules/${rule.id}`, { rate: '0.08' });
      },
    ],
  ])('%s changed meanwhile', async (_what, happen) => {
    const of = await quoted();
    await happen(of);
    expectRefusal(await of.change(), 409, 'quote_stale');
  });

  test('the invoice that would be credited was credited by a person', async () => {
    const { app, id, planId } = await quoted();
    const { productId } = (await app.api.get(`/api/billing/plans/${planId}`)).body;
    const body = { newPlanId: (await app.given.plan({ productId, basePrice: '0' })).id };
    const { quoteToken, total } = (await previewChange(app, id, body)).body;
    expect(total).toBe('-53.63');
    const [billed] = await invoicesOf(app, id);
    const note = { invoiceId: billed.id, amount: '100.00', reason: 'An outage' };
    await app.api.post('/api/billing/credit-notes', note);
    expectRefusal(await changePlan(app, id, { ...body, quoteToken }), 409, 'quote_stale');
    expect((await previewChange(app, id, body)).body.total).toBe('-3.63');
  });

  test('a boundary passed meanwhile', async () => {
    const { app, id, body } = await quoted();
    app.clock.set('2026-04-30T23:59:00.000Z');
    const { quoteToken } = (await previewChange(app, id, body)).body;
    app.clock.set('2026-05-01T00:00:00.000Z');
    expectRefusal(await changePlan(app, id, { ...body, quoteToken }), 409, 'quote_stale');
  });
});

describe('a quote', () => {
  test('200 is computed with what is due, which is then done first', async () => {
    const { app, id, body } = await quoted();
    app.clock.set('2026-07-16T12:00:00.000Z'); // three boundaries due
    const preview = (await previewChange(app, id, body)).body;
    const { status, body: result } = await changePlan(app, id, { ...body, quoteToken: preview.quoteToken });
    expect(status).toBe(200);
    expect(result.invoice).toMatchObject({ total: preview.total, taxAmount: preview.taxAmount });
    expect(preview.lines).toEqual(result.invoice.lineItems.map(({ id: _, ...line }: Entity) => line));
    expect(await invoicesOf(app, id)).toHaveLength(5);
  });

  test('200 a credit with what is due goes on the invoice that is not issued yet', async () => {
    const { app, id, planId } = await quoted();
    const { productId } = (await app.api.get(`/api/billing/plans/${planId}`)).body;
    const body = { newPlanId: (await app.given.plan({ productId, basePrice: '0' })).id };
    app.clock.set('2026-05-16T12:00:00.000Z');
    const preview = (await previewChange(app, id, body)).body;
    expect(preview).toMatchObject({ net: '-50.00', taxAmount: '-3.63', total: '-53.63' });
    const { body: result } = await changePlan(app, id, { ...body, quoteToken: preview.quoteToken });
    expect(result).toMatchObject({ creditIssued: '53.63', invoice: null });
  });

  test('200 the credit balance is not part of it', async () => {
    const { app, id, change } = await quoted();
    const { customerId } = (await app.api.get(`/api/billing/subscriptions/${id}`)).body;
    await adjust(app, customerId, '20.00');
    expect((await change()).body.invoice).toMatchObject({ total: '53.63', creditsApplied: '20.00' });
  });

  test('200 signed with the previous key still holds', async () => {
    const { app, id, body, token, change } = await quoted({
      previousSecretKey: 'the key before this one, long enough',
    });
    const before = createVault('the key before this one, long enough');
    const [payload] = token.split('.') as [string];
    const { status } = await change(`${payload}.${before.sign('quote', payload)}`);
    expect(status).toBe(200);
    expect((await previewChange(app, id, body)).body.quoteToken).toMatch(/^[\w-]+\.[\w-]{43}$/);
  });

  test('200 the preview stores nothing, and asks for no lock', async () => {
    const { app, id, body } = await quoted();
    app.clock.set('2026-06-16T12:00:00.000Z'); // with boundaries due
    await app.api.get('/api/auth/me'); // logs in again
    await app.drain();
    const before = await dump(app.database.read);
    const held = await app.database.transaction(async (trx) => {
      await trx('subscriptions').where({ id }).forUpdate();
      await trx('plans').where({ id: body.newPlanId }).forUpdate();
      return previewChange(app, id, body);
    });
    expect(held.status).toBe(200);
    await app.drain();
    expect(await dump(app.database.read)).toEqual(before);
  });

  test('200 for the end of the period: no lines, zeros', async () => {
    const { app, id, body } = await quoted();
    const answer = (await previewChange(app, id, { ...body, effective: 'period_end' })).body;
    const zero = { credit: '0.00', charge: '0.00', net: '0.00', taxAmount: '0.00', total: '0.00', lines: [] };
    expect(answer).toMatchObject({ ...zero, effectiveAt: '2026-05-01T00:00:00.000Z' });
    const { quoteToken } = answer;
    const { body: result } = await changePlan(app, id, { ...body, effective: 'period_end', quoteToken });
    expect(result.subscription.pendingChange.planId).toBe(body.newPlanId);
  });
});
