import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { askJson, OutboundError } from '../../src/platform/outbound.ts';
import { type Mode, type Simulator, startSimulator } from '../support/providers/simulator.ts';

let outside: Simulator;
beforeAll(async () => {
  outside = await startSimulator(() => ({
    status: 201,
    body: { rate: 0.1, deep: [{ n: 12345678901234567890n.toString() }] },
  }));
});
beforeEach(() => {
  outside.mode = 'up';
});
afterAll(() => outside.close());

const ask = (over: object = {}) =>
  askJson({
    method: 'POST',
    url: `${outside.url}/path`,
    headers: { Authorization: 'Bearer a-secret' },
    body: 'a=b',
    timeoutMs: 300,
    maxBytes: 10_000,
    ...over,
  });

test('a JSON answer of any status, its numbers as they were written', async () => {
  expect(await ask()).toEqual({ status: 201, body: { rate: '0.1', deep: [{ n: '12345678901234567890' }] } });
  expect(outside.calls.at(-1)).toMatchObject({ method: 'POST', path: '/path', body: 'a=b' });
  outside.mode = 'error';
  expect(await ask()).toEqual({ status: 500, body: { error: 'internal' } });
});

describe('no answer that can be read', () => {
  test.each<[Mode, string]>([
    ['down', 'unreachable'],
    ['slow', 'too slow'],
    ['redirect', 'redirected'],
    ['huge', 'too long'],
    ['truncated', 'not JSON'],
  ])('%s: %s', async (mode, problem) => {
    outside.mode = mode;
    const calls = outside.calls.length;
    const error = await ask().catch((one: unknown) => one);
    expect(error).toBeInstanceOf(OutboundError);
    expect((error as OutboundError).problem).toBe(problem);
    expect(outside.calls).toHaveLength(calls + 1); // once, and no redirect is followed
  });

  test('an address or a header that cannot be used is told without its value', async () => {
    for (const over of [
      { url: 'http://127.0.0.1:1/' },
      { url: 'nowhere' },
      { headers: { Authorization: 'a-\nsecret' } },
    ]) {
      const error = (await ask(over).catch((one: unknown) => one)) as OutboundError;
      expect(error.problem).toBe('unreachable');
      expect([error.message, error.cause]).toEqual(['The service outside is unreachable.', undefined]);
    }
  });
});
