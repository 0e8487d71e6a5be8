import { isObject, type LicensePayload } from './payload.ts';

interface Seen {
  /** When the newest genuine file of the licence was signed, in Unix seconds; 0 when none was seen. */
  highestIat: number;
  highestSeq: number;
  /** The latest time of this machine's clock when the newest file was looked at, in Unix seconds. */
  latestNow?: number;
  /** The latest time that the server told, in Unix seconds. */
  serverTime?: number;
  /** The server said that the licence is revoked, which is for good. */
  revoked?: boolean;
}

/** What this machine has seen, by licence key. JSON: store it as it is, and hand it back at the next check. */
export type LicenseState = Readonly<Record<string, Readonly<Seen>>>;

export type Rollback = 'clock_rolled_back' | 'file_rolled_back';

const DAY = 86_400;
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;
const isOptionalCount = (value: unknown): boolean => value === undefined || isCount(value);

/** Whether it is what an earlier check gave back. Storage belongs to the user: it may hold anything. */
export const isState = (value: unknown): value is LicenseState =>
  isObject(value) &&
  Object.values(value).every(
    (seen) =>
      isObject(seen) &&
      isCount(seen.highestIat) &&
      isCount(seen.highestSeq) &&
      isOptionalCount(seen.latestNow) &&
      isOptionalCount(seen.serverTime) &&
      (seen.revoked === undefined || typeof seen.revoked === 'boolean'),
  );

const seenOf = (state: LicenseState, licenseId: string): Seen | undefined =>
  Object.hasOwn(state, licenseId) ? state[licenseId] : undefined;

export const isRevoked = (state: LicenseState, licenseId: string): boolean =>
  seenOf(state, licenseId)?.revoked === true;

/** The latest time that the server has signed or told, about whatever licence: it has been that late for sure. */
const serverTimeOf = (state: LicenseState): number =>
  Object.values(state).reduce((latest, seen) => Math.max(latest, seen.highestIat, seen.serverTime ?? 0), 0);

/** The time of the machine's own clock, which counts for the newest file only: a newer one starts it anew. */
const ownTimeOf = (state: LicenseState, license: LicensePayload): number => {
  const seen = seenOf(state, license.licenseId);
  return seen && license.seq <= seen.highestSeq ? (seen.latestNow ?? 0) : 0;
};

/** The latest time that was ever seen, `now` included (Unix seconds): what has expired by then stays expired. */
export const latestTime = (license: LicensePayload, state: LicenseState, now: number): number =>
  Math.max(now, ownTimeOf(state, license), serverTimeOf(state));

/**
 * Rules L13 step 5; `now` in Unix seconds. A file signed later than the one of `latestNow` starts that anew, so that a
 * customer whose clock was once ahead is helped by a new file.
 */
export function rollback(license: LicensePayload, state: LicenseState, now: number): Rollback | undefined {
  if (license.iat > now + DAY) return 'clock_rolled_back';
  const seen = seenOf(state, license.licenseId);
  if (seen && (license.iat < seen.highestIat || license.seq < seen.highestSeq)) return 'file_rolled_back';
  return now < Math.max(ownTimeOf(state, license), serverTimeOf(state)) - DAY ? 'clock_rolled_back' : undefined;
}

/** The state after a genuine file was looked at, at `now` (Unix seconds), whatever came of it. */
export function remember(state: LicenseState, license: LicensePayload, now: number): LicenseState {
  const { licenseId, iat, seq, exp } = license;
  const seen = seenOf(state, licenseId);
  const { latestNow, ...rest } = seen ?? { highestIat: 0, highestSeq: 0 };
  const own = seen && seq <= seen.highestSeq ? latestNow : undefined;
  const times = [own, exp === undefined ? undefined : Math.max(0, Math.floor(now))].filter(
    (time) => time !== undefined,
  );
  const next: Seen = {
    ...rest,
    highestIat: Math.max(iat, rest.highestIat),
    highestSeq: Math.max(seq, rest.highestSeq),
    ...(times.length > 0 ? { latestNow: Math.max(...times) } : {}),
  };
  const same =
    next.highestIat === seen?.highestIat && next.highestSeq === seen.highestSeq && next.latestNow === seen.latestNow;
  return same ? state : { ...state, [licenseId]: next };
}

/** What the server said of a licence. */
export interface ServerWord {
  valid: boolean;
  revoked: boolean;
  /** Its time, in Unix seconds. */
  time: number | undefined;
}

/** The state after an answer of the server. A good one corrects a clock that was ahead once: its time starts anew. */
export function hear(state: LicenseState | null, licenseId: string, word: ServerWord): LicenseState | null {
  const seen = state && seenOf(state, licenseId);
  if (!seen && word.time === undefined && !word.revoked) return state;
  const { latestNow, revoked, ...rest } = seen ?? { highestIat: 0, highestSeq: 0 };
  const next: Seen = {
    ...rest,
    ...(word.valid || latestNow === undefined ? {} : { latestNow }),
    ...(word.time === undefined ? {} : { serverTime: Math.max(word.time, rest.serverTime ?? 0) }),
    ...(word.revoked || (revoked && !word.valid) ? { revoked: true } : {}),
  };
  return { ...state, [licenseId]: next };
}

/** Two states of one machine as one: for what two processes have stored at the same time. Nothing that was seen is lost. */
export function mergeLicenseStates(a: LicenseState | null, b: LicenseState | null): LicenseState | null {
  if (a === null || b === null) return a ?? b;
  const merged: Record<string, Seen> = { ...a };
  for (const [key, seen] of Object.entries(b)) {
    const other = Object.hasOwn(merged, key) ? merged[key] : undefined;
    merged[key] = other ? mergeSeen(other, seen) : seen;
  }
  return merged;
}

function mergeSeen(a: Seen, b: Seen): Seen {
  const highestSeq = Math.max(a.highestSeq, b.highestSeq);
  const newest = [a, b].filter((seen) => seen.highestSeq === highestSeq);
  const { latestNow: _a, serverTime: _b, revoked: _c, ...rest } = { ...a, ...b };
  const latest = (times: (number | undefined)[]): number | undefined => {
    const known = times.filter((time) => time !== undefined);
    return known.length > 0 ? Math.max(...known) : undefined;
  };
  const latestNow = latest(newest.map((seen) => seen.latestNow));
  const serverTime = latest([a.serverTime, b.serverTime]);
  return {
    ...rest,
    highestIat: Math.max(a.highestIat, b.highestIat),
    highestSeq,
    ...(latestNow === undefined ? {} : { latestNow }),
    ...(serverTime === undefined ? {} : { serverTime }),
    ...(a.revoked || b.revoked ? { revoked: true } : {}),
  };
}
