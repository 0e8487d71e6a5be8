import { expect, test } from '@jest/globals';
import { createByteCache } from '../../src/platform/byte-cache.ts';

test('keeps what was used last, within its bytes; what is large is not kept', () => {
  const cache = createByteCache(40);
  const bytes = (length: number) => new Uint8Array(length);
  for (const key of ['a', 'b', 'c', 'd']) cache.set(key, bytes(10));
  expect(cache.get('a')).toHaveLength(10);
  cache.set('e', bytes(5));
  expect(['a', 'b', 'c', 'd', 'e'].filter((key) => cache.get(key))).toEqual(['a', 'c', 'd', 'e']);
  cache.set('e', bytes(10));
  expect(['a', 'c', 'd', 'e'].filter((key) => cache.get(key))).toEqual(['a', 'c', 'd', 'e']);
  cache.set('large', bytes(11));
  expect(cache.get('large')).toBeUndefined();
  cache.set('a', bytes(11));
  expect(cache.get('a')).toBeUndefined();
  cache.set('f', bytes(10));
  expect(['c', 'd', 'e', 'f'].every((key) => cache.get(key))).toBe(true);
});
