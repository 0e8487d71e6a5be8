import { afterEach, describe, expect, test } from '@jest/globals';
import type { TestApp } from '../../support/app.ts';
import { closeApps, type Entity, invoicesOf, runAt, startAt } from '../support.ts';
import { linesOf, metric, notesOf, START, upcomingOf, usagePlan, usageRows, usageSubscription } from './support.ts';

afterEach(closeApps);

const FEB = '2026-02-28T10:00:00.000Z';
const MAR = '2026-03-31T10:00:00.000Z';
const tiers = (first: string, rest: string, flatFee?: string) => [
  { upTo: 100, unitPrice: first },
  { upTo: null, unitPrice: rest, ...(flatFee ? { flatFee } : {}) },
];
const tiered = (list: object, over: object = {}) => ({ unitPrice: undefined, tiers: list, ...over });
const T = tiered(tiers('0.10', '0.05'), { name: 'T' });
const G = tiered(tiers('0.20', '0.04', '3'), { name: 'G' });
const V = tiered(tiers('0.20', '0.10', '3'), { name: 'V', tierMode: 'volume' });

/** Plans one after the other in one period, five days each, with what is used of each; then the end of the period. */
async function parts(...list: [plan: object, value: string, name?: string][]): Promise<{ app: TestApp; id: string }> {
  const app = await startAt(START);
  const { id } = await usageSubscription(app, list[0]![0]);
  for (const [i, [plan, value, metricName = 'calls']] of list.entries()) {
    if (i > 0) await changeTo(app, id, plan);
    app.clock.advance({ days: 1 });
    const event = { subscriptionId: id, metricName, value };
    if (value !== '') expect((await app.api.post('/api/billing/usage', event)).status).toBe(201);
    app.clock.advance({ days: 4 });
  }
  return { app, id };
}

async function changeTo(app: TestApp, id: string, plan: object): Promise<void> {
  const { id: newPlanId } = await usagePlan(app, plan);
  const answer = await app.api.post(`/api/billing/subscriptions/${id}/change-plan`, { newPlanId });
  if (answer.status !== 200) throw new Error(answer.text);
}

/** The lines of all usage, by invoice. */
async function billed({ app, id }: { app: TestApp; id: string }, at = FEB): Promise<string[][]> {
  await runAt(app, at);
  return (await invoicesOf(app, id)).map(linesOf);
}

describe('tiers after a change within the period (rules U8)', () => {
  test('U.10 graduated: the units of the second plan begin where those of the first ended', async () => {
    const both = await parts([T, '80'], [G, '50']);
    const { app, id } = both;
    const upcoming = (await upcomingOf(app, id)).body;
    expect(await billed(both)).toEqual([
      ['T: calls, 80 = 8.00'],
      ['G: calls, 20 = 4.00', 'G: calls, 30 = 1.20', 'G: calls, fee for units 101+ = 3.00'],
    ]);
    const second = (await invoicesOf(app, id))[1];
    expect(upcoming.lineItems.map(({ amount }: Entity) => amount)).toEqual(['8.00', '4.00', '1.20', '3.00']);
    const { body } = await app.api.get(`/api/billing/invoices/${second.id}/explain`);
    expect(body.verified).toBe(true);
    expect(body.steps[1].inputs).toMatchObject({ usage: '50', usedBefore: '80', tier: '101+', quantity: '30' });
    expect((await usageRows(app, id)).slice(0, 2)).toEqual([
      '2026-01-31 invoiced 80 800 800',
      '2026-02-05 invoiced 50 820 820',
    ]);
  });

  test('U.11 graduated: the fee of a tier that was reached before is not charged again', async () => {
    expect(await billed(await parts([T, '120'], [G, '50']))).toEqual([
      ['T: calls, 100 = 10.00', 'T: calls, 20 = 1.00'],
      ['G: calls, 50 = 2.00'],
    ]);
  });

  test.each([
    ['U.12', '80', '10', ['V: calls, 10 = 2.00']],
    ['U.13', '80', '60', ['V: calls, 60 = 1.00']],
    ['U.14', '150', '50', ['V: calls, 50 = 5.00']],
  ])('%s volume: %s before, %s now', async (_id, before, now, expected) => {
    expect((await billed(await parts([T, before], [V, now])))[1]).toEqual(expected);
  });

  test('U.13 is explained by both prices', async () => {
    const { app, id } = await parts([T, '80'], [V, '60']);
    await runAt(app, FEB);
    const second = (await invoicesOf(app, id))[1];
    const { body } = await app.api.get(`/api/billing/invoices/${second.id}/explain`);
    expect(body.verified).toBe(true);
    expect(body.steps[0].inputs).toMatchObject({
      usage: '60',
      usedBefore: '80',
      priceOfAll: '17',
      priceOfBefore: '16',
    });
  });

  test('U.15 volume: a cheaper tier gives nothing back of what the first plan billed', async () => {
    const both = await parts([T, '100'], [V, '10']);
    expect(await billed(both)).toEqual([['T: calls, 100 = 10.00']]);
    expect((await usageRows(both.app, both.id))[1]).toBe('2026-02-05 skipped 10 0 0');
  });

  test('U.16 three plans: the third counts on from both', async () => {
    expect((await billed(await parts([T, '80'], [G, '50'], [T, '30'])))[2]).toEqual(['T: calls, 30 = 1.50']);
  });

  test('U.17 over a plan without usage between', async () => {
    const flat = {
      name: 'Flat',
      pricingModel: 'flat',
      basePrice: '1.00',
      unitPrice: undefined,
      usageMetric: undefined,
    };
    const lines = (await billed(await parts([T, '80'], [flat, ''], [G, '50']))).flat();
    expect(lines.filter((line) => line.startsWith('G: calls'))).toEqual([
      ...['G: calls, 20 = 4.00', 'G: calls, 30 = 1.20', 'G: calls, fee for units 101+ = 3.00'],
    ]);
  });

  test.each([
    ['max', { usageMetric: metric('max') }, { usageMetric: metric('max') }, 'calls'],
    ['another metric', {}, { usageMetric: { ...metric('sum'), name: 'jobs' } }, 'jobs'],
    ['another aggregation', {}, { usageMetric: metric('max') }, 'calls'],
  ])('U.18 %s: the second part stands by itself', async (_case, first, second, name) => {
    const both = await parts([{ ...T, ...first }, '80'], [{ ...G, ...second }, '50', name]);
    expect((await billed(both))[1]).toEqual([`G: ${name}, 50 = 10.00`]);
  });

  test('U.19 late usage in the first part is billed there, and moves the second part to other tiers', async () => {
    const both = await parts([T, '80'], [G, '50']);
    await billed(both);
    const { app, id } = both;
    app.clock.advance({ days: 1 });
    const late = { subscriptionId: id, metricName: 'calls', value: '30', timestamp: '2026-02-02T00:00:00Z' };
    const { body: event } = await app.api.post('/api/billing/usage', late);
    expect((await usageRows(app, id)).slice(0, 2)).toEqual([
      '2026-01-31 invoiced 80 800 800 *',
      '2026-02-05 invoiced 50 820 820 *',
    ]);
    const lines = await billed(both, MAR);
    expect(lines[2]).toEqual(['T: calls, late usage for 2026-01-31 to 2026-02-05, 30 = 2.50']);
    const second = (await invoicesOf(app, id))[1];
    expect(await notesOf(app, second.id)).toEqual(['6.20: G: calls, usage correction for 2026-02-05 to 2026-02-28, 0']);
    await app.api.post(`/api/billing/usage/${event.id}/void`);
    expect((await usageRows(app, id)).slice(0, 2)).toEqual([
      '2026-01-31 invoiced 110 1050 1050 *',
      '2026-02-05 invoiced 50 200 200 *',
    ]);
  });

  test('U.20 what is negative counts as nothing, before and now', async () => {
    expect(await billed(await parts([T, '-20'], [G, '50']))).toEqual([['G: calls, 50 = 10.00']]);
    expect(await billed(await parts([T, '80'], [G, '-10']))).toEqual([['T: calls, 80 = 8.00']]);
  });

  test('U.21 another cycle begins a new period, and its tiers anew', async () => {
    const both = await parts([T, '80'], [{ ...G, billingCycle: 'quarterly' }, '50']);
    expect((await billed(both, '2026-05-05T10:00:00.000Z'))[1]).toEqual(['G: calls, 50 = 10.00']);
  });

  test('a second change at the same instant prices the part by the plan that stays', async () => {
    const app = await startAt(START);
    const { id } = await usageSubscription(app, T);
    app.clock.advance({ days: 1 });
    await app.api.post('/api/billing/usage', { subscriptionId: id, metricName: 'calls', value: '80' });
    app.clock.advance({ days: 1 });
    await changeTo(app, id, { name: 'M', usageMetric: metric('max') });
    await changeTo(app, id, G);
    app.clock.advance({ days: 1 });
    await app.api.post('/api/billing/usage', { subscriptionId: id, metricName: 'calls', value: '50' });
    expect((await billed({ app, id })).at(-1)).toEqual([
      ...['G: calls, 20 = 4.00', 'G: calls, 30 = 1.20', 'G: calls, fee for units 101+ = 3.00'],
    ]);
  });
});
