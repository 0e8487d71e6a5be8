import { describe, expect, test } from '@jest/globals';
import {
  changedLicense,
  effectiveStatus,
  isFull,
  isLicenseKey,
  isSheltered,
  type License,
  type LicenseChange,
  normalKey,
  refusalOf,
  refuseUnlessActive,
  signedMembersDiffer,
  wasUsed,
} from '../../src/licenses/license.ts';
import { composePayload, type Statement, statesNoMore } from '../../src/licenses/signing/payload.ts';
import { AppError } from '../../src/platform/errors.ts';
import { license, NOW, SHELTER } from './license-values.ts';

const PAST = '2026-02-10T07:59:59.999Z';
const SOON = '2026-02-10T08:00:00.001Z';
const SUSPENDED = { status: 'suspended', statusReason: 'dunning' } as const;

/** The code of the refusal that `act` throws. */
function codeOf(act: () => unknown): string | undefined {
  try {
    act();
  } catch (error) {
    if (error instanceof AppError) return error.code;
    throw error;
  }
  return undefined;
}

describe('keys (rules L2)', () => {
  test.each([
    ['ABCD', true],
    ['A--B', true],
    ['ABC', false],
    [`A${'B'.repeat(62)}C`, true],
    [`A${'B'.repeat(63)}C`, false],
    ['-ABC', false],
    ['ABC-', false],
    ['ABcD', false],
    ['KEYPAIR', false],
    ['VERIFY', false],
    ['VALIDATE', false],
    ['VALIDATED', true],
  ])('%s: %s', (key, is) => expect(isLicenseKey(key)).toBe(is));

  test('are trimmed, and only ASCII letters are raised', () => expect(normalKey(' aBz-ıſ ')).toBe('ABZ-ıſ'));
});

describe('the status at an instant (rules L3, L5, L7)', () => {
  test.each<[string, boolean, boolean]>([
    ['trialing', false, true],
    ['active', false, true],
    ['past_due', false, true],
    ['paused', false, false],
    ['canceled', false, false],
    ['active', true, false],
  ])('a subscription that is %s, to end: %s, shelters: %s', (status, cancelAtPeriodEnd, is) => {
    const subscription = { status, cancelAtPeriodEnd };
    expect(isSheltered({ subscription })).toBe(is);
    expect(effectiveStatus(license({ expiresAt: PAST, subscription }), NOW)).toBe(is ? 'active' : 'expired');
  });

  test.each<[string, Partial<License>, string, string | undefined]>([
    ['before its end', { expiresAt: SOON }, 'active', undefined],
    ['at its end', { expiresAt: NOW }, 'expired', 'license_expired'],
    ['without an end', { expiresAt: null }, 'active', undefined],
    ['suspended, its end gone', { ...SUSPENDED, expiresAt: PAST }, 'suspended', 'license_suspended'],
    ['revoked', { status: 'revoked', expiresAt: PAST }, 'revoked', 'license_revoked'],
    ['expired', { status: 'expired', expiresAt: SOON, subscription: SHELTER }, 'expired', 'license_expired'],
  ])('%s', (_, over, status, refusal) => {
    const shown = license(over);
    expect(effectiveStatus(shown, NOW)).toBe(status);
    expect(refusalOf(shown, 'other', NOW)).toBe(refusal ?? 'license_product_mismatch');
    expect(refusalOf(shown, 'product', NOW)).toBe(refusal);
    expect(refusalOf(shown, undefined, NOW)).toBe(refusal);
    expect(codeOf(() => refuseUnlessActive(shown, NOW))).toBe(refusal);
  });

  test.each<[number | null, number, boolean]>([
    [2, 1, false],
    [2, 2, true],
    [1, 2, true],
    [null, 1000, false],
  ])('of %s devices %i are known: full %s', (maxActivations, currentActivations, full) =>
    expect(isFull(license({ maxActivations, currentActivations }))).toBe(full),
  );
});

describe('a change by a person (rules L1)', () => {
  const REVOKED: Partial<License> = { status: 'revoked', statusReason: null };
  const EXPIRED: Partial<License> = { status: 'expired', expiresAt: PAST };
  test.each<[string, Partial<License>, LicenseChange, Partial<License>]>([
    ['nothing', { expiresAt: SOON }, {}, { status: 'active', expiresAt: SOON, given: null }],
    ['nothing, at its end', { expiresAt: NOW }, {}, { status: 'expired' }],
    ['the same end gives nothing', { expiresAt: SOON }, { expiresAt: SOON }, { expiresAt: SOON, given: null }],
    ['another end', {}, { expiresAt: SOON }, { status: 'active', expiresAt: SOON, given: { until: SOON } }],
    ['never', {}, { expiresAt: null }, { status: 'active', expiresAt: null, given: { until: null } }],
    ['an end that is past', {}, { expiresAt: NOW }, { status: 'expired', given: { until: NOW } }],
    ['a past end, sheltered', { subscription: SHELTER }, { expiresAt: NOW }, { status: 'active' }],
    ['more devices', {}, { maxActivations: 3 }, { maxActivations: 3, features: { pro: true } }],
    ['any number of devices', {}, { maxActivations: null }, { maxActivations: null }],
    ['other features', {}, { features: {} }, { features: {}, maxActivations: 2 }],
    ['revoked', SUSPENDED, { status: 'revoked' }, REVOKED],
    ['suspended', {}, { status: 'suspended' }, { status: 'suspended', statusReason: 'requested' }],
    ['suspended again', SUSPENDED, { status: 'suspended' }, SUSPENDED],
    ['reinstated', SUSPENDED, { status: 'active' }, { status: 'active', statusReason: null }],
    [
      'reinstated, sheltered',
      { ...SUSPENDED, expiresAt: PAST, subscription: SHELTER },
      { status: 'active' },
      { status: 'active' },
    ],
    ['suspended, its date passes', { ...SUSPENDED, expiresAt: PAST }, { maxActivations: 1 }, SUSPENDED],
    ['active already', {}, { status: 'active' }, { status: 'active', statusReason: null }],
    ['expired, another member', EXPIRED, { maxActivations: 1 }, { ...EXPIRED, maxActivations: 1 }],
    ['expired, an end to come', EXPIRED, { expiresAt: SOON }, { status: 'active', expiresAt: SOON }],
    [
      'expired, suspended until later',
      EXPIRED,
      { expiresAt: SOON, status: 'suspended' },
      { status: 'suspended', statusReason: 'requested' },
    ],
  ])('%s', (_, before, change, after) => expect(changedLicense(license(before), change, NOW)).toMatchObject(after));

  test.each<[string, Partial<License>, LicenseChange, string]>([
    ['anything of a revoked one', REVOKED, {}, 'license_revoked'],
    ['an expired one active', EXPIRED, { status: 'active' }, 'license_expired'],
    ['an expired one suspended', EXPIRED, { status: 'suspended' }, 'license_expired'],
    ['an expired one active until now', EXPIRED, { status: 'active', expiresAt: NOW }, 'license_expired'],
    ['one at its end active', { expiresAt: NOW }, { status: 'active' }, 'license_expired'],
    [
      'a suspended one active after its date',
      { ...SUSPENDED, expiresAt: NOW },
      { status: 'active' },
      'license_expired',
    ],
  ])('refused: %s', (_, before, change, code) =>
    expect(codeOf(() => changedLicense(license(before), change, NOW))).toBe(code),
  );

  test.each<[Partial<License>, boolean]>([
    [{}, false],
    [{ seq: 1 }, true],
    [{ activatedAt: NOW }, true],
  ])('used %j: %s', (over, used) => expect(wasUsed(license(over))).toBe(used));

  test.each<[Partial<License>, boolean]>([
    [{ productName: 'Renamed', customerName: 'Renamed', status: 'suspended', currentActivations: 1 }, false],
    [{ features: { b: 1, a: 2 } }, true],
    [{ productId: 'other' }, true],
    [{ maxActivations: null }, true],
    [{ expiresAt: null }, true],
  ])('to be signed again after %j: %s (rules L10)', (over, differ) =>
    expect(signedMembersDiffer(license(), license(over))).toBe(differ),
  );

  test('the order of its features says nothing', () =>
    expect(signedMembersDiffer(license({ features: { a: 1, b: 2 } }), license({ features: { b: 2, a: 1 } }))).toBe(
      false,
    ));
});

describe('an earlier signature that states nothing that is no longer so (rules L15)', () => {
  const END = '2026-03-10T08:00:00.000Z';
  const stated: Statement = { ...license(), expiresAt: END, seq: 1, kid: 'k', signedAt: NOW };
  const holds = (was: Partial<Statement>, is: Partial<License>, now = NOW) =>
    statesNoMore(composePayload({ ...stated, ...was }), license({ expiresAt: END, ...is }), now);

  test.each<[string, Partial<Statement>, Partial<License>, boolean]>([
    ['all the same', {}, {}, true],
    ['another product', {}, { productId: 'other' }, false],
    ['another feature', {}, { features: { pro: false } }, false],
    ['features in another order', { features: { a: 1, b: 2 } }, { features: { b: 2, a: 1 } }, true],
    ['more devices now', {}, { maxActivations: 3 }, true],
    ['fewer devices now', {}, { maxActivations: 1 }, false],
    ['any number of devices now', {}, { maxActivations: null }, true],
    ['any number of devices then', { maxActivations: null }, {}, false],
    ['a later end now', {}, { expiresAt: '2026-03-10T08:00:01.000Z' }, true],
    ['an earlier end now', {}, { expiresAt: '2026-03-10T07:59:59.000Z' }, false],
    ['no end now', {}, { expiresAt: null }, true],
    ['no end then', { expiresAt: null }, {}, false],
    ['no end at all', { expiresAt: null }, { expiresAt: null }, true],
  ])('%s', (_, was, is, outcome) => expect(holds(was, is)).toBe(outcome));

  test('its end is not past', () => {
    expect(holds({}, {}, '2026-03-10T07:59:59.000Z')).toBe(true);
    expect(holds({}, {}, END)).toBe(false);
  });
});
