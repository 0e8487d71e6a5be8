import { afterEach, describe, expect, test } from '@jest/globals';
import { runLifecycle } from '../../../src/billing/run/lifecycle.ts';
import type { TestApp } from '../../support/app.ts';
import { closeApps, type Entity, invoicesOf } from '../support.ts';
import { closeSimulators, french, startTaxed } from './support.ts';

afterEach(async () => {
  await closeApps();
  await closeSimulators();
});

const rowOf = async (app: TestApp, id: string): Promise<Entity> =>
  (await app.database.read('subscriptions').where({ id }))[0];
const ratesOf = async (app: TestApp, id: string) => (await invoicesOf(app, id)).map(({ taxRate }) => taxRate);

/** Subscriptions whose trial ends in 7 days: nothing of them has been taxed yet. */
async function trials(app: TestApp, places: Record<string, unknown>[], plan: Entity = undefined): Promise<string[]> {
  const planId = plan?.id ?? (await app.given.plan()).id;
  const ids: string[] = [];
  for (const place of places) {
    const customerId = (await app.given.customer(place)).id;
    ids.push((await app.given.subscription({ customerId, planId, trialDays: 7, preRenewalInvoiceDays: 0 })).id);
  }
  return ids;
}

const FR = { billingCountry: 'FR' };
const NOWHERE = {};
const MESSAGE = 'The tax provider TaxJar is unreachable.';

describe('the billing run with an external tax provider', () => {
  test('asks each place once for a whole batch, while no transaction is open, and bills all in the same run', async () => {
    const { app, provider } = await startTaxed();
    provider.rates.set('DE', '0.19');
    const ids = await trials(app, [FR, FR, { billingCountry: 'DE' }, NOWHERE, FR]);
    app.clock.advance({ days: 7 });
    const free: number[] = [];
    provider.meanwhile = async () => {
      free.push(await app.database.transaction(async (db) => (await db('invoices').select('id')).length));
    };
    const { errors, counters } = await runLifecycle(app.runtime);
    expect([errors, counters.trialsConverted, counters.invoicesGenerated]).toEqual([[], 5, 5]);
    expect(provider.asked().toSorted()).toEqual(['DE 30070', 'FR 30070']);
    expect(free).toEqual([1, 1]); // who needs no answer was billed before
    const rates = await Promise.all(ids.map((id) => ratesOf(app, id)));
    expect(rates).toEqual([['0.2000'], ['0.2000'], ['0.1900'], [null], ['0.2000']]);
    app.clock.advance({ months: 1 });
    await runLifecycle(app.runtime);
    expect(provider.calls).toHaveLength(2);
  });

  test('S12 provider down: its subscriptions wait with the reason, the others go on, nothing is billed with 0 %', async () => {
    const { app, provider } = await startTaxed();
    const [taxed, other] = (await trials(app, [FR, NOWHERE])) as [string, string];
    app.clock.advance({ days: 7 });
    provider.mode = 'down';
    const waits: number[] = [];
    for (let tries = 1; tries <= 9; tries++) {
      const { errors, counters } = await runLifecycle(app.runtime);
      expect(errors).toEqual([{ resourceType: 'subscription', resourceId: taxed, message: MESSAGE }]);
      expect(counters.invoicesGenerated).toBe(tries === 1 ? 1 : 0);
      const row = await rowOf(app, taxed);
      expect([row.status, row.error_count, row.last_error]).toEqual(['trialing', tries, MESSAGE]);
      waits.push((Date.parse(row.next_action_at) - Date.parse(app.clock.now())) / 60_000);
      expect((await runLifecycle(app.runtime)).errors).toEqual([]); // not before its time
      app.clock.set(row.next_action_at);
    }
    expect(waits).toEqual([5, 10, 20, 40, 80, 160, 320, 360, 360]);
    expect([await ratesOf(app, taxed), await ratesOf(app, other)]).toEqual([[], [null]]);
    expect(await app.database.read('parked_items')).toEqual([]);
    expect((await app.anonymous.get('/metrics')).text).toContain('\nbilling_parked 0\n');
    provider.mode = 'up';
    expect((await runLifecycle(app.runtime)).counters).toMatchObject({ trialsConverted: 1, invoicesGenerated: 1 });
    expect(await ratesOf(app, taxed)).toEqual(['0.2000']);
    expect(await rowOf(app, taxed)).toMatchObject({ error_count: 0, last_error: null });
  });

  test('a rate that has run out is asked again; until it is there, a renewal waits', async () => {
    const { app, provider } = await startTaxed();
    const { id } = await app.given.subscription({
      customerId: (await french(app)).id,
      planId: (await app.given.plan({ billingCycle: 'yearly' })).id,
      billingCycle: 'yearly',
      preRenewalInvoiceDays: 0,
    });
    app.clock.advance({ months: 12 });
    provider.mode = 'malformed';
    const { errors } = await runLifecycle(app.runtime);
    expect(errors[0]?.message).toBe('The tax provider TaxJar gave no rate for FR that can be used.');
    expect(await ratesOf(app, id)).toEqual(['0.2000']);
    const { periods } = (await app.api.get('/api/billing/coverage?from=2027-03-15&to=2027-03-16&state=waiting')).body;
    expect(periods.map(({ subscriptionId, reason }: Entity) => [subscriptionId, reason])).toEqual([
      [id, errors[0]?.message],
    ]);
    provider.mode = 'up';
    provider.rates.set('FR', '0.21');
    app.clock.advance({ hours: 1 });
    await runLifecycle(app.runtime);
    expect(await ratesOf(app, id)).toEqual(['0.2000', '0.2100']);
  });

  test('what needs no tax does not wait: a trial notice, the end of a trial that is not kept', async () => {
    const { app, provider } = await startTaxed();
    const [kept, left] = (await trials(app, [FR, FR])) as [string, string];
    await app.api.put(`/api/billing/subscriptions/${left}`, { cancelAtPeriodEnd: true });
    provider.mode = 'down';
    app.clock.advance({ days: 4 });
    const notices = await runLifecycle(app.runtime);
    expect([notices.errors, notices.counters.trialNotices]).toEqual([[], 2]);
    app.clock.advance({ days: 3 });
    const { errors, counters } = await runLifecycle(app.runtime);
    expect([errors.map(({ resourceId }) => resourceId), counters.canceled]).toEqual([[kept], 1]);
  });

  test('a place nobody knows stops only its own; the provider is asked on for the rest', async () => {
    const { app, provider } = await startTaxed();
    const states = ['A', 'B', 'C', 'D', 'E'].map((billingState) => ({ billingCountry: 'US', billingState }));
    provider.rates.set('US E', '0.05');
    const ids = await trials(app, [...states, FR]);
    app.clock.advance({ days: 7 });
    const { errors } = await runLifecycle(app.runtime);
    expect(errors.map(({ resourceId }) => resourceId).toSorted()).toEqual(ids.slice(0, 4).toSorted());
    expect(await Promise.all(ids.slice(4).map((id) => ratesOf(app, id)))).toEqual([['0.0500'], ['0.2000']]);
  });

  test('a provider that fails everywhere is not asked about every place', async () => {
    const { app, provider } = await startTaxed();
    const places = Array.from({ length: 20 }, (_, i) => ({ billingCountry: 'US', billingState: `S${i}` }));
    const ids = await trials(app, places);
    app.clock.advance({ days: 7 });
    provider.mode = 'error';
    const { errors } = await runLifecycle(app.runtime);
    expect(errors.map(({ resourceId }) => resourceId).toSorted()).toEqual(ids.toSorted());
    expect(provider.calls.length).toBeLessThan(8); // three in a row, and those under way
    expect(await app.database.read('tax_quotes')).toEqual([]);
  });

  test('two due actions of one subscription in one run', async () => {
    const { app, provider } = await startTaxed();
    const [id] = (await trials(app, [FR])) as [string];
    app.clock.advance({ months: 3 });
    const { errors } = await runLifecycle(app.runtime);
    expect([errors, await ratesOf(app, id)]).toEqual([[], ['0.2000', '0.2000', '0.2000']]);
    expect(provider.calls).toHaveLength(1);
  });

  test('POST /api/billing/parked/{id}/retry: 409 conflict while the provider fails, then it is billed', async () => {
    const { app, provider } = await startTaxed();
    const [id] = (await trials(app, [FR])) as [string];
    app.clock.advance({ days: 7 });
    const { customer_id } = await rowOf(app, id);
    const item = app.runtime.newIdAt(app.clock.now());
    await app.database.write('parked_items').insert({
      ...{ id: item, subscription_id: id, customer_id, code: 'internal_error', message: 'A fault', evidence: '{}' },
      ...{ attempts: 1, parked_at: app.clock.now(), resolved_at: null, created_at: app.clock.now() },
    });
    const retry = () => app.api.post(`/api/billing/parked/${item}/retry`);
    provider.mode = 'down';
    const refused = await retry();
    expect([refused.status, refused.body.error]).toEqual([409, 'conflict']);
    expect(refused.body.message).toBe(`The billing still fails: ${MESSAGE}`);
    provider.mode = 'up';
    expect((await retry()).body.resolvedAt).toBe(app.clock.now());
    expect(await ratesOf(app, id)).toEqual(['0.2000']);
  });
});
