import { beforeEach, describe, expect, test } from '@jest/globals';
import {
  type CheckerOptions,
  createLicenseChecker,
  type LicenseState,
  mergeLicenseStates,
  verifyLicenseFile,
} from '../../generated/sdk/src/license.ts';
import { readVector, readVectorJson } from '../support/licensing.ts';

// What was seen once stays seen, whatever the clock, the file and the storage say afterwards.

const KEY = 'RUSTBILL-7K3F-9QWX-M2TB';
const PRODUCT = '01JQX8Z5T6V7W8X9Y0Z1A2B3C7';
const MINUTE = 60_000;
const publicKeys = readVectorJson<{ keys: { kty: string }[] }>('keys/one.jwks.json');
const file = (id: string) => readVector(`files/${id}.lic`).toString();

let stored: string | null;
let time: Date;
let elapsed: number;
let answer: object | undefined;
let asked: number;
const good = (checkedAt?: string) => ({
  ...{ valid: true, status: 'active', features: { pro: true }, expiresAt: null },
  ...(checkedAt ? { checkedAt } : {}),
});
const bad = (error: string) => ({ valid: false, status: 'revoked', features: {}, expiresAt: null, error });

beforeEach(() => {
  stored = null;
  time = new Date('2026-06-01T12:00:00Z');
  elapsed = 0;
  answer = good();
  asked = 0;
});

const checker = (changes: Partial<CheckerOptions> = {}) =>
  createLicenseChecker({
    baseUrl: 'https://billing.example.com',
    licenseKey: KEY,
    productId: PRODUCT,
    deviceId: 'laptop-1',
    publicKeys,
    readFile: () => file('rules'),
    storage: {
      load: () => stored,
      save: (text) => {
        stored = text;
      },
    },
    fetch: (() => {
      asked++;
      return answer ? Promise.resolve(Response.json(answer)) : Promise.reject(new Error('no network'));
    }) as typeof fetch,
    now: () => time,
    elapsed: () => elapsed,
    ...changes,
  });
const start = (changes: Partial<CheckerOptions> = {}) => checker(changes).check();

describe('a clock that is set back', () => {
  test('after the file had expired: it stays expired, through any number of starts', async () => {
    await start();
    answer = undefined;
    time = new Date('2027-02-01T00:00:00Z');
    expect(await start()).toMatchObject({ valid: false, reason: 'expired' });
    for (const back of ['2026-06-01T12:00:00Z', '2027-01-15T09:59:59Z', '2026-06-02T00:00:00Z']) {
      time = new Date(back);
      expect(await start()).toMatchObject({ valid: false, reason: 'expired' });
    }
  });

  test('after a valid check: a day is tolerated, more is not, and the day does not renew itself', async () => {
    await start();
    answer = undefined;
    time = new Date('2026-06-10T12:00:00Z');
    expect(await start()).toMatchObject({ valid: true });
    time = new Date('2026-06-09T12:00:00Z');
    expect(await start()).toMatchObject({ valid: true });
    time = new Date('2026-06-09T11:59:59Z');
    expect(await start()).toMatchObject({ valid: false, reason: 'clock_rolled_back' });
    time = new Date('2026-06-08T12:00:00Z');
    expect(await start()).toMatchObject({ valid: false, reason: 'clock_rolled_back' });
  });

  test('after too long without the server: it stays too long, for a licence that never ends too', async () => {
    const never = { readFile: () => file('never-expires'), maxOfflineDays: 7 };
    await start(never);
    answer = undefined;
    time = new Date('2026-06-08T12:00:01Z');
    expect(await start(never)).toMatchObject({ reason: 'offline_too_long' });
    time = new Date('2026-06-08T00:00:00Z');
    expect(await start(never)).toMatchObject({ reason: 'offline_too_long' });
    time = new Date('2026-06-02T00:00:00Z');
    expect(await start(never)).toMatchObject({ reason: 'clock_rolled_back' });
    answer = good();
    expect(await start(never)).toMatchObject({ valid: true, source: 'online' });
    answer = undefined;
    expect(await start(never)).toMatchObject({ valid: true, source: 'file' });
  });

  test('before the time that the server told', async () => {
    answer = good('2026-07-01T00:00:00.000Z');
    await start();
    answer = undefined;
    expect(await start()).toMatchObject({ valid: false, reason: 'clock_rolled_back' });
    time = new Date('2026-06-30T00:00:00Z');
    expect(await start()).toMatchObject({ valid: true });
  });

  test('it was ahead once, and a good answer of the server helps', async () => {
    await start();
    answer = undefined;
    time = new Date('2030-01-01T00:00:00Z');
    expect(await start()).toMatchObject({ reason: 'expired' });
    time = new Date('2026-06-02T12:00:00Z');
    expect(await start()).toMatchObject({ reason: 'expired' });
    answer = good('2026-06-02T12:00:00.000Z');
    expect(await start()).toMatchObject({ valid: true, source: 'online' });
    answer = undefined;
    expect(await start()).toMatchObject({ valid: true, source: 'file' });
  });
});

describe('a clock that stands still', () => {
  test('keeps no good answer: the server is asked after an hour of the process, and a revocation is seen', async () => {
    const running = checker();
    expect(await running.check()).toMatchObject({ valid: true, source: 'online' });
    answer = bad('license_revoked');
    elapsed = 60 * MINUTE - 1;
    expect(await running.check()).toMatchObject({ valid: true });
    elapsed = 60 * MINUTE;
    expect(await running.check()).toMatchObject({ valid: false, source: 'online', reason: 'license_revoked' });
    answer = undefined;
    elapsed += 10;
    expect(await running.check()).toMatchObject({ valid: false, source: 'remembered', reason: 'license_revoked' });
  });

  test('does not keep the server from being asked again after a minute', async () => {
    await start();
    answer = undefined;
    const running = checker();
    expect(await running.check()).toMatchObject({ valid: true, source: 'file' });
    answer = bad('license_revoked');
    asked = 0;
    elapsed = MINUTE - 1;
    expect(await running.check()).toMatchObject({ source: 'file' });
    elapsed = MINUTE;
    expect(await running.check()).toMatchObject({ source: 'online', reason: 'license_revoked' });
    expect(asked).toBe(1);
  });

  test('does not keep a file in force that ends while the product runs', async () => {
    await start();
    answer = undefined;
    time = new Date('2027-01-15T09:00:00Z');
    const running = checker();
    expect(await running.check()).toMatchObject({ valid: true, source: 'file' });
    elapsed = 60 * MINUTE;
    expect(await running.check()).toMatchObject({ valid: false, reason: 'expired' });
    expect(await start()).toMatchObject({ valid: false, reason: 'expired' });
  });
});

describe('a revocation', () => {
  test('that the checker has seen holds for verifyLicenseFile too', async () => {
    answer = bad('license_revoked');
    await start();
    const state = JSON.parse(stored!).state as LicenseState;
    expect(state).toEqual({ [KEY]: { highestIat: 0, highestSeq: 0, revoked: true } });
    const options = { publicKeys, productId: PRODUCT, now: time, state };
    expect(await verifyLicenseFile(file('rules'), options)).toMatchObject({ valid: false, reason: 'revoked' });
  });

  test('other refusals do not: they end', async () => {
    answer = bad('license_suspended');
    await start();
    expect(JSON.parse(stored!).state).toBeNull();
  });
});

describe('the storage', () => {
  test('deleted: the device was never online', async () => {
    await start();
    answer = undefined;
    stored = null;
    expect(await start()).toMatchObject({ reason: 'not_activated' });
  });

  test('of another licence: only times of the server count', async () => {
    await start({ licenseKey: 'RUSTBILL-2222-3333-4444', readFile: () => file('other-license-seen') });
    answer = undefined;
    time = new Date('2030-01-01T00:00:00Z');
    await start({ licenseKey: 'RUSTBILL-2222-3333-4444', readFile: () => file('other-license-seen') });
    time = new Date('2026-06-01T12:00:00Z');
    expect(await start()).toMatchObject({ reason: 'not_activated' });
    answer = good();
    await start();
    answer = undefined;
    expect(await start()).toMatchObject({ valid: true, source: 'file' });
  });

  test('shared by two processes: neither loses what the other has seen', async () => {
    await start();
    answer = undefined;
    let other: () => Promise<unknown> = async () => {};
    let loads = 0;
    const storage = {
      async load() {
        loads += 1;
        const text = stored;
        if (loads === 1) await other();
        return text;
      },
      save: (text: string) => {
        stored = text;
      },
    };
    other = async () => {
      answer = bad('license_revoked');
      await start();
      answer = undefined;
    };
    await start({ storage }); // has loaded the state of before, and saves after the other
    expect(await start()).toMatchObject({ valid: false, source: 'remembered', reason: 'license_revoked' });
  });

  test('damaged meanwhile by somebody else: what is known is written', async () => {
    const texts = [null, 'damaged'];
    let written: string | undefined;
    await start({
      storage: {
        load: () => texts.shift() ?? null,
        save: (text) => {
          written = text;
        },
      },
    });
    expect(JSON.parse(written!).answers[KEY]).toMatchObject({ deviceId: 'laptop-1' });
  });
});

describe('mergeLicenseStates', () => {
  const a: LicenseState = { A: { highestIat: 5, highestSeq: 2, latestNow: 9 }, B: { highestIat: 1, highestSeq: 1 } };
  const b: LicenseState = { A: { highestIat: 7, highestSeq: 1, latestNow: 99, serverTime: 3, revoked: true } };
  test('takes the highest of both; the time of an older file does not count', () => {
    const merged = {
      A: { highestIat: 7, highestSeq: 2, latestNow: 9, serverTime: 3, revoked: true },
      B: { highestIat: 1, highestSeq: 1 },
    };
    expect(mergeLicenseStates(a, b)).toEqual(merged);
    expect(mergeLicenseStates(b, a)).toEqual(merged);
    expect(mergeLicenseStates(a, a)).toEqual(a);
    expect([mergeLicenseStates(null, a), mergeLicenseStates(a, null), mergeLicenseStates(null, null)]).toEqual([
      a,
      a,
      null,
    ]);
  });
});
