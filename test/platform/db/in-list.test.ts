import { describe, expect, test } from '@jest/globals';
import { inList } from '../../../src/platform/db/in-list.ts';

describe('inList', () => {
  test.each([
    [0, 0],
    [1, 1],
    [2, 2],
    [3, 4],
    [5, 8],
    [100, 128],
    [1000, 1024],
  ])('%d values fill %d places', (count, places) => {
    const values = Array.from({ length: count }, (_, i) => `v${i}`);
    const list = inList(values);
    expect(list).toHaveLength(places);
    expect([...new Set(list)]).toEqual(values);
  });

  test('equal values count once', () => {
    expect(inList(['a', 'b', 'a'])).toEqual(['a', 'b']);
  });
});
