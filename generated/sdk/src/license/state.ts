import { isObject, type LicensePayload } from './payload.ts';

interface Seen {
  highestIat: number;
  highestSeq: number;
  /** The latest time at which the newest file was accepted, in Unix seconds. */
  latestNow?: number;
}

/** What this machine has seen, by licence key. JSON: store it as it is, and hand it back at the next check. */
export type LicenseState = Readonly<Record<string, Readonly<Seen>>>;

export type Rollback = 'clock_rolled_back' | 'file_rolled_back';

const DAY = 86_400;
const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

/** Whether it is what an earlier check gave back. Storage belongs to the user: it may hold anything. */
export const isState = (value: unknown): value is LicenseState =>
  isObject(value) &&
  Object.values(value).every(
    (seen) =>
      isObject(seen) &&
      isCount(seen.highestIat) &&
      isCount(seen.highestSeq) &&
      (seen.latestNow === undefined || isCount(seen.latestNow)),
  );

const seenOf = (state: LicenseState, licenseId: string): Seen | undefined =>
  Object.hasOwn(state, licenseId) ? state[licenseId] : undefined;

/**
 * Rules L13 step 5; `now` in Unix seconds. A file signed later than the one of `latestNow` starts that anew, so that a
 * customer whose clock was once ahead is helped by a new file.
 */
export function rollback(license: LicensePayload, state: LicenseState, now: number): Rollback | undefined {
  if (license.iat > now + DAY) return 'clock_rolled_back';
  const seen = seenOf(state, license.licenseId);
  if (!seen) return undefined;
  if (license.iat < seen.highestIat || license.seq < seen.highestSeq) return 'file_rolled_back';
  const { latestNow } = seen;
  if (license.seq === seen.highestSeq && latestNow !== undefined && now < latestNow - DAY) return 'clock_rolled_back';
  return undefined;
}

/** The state after a genuine file was seen, and accepted at `now` (Unix seconds; undefined: it was not accepted). */
export function remember(state: LicenseState, license: LicensePayload, now: number | undefined): LicenseState {
  const { licenseId, iat, seq, exp } = license;
  const seen = seenOf(state, licenseId);
  const latest = seen && seq <= seen.highestSeq ? seen.latestNow : undefined;
  const times = [latest, exp === undefined ? undefined : now].filter((time) => time !== undefined);
  const next: Seen = {
    highestIat: Math.max(iat, seen?.highestIat ?? 0),
    highestSeq: Math.max(seq, seen?.highestSeq ?? 0),
    ...(times.length > 0 ? { latestNow: Math.max(...times) } : {}),
  };
  const same =
    next.highestIat === seen?.highestIat && next.highestSeq === seen.highestSeq && next.latestNow === seen.latestNow;
  return same ? state : { ...state, [licenseId]: next };
}
