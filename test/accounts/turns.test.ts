import { describe, expect, test } from '@jest/globals';
import { createTurns } from '../../src/accounts/logins/turns.ts';

/** Work that ends when it is told to; `started` are the places in the order they got their turn. */
function setUp(atOnce: number, waiting: number, waitingOfOne: number) {
  const inTurn = createTurns({ atOnce, waiting, waitingOfOne });
  const started: string[] = [];
  const ends: (() => void)[] = [];
  const enter = (place: string): Promise<string> =>
    inTurn(place, async () => {
      started.push(place);
      await new Promise<void>((end) => void ends.push(end));
      return place;
    }).catch((error: { code: string }) => error.code);
  const settle = async () => {
    for (let i = 0; i < 20; i++) await null;
  };
  const endOne = async () => {
    ends.shift()!();
    await settle();
  };
  return { inTurn, started, enter, endOne, settle };
}

describe('turns (rules H3)', () => {
  test('so many run at once, the others when one has ended', async () => {
    const { started, enter, endOne, settle } = setUp(2, 10, 10);
    const all = ['a', 'b', 'c', 'd'].map(enter);
    await settle();
    expect(started).toEqual(['a', 'b']);
    await endOne();
    expect(started).toEqual(['a', 'b', 'c']);
    for (let i = 0; i < 3; i++) await endOne();
    expect(await Promise.all(all)).toEqual(['a', 'b', 'c', 'd']);
  });

  test('places take turns: who sends one thing is not behind all of another', async () => {
    const { started, enter, endOne, settle } = setUp(1, 10, 10);
    for (const place of ['a', 'a', 'a', 'a', 'b', 'c', 'b']) void enter(place);
    await settle();
    for (let i = 0; i < 6; i++) await endOne();
    expect(started).toEqual(['a', 'a', 'b', 'c', 'a', 'b', 'a']);
  });

  test('429 rate_limited at once for one more than may wait of a place, and Retry-After', async () => {
    const { inTurn, started, enter, settle } = setUp(1, 10, 2);
    for (const place of ['a', 'a', 'a']) void enter(place);
    await settle();
    await expect(inTurn('a', async () => 1)).rejects.toMatchObject({
      code: 'rate_limited',
      headers: { 'Retry-After': '1' },
    });
    void enter('b');
    expect(started).toEqual(['a']);
  });

  test('in a full house the last one of the longest queue gives way to another place, and to nobody as long', async () => {
    const { started, enter, endOne, settle } = setUp(1, 4, 4);
    const [, ...waiting] = ['a', 'a', 'a', 'a', 'a'].map(enter);
    await settle();
    const stranger = enter('b');
    expect(await waiting[3]).toBe('rate_limited');
    const second = enter('b');
    expect(await waiting[2]).toBe('rate_limited');
    expect(await enter('b')).toBe('rate_limited');
    for (let i = 0; i < 5; i++) await endOne();
    expect(started).toEqual(['a', 'a', 'b', 'a', 'b']);
    expect(await Promise.all([stranger, second])).toEqual(['b', 'b']);
  });

  test('a failure ends a turn like a success', async () => {
    const { inTurn } = setUp(1, 4, 4);
    await expect(inTurn('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await inTurn('a', async () => 7)).toBe(7);
  });
});
