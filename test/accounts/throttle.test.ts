import { describe, expect, test } from '@jest/globals';
import {
  afterFailure,
  blockSeconds,
  type Counter,
  emailThrottleKey,
  refuseBlocked,
  throttleKeys,
} from '../../src/accounts/logins/throttle.ts';
import { AppError } from '../../src/platform/errors.ts';

const NOW = '2026-03-15T10:30:00.000Z';
const counter = (over: Partial<Counter> = {}): Counter => ({
  key: emailThrottleKey('a@b.example'),
  failures: 4,
  lastFailureAt: '2026-03-15T10:29:00.000Z',
  blockedUntil: null,
  ...over,
});

describe('how long a key is blocked (rules H3)', () => {
  test.each([
    [4, 0],
    [5, 60],
    [6, 120],
    [7, 240],
    [10, 1920],
    [11, 3600],
    [12, 3600],
    [2000, 3600],
  ])('H.3: an e-mail after %i failures: %i s', (failures, seconds) => {
    expect(blockSeconds('email', failures)).toBe(seconds);
  });

  test.each([
    [19, 0],
    [20, 60],
    [21, 120],
    [26, 3600],
  ])('an address after %i failures: %i s', (failures, seconds) => {
    expect(blockSeconds('address', failures)).toBe(seconds);
  });
});

describe('one more failure', () => {
  test('the fifth blocks the e-mail for a minute', () => {
    const next = afterFailure(counter(), NOW);
    expect(next).toMatchObject({ failures: 5, lastFailureAt: NOW, blockedUntil: '2026-03-15T10:31:00.000Z' });
  });

  test('the same count does not block an address', () => {
    const next = afterFailure(counter({ key: 'address:10.0.0.1' }), NOW);
    expect(next).toMatchObject({ failures: 5, blockedUntil: null });
  });

  test('after 24 h without failure the count starts anew, a millisecond before it does not', () => {
    expect(afterFailure(counter({ lastFailureAt: '2026-03-14T10:30:00.000Z' }), NOW).failures).toBe(1);
    expect(afterFailure(counter({ lastFailureAt: '2026-03-14T10:30:00.001Z' }), NOW).failures).toBe(5);
  });
});

describe('the refusal', () => {
  const retryAfter = (blocked: (string | null)[]): unknown => {
    try {
      refuseBlocked(
        blocked.map((blockedUntil) => counter({ blockedUntil })),
        NOW,
      );
    } catch (error) {
      expect(error).toMatchObject({ code: 'rate_limited', status: 429 });
      return (error as AppError).headers?.['Retry-After'];
    }
    return undefined;
  };

  test('tells the seconds left of the longest block, rounded up', () => {
    expect(retryAfter(['2026-03-15T10:30:10.000Z', '2026-03-15T10:30:30.001Z', null])).toBe('31');
  });

  test('ends with the block', () => {
    expect(retryAfter(['2026-03-15T10:30:00.001Z'])).toBe('1');
    expect(retryAfter([NOW])).toBeUndefined();
    expect(retryAfter([])).toBeUndefined();
  });

  test('is an AppError', () => {
    expect(() => refuseBlocked([counter({ blockedUntil: '2026-03-16T00:00:00.000Z' })], NOW)).toThrow(AppError);
  });
});

test('keys hold the address and a hash of the e-mail, in the order they are locked in', () => {
  const keys = throttleKeys('ada@acme.example', '10.0.0.1');
  expect(keys).toEqual(['address:10.0.0.1', expect.stringMatching(/^email:[0-9a-f]{64}$/)]);
  expect(keys).toEqual([...keys].sort());
  expect(throttleKeys('ada@acme.example', null)).toHaveLength(1);
});
