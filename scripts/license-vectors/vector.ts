import { PRODUCT } from './build.ts';

export type KeySet = 'one' | 'rotated';
type Seen = { highestIat: number; highestSeq: number; latestNow?: number; serverTime?: number; revoked?: boolean };

export type Expected =
  | { valid: true; inGracePeriod: boolean; state?: Record<string, Seen> }
  | { valid: false; reason: string; state?: Record<string, Seen> };

/** What a verifier is given, and what it must answer. Expectations are written by hand, never computed by a verifier. */
export interface Vector {
  id: string;
  title: string;
  file: string | Buffer;
  keys: KeySet;
  productId: string;
  licenseKey?: string;
  now: string;
  graceDays: number;
  state: unknown;
  expect: Expected;
  /** What a verifier that knows only dates answers; absent when the same. */
  dateOnly?: { valid: true } | { valid: false; reason: string };
}

type Given = Partial<Omit<Vector, 'id' | 'title' | 'file' | 'expect'>>;

const vector = (id: string, title: string, file: string | Buffer, expect: Expected, given: Given): Vector => ({
  id,
  title,
  file,
  keys: 'one',
  productId: PRODUCT,
  now: '2026-06-01T12:00:00Z',
  graceDays: 0,
  state: null,
  expect,
  ...given,
});

type After = { state?: Record<string, Seen> };

export const accepted = (
  id: string,
  title: string,
  file: string | Buffer,
  { inGracePeriod = false, after, ...given }: Given & { inGracePeriod?: boolean; after?: After['state'] } = {},
): Vector => vector(id, title, file, { valid: true, inGracePeriod, ...(after ? { state: after } : {}) }, given);

export const refused = (
  reason: string,
  id: string,
  title: string,
  file: string | Buffer,
  { after, ...given }: Given & { after?: After['state'] } = {},
): Vector => vector(id, title, file, { valid: false, reason, ...(after ? { state: after } : {}) }, given);
