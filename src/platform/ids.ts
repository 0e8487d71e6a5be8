import { randomFillSync } from 'node:crypto';
import { encodeTime, monotonicFactory } from 'ulid';
import type { Instant } from './calendar.ts';
import { epochMilliseconds } from './calendar.ts';

/** Makes the ULID of an instant; rising within one process, so that id order is creation order (contract 1.3). */
export type IdFactory = (now: Instant) => string;

export function createIds(): IdFactory {
  const ulid = monotonicFactory(randomFraction());
  let [last, ms] = ['', 0]; // a unit of work makes hundreds of ids at one instant
  return (now) => {
    if (now !== last) [last, ms] = [now, epochMilliseconds(now)];
    return ulid(ms);
  };
}

/** Not above any id that was made at or after the instant, in whatever process. */
export const firstIdAt = (at: Instant): string => encodeTime(epochMilliseconds(at)).padEnd(26, '0');

/** Fractions of [0, 1) from the system's randomness, drawn in bulk: one call per id character would cost more than the id. */
function randomFraction(): () => number {
  const pool = new Uint8Array(4096);
  let used = pool.length;
  return () => {
    if (used === pool.length) {
      randomFillSync(pool);
      used = 0;
    }
    return pool[used++]! / 256;
  };
}

const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;
export const isId = (text: string): boolean => ULID.test(text);
