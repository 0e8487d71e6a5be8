import { fileOf, json, KEY, payloadOf, seconds, signed, signedJson } from './build.ts';
import { keys, sign } from './keys.ts';
import { accepted, refused, type Vector } from './vector.ts';

const IAT = seconds('2026-01-15T10:00:00Z');
const OTHER = 'RUSTBILL-2222-3333-4444';
const file = signed();
const seen = (highestIat: number, highestSeq: number, latestNow?: string) => ({
  [KEY]: { highestIat, highestSeq, ...(latestNow ? { latestNow: seconds(latestNow) } : {}) },
});
const through = { dateOnly: { valid: true } } as const;
const midnight = signed({ expires: '2027-01-15T00:00:00Z' });
const lastSecond = signed({ expires: '2027-01-15T23:59:59Z' });

const ends: Vector[] = [
  accepted('before-exp', 'One second before exp', file, { now: '2027-01-15T09:59:59Z' }),
  refused('expired', 'at-exp', 'At exp; date-only verifiers accept the day', file, {
    now: '2027-01-15T10:00:00Z',
    ...through,
  }),
  refused('expired', 'end-of-day', 'The last second of expiresAt', file, { now: '2027-01-15T23:59:59Z', ...through }),
  refused('expired', 'next-day', 'The day after expiresAt', file, { now: '2027-01-16T00:00:00Z' }),
  accepted('midnight-before', 'exp at midnight, one second before', midnight, { now: '2027-01-14T23:59:59Z' }),
  refused('expired', 'midnight-at', 'exp at midnight, at exp', midnight, { now: '2027-01-15T00:00:00Z', ...through }),
  refused('expired', 'last-second', 'exp in the last second of the day, at exp', lastSecond, {
    now: '2027-01-15T23:59:59Z',
    ...through,
  }),
  refused('expired', 'last-second-after', 'exp in the last second of the day, one second later', lastSecond, {
    now: '2027-01-16T00:00:00Z',
  }),
  accepted('grace', 'Three days of grace, the last second', file, {
    now: '2027-01-18T09:59:59Z',
    graceDays: 3,
    inGracePeriod: true,
  }),
  refused('expired', 'grace-over', 'Three days of grace, over', file, {
    now: '2027-01-18T10:00:00Z',
    graceDays: 3,
    ...through,
  }),
  refused('expired', 'grace-over-date', 'Three days of grace, the day after', file, {
    now: '2027-01-19T00:00:00Z',
    graceDays: 3,
  }),
  accepted('grace-unused', 'Grace, but not expired yet', file, { graceDays: 3 }),
];

const order: Vector[] = [
  refused('wrong_product', 'wrong-product', 'The licence of another product', file, {
    productId: '01JQX8Z5T6V7W8X9Y0Z1A2B3C8',
  }),
  refused('wrong_product', 'product-case', 'Ids are compared exactly', file, {
    productId: '01jqx8z5t6v7w8x9y0z1a2b3c7',
  }),
  refused('wrong_license', 'wrong-license', 'Another licence than the one asked for', file, { licenseKey: OTHER }),
  accepted('right-license', 'The licence asked for; keys are trimmed and upper-cased', file, {
    licenseKey: ' rustbill-7k3f-9qwx-m2tb ',
  }),
  refused('expired', 'expired-wrong-product', 'Expired, of another product', file, {
    now: '2030-01-01T00:00:00Z',
    productId: 'X',
  }),
  refused('expired', 'expired-rolled-back', 'Expired, and a later file was seen', file, {
    now: '2030-01-01T00:00:00Z',
    state: seen(IAT, 2),
  }),
  refused('file_rolled_back', 'rolled-back-wrong-product', 'A later file was seen, of another product', file, {
    state: seen(IAT, 2),
    productId: 'X',
  }),
  refused(
    'bad_signature',
    'tampered-expired',
    'Tampered with, and expired',
    fileOf(json(payloadOf({ seq: 9 })), sign(keys.a, json(payloadOf()))),
    { now: '2030-01-01T00:00:00Z' },
  ),
];

const rolledBack: Vector[] = [
  accepted('iat-ahead', 'iat is 24 hours ahead of the clock', file, { now: '2026-01-14T10:00:00Z' }),
  refused('clock_rolled_back', 'iat-too-far-ahead', 'iat is more than 24 hours ahead of the clock', file, {
    now: '2026-01-14T09:59:59Z',
  }),
  refused('clock_rolled_back', 'epoch', 'The clock stands at 1970', file, { now: '1970-01-01T00:00:00Z' }),
  accepted('seen-before', 'The same file again', file, {
    state: seen(IAT, 1),
    after: seen(IAT, 1, '2026-06-01T12:00:00Z'),
  }),
  refused('file_rolled_back', 'lower-seq', 'A file with a higher seq was seen', file, {
    state: seen(IAT, 2),
    after: seen(IAT, 2, '2026-06-01T12:00:00Z'),
  }),
  refused('file_rolled_back', 'lower-iat', 'A file with a higher iat was seen', file, {
    state: seen(IAT + 1, 1),
    after: seen(IAT + 1, 1, '2026-06-01T12:00:00Z'),
  }),
  accepted('first', 'The first file is remembered', file, { after: seen(IAT, 1, '2026-06-01T12:00:00Z') }),
  accepted('newer', 'A newer file is remembered', signed({ seq: 3, issued: '2026-05-01T00:00:00Z' }), {
    state: seen(IAT, 1, '2026-05-31T00:00:00Z'),
    after: seen(seconds('2026-05-01T00:00:00Z'), 3, '2026-06-01T12:00:00Z'),
  }),
  refused(
    'expired',
    'newer-expired',
    'A newer file that has expired counts as seen',
    signed({ seq: 2, expires: '2026-02-01T00:00:00Z' }),
    { state: seen(IAT, 1), after: seen(IAT, 2, '2026-06-01T12:00:00Z') },
  ),
  accepted('other-license-seen', 'What was seen of another licence does not matter', signed({ licenseId: OTHER }), {
    state: seen(IAT + 9, 9),
    after: {
      ...seen(IAT + 9, 9),
      [OTHER]: { highestIat: IAT, highestSeq: 1, latestNow: seconds('2026-06-01T12:00:00Z') },
    },
  }),
  accepted('clock-24h', 'The clock went back by 24 hours', file, {
    state: seen(IAT, 1, '2026-06-02T12:00:00Z'),
    after: seen(IAT, 1, '2026-06-02T12:00:00Z'),
  }),
  refused('clock_rolled_back', 'clock-back', 'The clock went back by more than 24 hours', file, {
    state: seen(IAT, 1, '2026-06-02T12:00:01Z'),
    after: seen(IAT, 1, '2026-06-02T12:00:01Z'),
  }),
  accepted('clock-back-newer', 'The clock was ahead once, and a newer file helps', signed({ seq: 2 }), {
    state: seen(IAT, 1, '2026-12-24T00:00:00Z'),
    after: seen(IAT, 2, '2026-06-01T12:00:00Z'),
  }),
  accepted('never-expires-clock', 'A licence that never expires keeps no time', signed({ expires: null }), {
    after: seen(IAT, 1),
  }),
  refused('bad_state', 'state-list', 'The state is a list', file, { state: [] }),
  refused('bad_state', 'state-text', 'The state holds a text', file, {
    state: { [KEY]: { highestIat: '1', highestSeq: 1 } },
  }),
  refused('bad_state', 'state-null', 'The state holds null', file, { state: { [KEY]: null } }),
  refused(
    'bad_signature',
    'bad-state-forged',
    'The signature comes before the state',
    signedJson(payloadOf(), keys.foreign),
    { state: 7 },
  ),
];

const more = (state: ReturnType<typeof seen>, extra: { serverTime?: string; revoked?: boolean }) => ({
  [KEY]: {
    ...state[KEY]!,
    ...(extra.serverTime ? { serverTime: seconds(extra.serverTime) } : {}),
    ...(extra.revoked === undefined ? {} : { revoked: extra.revoked }),
  },
});
const otherSeen = (iat: string) => ({ [OTHER]: { highestIat: seconds(iat), highestSeq: 1 } });
const revoked = more(seen(IAT, 1), { revoked: true });

/** What was seen once stays seen, whatever the verdict was. */
const remembered: Vector[] = [
  refused('expired', 'expired-remembered', 'That it has expired is remembered', file, {
    now: '2027-02-01T00:00:00Z',
    after: seen(IAT, 1, '2027-02-01T00:00:00Z'),
  }),
  refused('expired', 'expired-clock-back', 'It has expired, and the clock is set back by months', file, {
    state: seen(IAT, 1, '2027-02-01T00:00:00Z'),
    after: seen(IAT, 1, '2027-02-01T00:00:00Z'),
    ...through,
  }),
  refused('expired', 'expired-clock-back-an-hour', 'It has expired, and the clock is set back by an hour', file, {
    now: '2027-01-15T09:30:00Z',
    state: seen(IAT, 1, '2027-01-15T10:30:00Z'),
    after: seen(IAT, 1, '2027-01-15T10:30:00Z'),
    ...through,
  }),
  accepted('grace-clock-back', 'In the days of grace, and the clock is set back by an hour', file, {
    now: '2027-01-15T09:30:00Z',
    graceDays: 3,
    inGracePeriod: true,
    state: seen(IAT, 1, '2027-01-15T10:30:00Z'),
  }),
  accepted(
    'expired-renewed',
    'The old file has expired, and a renewed one helps',
    signed({ seq: 2, expires: '2028-01-15T10:00:00Z' }),
    {
      now: '2027-02-02T00:00:00Z',
      state: seen(IAT, 1, '2027-02-01T00:00:00Z'),
      after: seen(IAT, 2, '2027-02-02T00:00:00Z'),
    },
  ),
  refused(
    'wrong_product',
    'wrong-product-remembered',
    'The time is remembered of a file for another product too',
    file,
    {
      productId: 'X',
      after: seen(IAT, 1, '2026-06-01T12:00:00Z'),
    },
  ),
  refused('clock_rolled_back', 'other-file-tells-time', 'Another licence was signed later than the clock shows', file, {
    state: otherSeen('2026-06-02T12:00:01Z'),
    after: { ...otherSeen('2026-06-02T12:00:01Z'), ...seen(IAT, 1, '2026-06-01T12:00:00Z') },
  }),
  refused('expired', 'other-file-tells-end', 'Another licence was signed after the end of this one', file, {
    now: '2027-01-15T09:00:00Z',
    state: otherSeen('2027-01-15T10:00:00Z'),
    ...through,
  }),
  refused('clock_rolled_back', 'server-time', 'The server told a later time', file, {
    state: more(seen(IAT, 1), { serverTime: '2026-06-02T12:00:01Z' }),
    after: more(seen(IAT, 1, '2026-06-01T12:00:00Z'), { serverTime: '2026-06-02T12:00:01Z' }),
  }),
  refused('expired', 'server-time-end', 'The server told a time after the end', file, {
    state: more(seen(IAT, 1), { serverTime: '2027-01-15T10:00:00Z' }),
    ...through,
  }),
  refused(
    'clock_rolled_back',
    'server-time-newer',
    'A newer file does not help against the time of the server',
    signed({ seq: 2 }),
    {
      state: more(seen(IAT, 1), { serverTime: '2026-06-02T12:00:01Z' }),
    },
  ),
  accepted('server-time-24h', 'The server told a time 24 hours later', file, {
    state: more(seen(IAT, 1), { serverTime: '2026-06-02T12:00:00Z' }),
  }),
  refused('revoked', 'revoked', 'The server has revoked it', file, {
    state: revoked,
    after: more(seen(IAT, 1, '2026-06-01T12:00:00Z'), { revoked: true }),
  }),
  refused('revoked', 'revoked-expired', 'The server has revoked it, and it has expired', file, {
    now: '2030-01-01T00:00:00Z',
    state: revoked,
  }),
  refused('revoked', 'revoked-newer', 'The server has revoked it; a newer file does not help', signed({ seq: 2 }), {
    state: revoked,
  }),
  accepted('revoked-not', 'The server has not revoked it', file, { state: more(seen(IAT, 1), { revoked: false }) }),
  accepted('revoked-other', 'The server has revoked another licence', signed({ licenseId: OTHER }), { state: revoked }),
  refused('bad_state', 'state-revoked-text', 'What was seen of a revocation is a text', file, {
    state: { [KEY]: { ...seen(IAT, 1)[KEY], revoked: 'no' } },
  }),
  refused('bad_state', 'state-server-time', 'The time of the server is negative', file, {
    state: { [KEY]: { ...seen(IAT, 1)[KEY], serverTime: -1 } },
  }),
];

export const judged = [...ends, ...order, ...rolledBack, ...remembered];
