import { describe, expect, test } from '@jest/globals';
import {
  carriedUntil,
  concernsLicense,
  type Followed,
  followedLicense,
  startsLicense,
  termsOf,
} from '../../src/licenses/following/follow-rules.ts';
import type { License } from '../../src/licenses/license.ts';
import {
  CARRIED,
  END,
  followed,
  GRACE_DAYS,
  license,
  NEXT_CARRIED,
  NEXT_END,
  NOW,
  OTHER,
  stage,
  WITH,
  WITHOUT,
} from './license-values.ts';

const GIVEN = '2029-01-01T00:00:00.000Z';
const given = (until: string | null): Partial<License> => ({ expiresAt: until, given: { until } });
const CANCELED = { status: 'canceled', canceledAt: NOW, cancelReason: 'requested' };
const AT_END = { status: 'canceled', canceledAt: END, cancelReason: 'period_end' };
const PAUSED = { status: 'paused', pauseReason: 'requested' as const };
const TO_WITHOUT = followed({}, { planVersionId: 'v2' }, { after: WITHOUT });
const FROM_WITHOUT = followed({}, { planVersionId: 'v2' }, { before: WITHOUT });
const ROLLED = followed({}, { currentPeriodEnd: NEXT_END });

/** What the licence shows after the change: its end, status and the reason of it. */
function moved(over: Partial<License>, change: Followed, now = NOW): [string | null, string, string | null] {
  const { expiresAt, status, statusReason } = followedLicense(license(over), change, GRACE_DAYS, now);
  return [expiresAt, status, statusReason];
}

describe('the table of rules L8', () => {
  test('L.20 a period carries a licence until its end and the days of grace', () => {
    expect(carriedUntil(stage(), GRACE_DAYS)).toBe(CARRIED);
  });

  test.each<[string, Partial<License>, Followed, [string | null, string, string | null]]>([
    ['starts', {}, followed(null, {}), [CARRIED, 'active', null]],
    ['nothing of it moves', { expiresAt: GIVEN }, followed({}, {}), [GIVEN, 'active', null]],
    ['L.21 rolls over', {}, ROLLED, [NEXT_CARRIED, 'active', null]],
    ['rolls over, expired meanwhile', { status: 'expired', expiresAt: NOW }, ROLLED, [NEXT_CARRIED, 'active', null]],
    [
      'rolls over, suspended',
      { status: 'suspended', statusReason: 'requested' },
      ROLLED,
      [NEXT_CARRIED, 'suspended', 'requested'],
    ],
    ['L.22 canceled now', {}, followed({}, CANCELED), [NOW, 'expired', null]],
    ['canceled at the end of the period', {}, followed({}, AT_END), [CARRIED, 'active', null]],
    [
      'canceled now, suspended',
      { status: 'suspended', statusReason: 'dunning' },
      followed(PAUSED, CANCELED),
      [NOW, 'suspended', 'dunning'],
    ],
    [
      'canceled, expired before',
      { status: 'expired', expiresAt: '2026-02-01T00:00:00.000Z' },
      followed({}, CANCELED),
      ['2026-02-01T00:00:00.000Z', 'expired', null],
    ],
    [
      'canceled at the end, expired before',
      { status: 'expired', expiresAt: NOW },
      followed({}, AT_END),
      [NOW, 'expired', null],
    ],
    ['canceled already', {}, followed(CANCELED, CANCELED), [CARRIED, 'active', null]],
    ['paused', {}, followed({}, PAUSED), [CARRIED, 'suspended', 'subscription_paused']],
    [
      'paused by dunning',
      {},
      followed({ status: 'past_due' }, { ...PAUSED, pauseReason: 'dunning' }),
      [CARRIED, 'suspended', 'dunning'],
    ],
    [
      'paused, suspended by a person',
      { status: 'suspended', statusReason: 'requested' },
      followed({}, PAUSED),
      [CARRIED, 'suspended', 'requested'],
    ],
    ['paused, expired', { status: 'expired' }, followed({}, PAUSED), [CARRIED, 'expired', null]],
    [
      'paused still, reinstated by a person',
      {},
      followed(PAUSED, { ...PAUSED, currentPeriodEnd: NEXT_END }),
      [CARRIED, 'active', null],
    ],
    [
      'resumed',
      { status: 'suspended', statusReason: 'subscription_paused' },
      followed(PAUSED, { currentPeriodEnd: NEXT_END }),
      [NEXT_CARRIED, 'active', null],
    ],
    [
      'resumed within its period',
      { status: 'suspended', statusReason: 'dunning', expiresAt: NOW },
      followed(PAUSED, {}),
      [CARRIED, 'active', null],
    ],
    [
      'resumed, suspended by a person',
      { status: 'suspended', statusReason: 'requested' },
      followed(PAUSED, {}),
      [CARRIED, 'suspended', 'requested'],
    ],
    ['to a plan without template', {}, TO_WITHOUT, [NOW, 'expired', null]],
    [
      'to a plan without template, suspended',
      { status: 'suspended', statusReason: 'requested' },
      TO_WITHOUT,
      [NOW, 'suspended', 'requested'],
    ],
    ['back to one with a template', { status: 'expired', expiresAt: NOW }, FROM_WITHOUT, [CARRIED, 'active', null]],
    ['back, at its end but not yet expired', { expiresAt: NOW }, FROM_WITHOUT, [CARRIED, 'active', null]],
    [
      'back, its end a millisecond away',
      { expiresAt: '2026-02-10T08:00:00.001Z' },
      FROM_WITHOUT,
      ['2026-02-10T08:00:00.001Z', 'active', null],
    ],
    [
      'to another plan with a template',
      {},
      followed({}, { planVersionId: 'v2' }, { after: OTHER }),
      [CARRIED, 'active', null],
    ],
    [
      'to another plan, at its end',
      { expiresAt: NOW },
      followed({}, { planVersionId: 'v2' }, { after: OTHER }),
      [NOW, 'active', null],
    ],
    [
      'between plans without template',
      { expiresAt: GIVEN },
      followed({}, { planVersionId: 'v2' }, { before: WITHOUT, after: WITHOUT }),
      [GIVEN, 'active', null],
    ],
  ])('%s', (_, over, change, outcome) => expect(moved(over, change)).toEqual(outcome));

  test('a change at a boundary that is due late ends the licence at the boundary', () => {
    const change = followed({}, { planVersionId: 'v2', currentPeriodEnd: NEXT_END }, { after: WITHOUT });
    expect(moved({}, change, '2026-03-01T00:00:00.000Z')).toEqual([END, 'expired', null]);
  });

  test('a licence whose new end is now stays expired', () => {
    expect(moved({ status: 'expired', expiresAt: NOW }, ROLLED, NEXT_CARRIED)).toEqual([NEXT_CARRIED, 'expired', null]);
  });
});

describe('a given end (rules L8)', () => {
  const noTemplate = { before: WITHOUT, after: WITHOUT };
  const rolled = followed({}, { currentPeriodEnd: NEXT_END }, noTemplate);
  const EARLY = '2026-02-05T00:00:00.000Z';

  test.each<[string, Partial<License>, Followed, [string | null, string, string | null]]>([
    ['L.23 rolls over', given(GIVEN), ROLLED, [GIVEN, 'active', null]],
    ['L.24 canceled now', given(GIVEN), followed({}, CANCELED), [GIVEN, 'active', null]],
    ['L.25 canceled at the end', given(GIVEN), followed({}, AT_END), [GIVEN, 'active', null]],
    ['L.26 never, rolls over', given(null), ROLLED, [null, 'active', null]],
    ['L.26 never, canceled now', given(null), followed({}, CANCELED), [null, 'active', null]],
    ['L.28 earlier, canceled now', given(EARLY), followed({}, CANCELED), [NOW, 'expired', null]],
    ['the same instant, canceled now', given(NOW), followed({}, CANCELED), [NOW, 'expired', null]],
    [
      'L.30 suspended, canceled',
      { ...given(GIVEN), status: 'suspended', statusReason: 'subscription_paused' },
      followed(PAUSED, CANCELED),
      [GIVEN, 'suspended', 'subscription_paused'],
    ],
    ['L.31 to a plan without template', given(GIVEN), TO_WITHOUT, [GIVEN, 'active', null]],
    [
      'L.34 without template it stays',
      given('2026-03-20T00:00:00.000Z'),
      rolled,
      ['2026-03-20T00:00:00.000Z', 'active', null],
    ],
    ['without template, an end of the subscription moves on', {}, rolled, [NEXT_CARRIED, 'active', null]],
    [
      'without template, an end at that of the period moves on',
      { expiresAt: END },
      rolled,
      [NEXT_CARRIED, 'active', null],
    ],
    ['without template, an earlier end stays', { expiresAt: EARLY }, rolled, [EARLY, 'active', null]],
    ['without template, never stays', { expiresAt: null }, rolled, [null, 'active', null]],
  ])('%s', (_, over, change, outcome) => expect(moved(over, change)).toEqual(outcome));

  test('L.27 a later end of the subscription holds, and takes nothing from the given one', () => {
    const before = license(given('2026-03-01T00:00:00.000Z'));
    const on = followedLicense(before, ROLLED, GRACE_DAYS, NOW);
    expect(on).toMatchObject({ expiresAt: NEXT_CARRIED, given: before.given });
    const canceledAt = '2026-02-28T12:00:00.000Z';
    const gone = followedLicense(on, followed({}, { ...CANCELED, canceledAt }), GRACE_DAYS, canceledAt);
    expect(gone).toMatchObject({ expiresAt: '2026-03-01T00:00:00.000Z', status: 'active' });
  });
});

describe('what a licence is made of', () => {
  test('the features of the plan overlaid by those of its template', () => {
    const change = followed({}, { planVersionId: 'v2' }, { after: OTHER });
    expect(termsOf(change)).toEqual({ features: { pro: false, seats: 5 }, maxActivations: 5 });
    expect(termsOf(TO_WITHOUT)).toEqual({ features: { pro: true }, maxActivations: null });
    const { productId, productName, features, maxActivations } = followedLicense(license(), change, GRACE_DAYS, NOW);
    expect([productId, productName, features, maxActivations]).toEqual([
      'other',
      'Server',
      { pro: false, seats: 5 },
      5,
    ]);
  });

  test('what it shows of its subscription follows at once, and the licence before is not touched', () => {
    const before = license();
    const change = followed({}, { status: 'past_due', cancelAtPeriodEnd: true, currentPeriodEnd: NEXT_END });
    const { subscription } = followedLicense(before, change, GRACE_DAYS, NOW);
    expect(subscription).toEqual({ status: 'past_due', cancelAtPeriodEnd: true });
    expect(before).toEqual(license());
  });

  test.each<[string, Followed, boolean, boolean]>([
    ['starts with a template', followed(null, {}), true, true],
    ['starts without', followed(null, {}, { before: WITHOUT, after: WITHOUT }), false, false],
    ['nothing', followed({}, {}), false, false],
    ['another status', followed({}, { status: 'past_due' }), true, false],
    ['another period', ROLLED, true, false],
    ['another plan', followed({}, { planVersionId: 'v2' }, { after: OTHER }), true, false],
    ['from a plan without template', FROM_WITHOUT, true, true],
    ['the same plan without template before', followed({}, {}, { before: WITHOUT, after: WITH }), false, false],
    [
      'from a plan without template, canceled',
      followed({}, { ...CANCELED, planVersionId: 'v2' }, { before: WITHOUT }),
      true,
      false,
    ],
    ['to a plan without template', TO_WITHOUT, true, false],
  ])('%s: concerns a licence, makes one', (_, change, concerns, starts) => {
    expect([concernsLicense(change), startsLicense(change)]).toEqual([concerns, starts]);
  });
});
