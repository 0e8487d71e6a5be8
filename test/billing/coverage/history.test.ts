import { describe, expect, test } from '@jest/globals';
import { type HistoryEvent, lifeOf, type Origin, partsOf, periodsOf } from '../../../src/billing/coverage/history.ts';

const CREATED = '2026-01-31T10:00:00.000Z';
const origin: Origin = {
  createdAt: CREATED,
  trialEnd: null,
  billingCycle: 'monthly',
  planVersionId: 'version',
  quantity: 1,
};
const event = (type: string, at: string, data: Record<string, unknown> = {}): HistoryEvent => ({
  type: `subscription.${type}`,
  at,
  data,
});
const created = (data: Record<string, unknown> = {}, at = CREATED) =>
  event('created', at, {
    planId: 'plan',
    planVersion: 1,
    quantity: 1,
    billingCycle: 'monthly',
    trialEnd: null,
    ...data,
  });
const paused = (at: string) => event('paused', at);
const resumed = (at: string) => event('resumed', at);
const asked = (at: string, value = true) =>
  event('updated', at, { status: 'active', cancelAtPeriodEnd: value, changes: ['cancelAtPeriodEnd'] });
const canceled = (canceledAt: string, reason = 'requested') => event('canceled', canceledAt, { canceledAt, reason });
const changed = (effectiveAt: string, data: Record<string, unknown> = {}) =>
  event('plan_changed', effectiveAt, { newPlanId: 'other', planVersion: 3, newQuantity: 2, effectiveAt, ...data });

/** `start - end` days of the periods that start before `to`. */
const daysOf = (events: HistoryEvent[], to = '2026-07-01T00:00:00.000Z', from = '2000-01-01T00:00:00.000Z') =>
  periodsOf(lifeOf(origin, events), from, to).map(({ start, end }) => `${start.slice(0, 10)} - ${end.slice(0, 10)}`);

describe('the periods that a history asks for', () => {
  test('come from the anchor, so that a short month shifts none', () => {
    expect(daysOf([created()])).toEqual([
      '2026-01-31 - 2026-02-28',
      '2026-02-28 - 2026-03-31',
      '2026-03-31 - 2026-04-30',
      '2026-04-30 - 2026-05-31',
      '2026-05-31 - 2026-06-30',
      '2026-06-30 - 2026-07-31',
    ]);
  });

  test('are those that start in the range, its end left out', () => {
    const range = (from: string, to: string) => daysOf([created()], to, from);
    expect(range('2026-02-28T10:00:00.000Z', '2026-03-31T10:00:00.000Z')).toEqual(['2026-02-28 - 2026-03-31']);
    expect(range('2026-02-28T10:00:00.001Z', '2026-03-31T10:00:00.000Z')).toEqual([]);
    expect(range('2025-01-01T00:00:00.000Z', CREATED)).toEqual([]);
  });

  test('begin when the trial ends, however late the run comes', () => {
    const late = event('updated', '2026-03-20T00:00:00.000Z', { status: 'active', changes: ['status'] });
    const trial = created({ trialEnd: '2026-02-14T10:00:00.000Z' });
    expect(daysOf([trial, late], '2026-04-01T00:00:00.000Z')).toEqual([
      '2026-02-14 - 2026-03-14',
      '2026-03-14 - 2026-04-14',
    ]);
  });

  test('begin when a person ends the trial', () => {
    const early = event('updated', '2026-02-05T10:00:00.000Z', { status: 'active', changes: ['status'] });
    const trial = created({ trialEnd: '2026-02-14T10:00:00.000Z' });
    expect(daysOf([trial, early], '2026-03-01T00:00:00.000Z')).toEqual(['2026-02-05 - 2026-03-05']);
  });

  test('are none for a trial that was canceled, at once or with its end', () => {
    const trial = created({ trialEnd: '2026-02-14T10:00:00.000Z' });
    expect(daysOf([trial, canceled('2026-02-10T10:00:00.000Z')])).toEqual([]);
    expect(daysOf([trial, asked('2026-02-10T10:00:00.000Z')])).toEqual([]);
    expect(daysOf([trial, canceled('2026-02-14T10:00:00.000Z', 'period_end')])).toEqual([]);
  });

  test('go on after a pause within the period', () => {
    const events = [created(), paused('2026-02-10T00:00:00.000Z'), resumed('2026-02-20T00:00:00.000Z')];
    expect(daysOf(events, '2026-03-01T00:00:00.000Z')).toEqual(['2026-01-31 - 2026-02-28', '2026-02-28 - 2026-03-31']);
  });

  test('are counted anew after a longer pause, which bills nothing', () => {
    const events = [created(), paused('2026-02-10T00:00:00.000Z'), resumed('2026-05-10T00:00:00.000Z')];
    expect(daysOf(events)).toEqual(['2026-01-31 - 2026-02-28', '2026-05-10 - 2026-06-10', '2026-06-10 - 2026-07-10']);
    expect(daysOf(events.slice(0, 2))).toEqual(['2026-01-31 - 2026-02-28']);
  });

  test('are counted anew when it resumes at the very end of the period', () => {
    const events = [created(), paused('2026-02-10T00:00:00.000Z'), resumed('2026-02-28T10:00:00.000Z')];
    expect(daysOf(events, '2026-04-01T00:00:00.000Z')).toEqual([
      '2026-01-31 - 2026-02-28',
      '2026-02-28 - 2026-03-28',
      '2026-03-28 - 2026-04-28',
    ]);
  });

  test('end with the period in which the end was asked for, unless it is taken back', () => {
    const ask = asked('2026-03-10T00:00:00.000Z');
    expect(daysOf([created(), ask])).toEqual(['2026-01-31 - 2026-02-28', '2026-02-28 - 2026-03-31']);
    expect(daysOf([created(), ask, asked('2026-03-11T00:00:00.000Z', false)])).toHaveLength(6);
  });

  test('include the one that starts at the instant of a requested end, not of one at period end', () => {
    expect(daysOf([created(), canceled('2026-02-28T10:00:00.000Z')])).toHaveLength(2);
    expect(daysOf([created(), canceled('2026-02-28T10:00:00.000Z', 'period_end')])).toHaveLength(1);
  });

  test('are none after the end of a paused subscription', () => {
    const events = [created(), paused('2026-02-10T00:00:00.000Z'), canceled('2026-05-10T00:00:00.000Z')];
    expect(daysOf(events)).toEqual(['2026-01-31 - 2026-02-28']);
  });

  test('are cut by another cycle, which counts from there', () => {
    const events = [created(), changed('2026-03-10T00:00:00.000Z', { billingCycle: 'yearly' })];
    expect(daysOf(events)).toEqual(['2026-01-31 - 2026-02-28', '2026-02-28 - 2026-03-10', '2026-03-10 - 2027-03-10']);
  });

  test('are replaced by another cycle at the start of a period', () => {
    const events = [created(), changed('2026-02-28T10:00:00.000Z', { billingCycle: 'quarterly' })];
    expect(daysOf(events)).toEqual(['2026-01-31 - 2026-02-28', '2026-02-28 - 2026-05-28', '2026-05-28 - 2026-08-28']);
  });

  test('stay where the same cycle is sold', () => {
    const events = [created(), changed('2026-03-10T00:00:00.000Z', { billingCycle: 'monthly' })];
    expect(daysOf(events)).toEqual(daysOf([created()]));
  });

  test('take another cycle chosen in a trial from its end on', () => {
    const trial = created({ trialEnd: '2026-02-14T10:00:00.000Z' });
    const events = [trial, changed('2026-02-10T00:00:00.000Z', { billingCycle: 'yearly' })];
    expect(daysOf(events)).toEqual(['2026-02-14 - 2027-02-14']);
  });

  test('follow the row of a subscription without events', () => {
    expect(daysOf([])).toEqual(daysOf([created()]));
  });

  test('end with the first period when the end was asked for in a trial that a person ended', () => {
    const trial = created({ trialEnd: '2026-02-14T10:00:00.000Z' });
    const ask = asked('2026-02-03T10:00:00.000Z');
    const ended = event('updated', '2026-02-05T10:00:00.000Z', {
      status: 'active',
      cancelAtPeriodEnd: true,
      changes: ['status'],
    });
    expect(daysOf([trial, ask, ended])).toEqual(['2026-02-05 - 2026-03-05']);
  });
});

test('the parts of a period are cut where other terms came into force', () => {
  const events = [created(), changed('2026-02-10T00:00:00.000Z'), changed('2026-03-10T00:00:00.000Z')];
  const life = lifeOf(origin, events);
  const [first] = periodsOf(life, CREATED, '2026-02-01T00:00:00.000Z');
  const parts = partsOf(life, first!).map(({ start, end, terms }) => [
    start.slice(0, 10),
    end.slice(0, 10),
    terms.planId,
    terms.planVersion,
  ]);
  expect(parts).toEqual([
    ['2026-01-31', '2026-02-10', 'plan', 1],
    ['2026-02-10', '2026-02-28', 'other', 3],
  ]);
});
