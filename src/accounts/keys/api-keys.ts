import { randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';
import type { Instant } from '../../platform/calendar.ts';
import { sha256 } from '../../platform/secrets.ts';
import type { UserRole } from '../users/users.ts';

export type ApiKeyAccess = 'read' | 'write';
export type ApiKeyStatus = 'active' | 'revoked' | 'expired';
export type CreatorStatus = 'admin' | 'demoted' | 'deleted';

/** The credential of a program (rules H4). The key itself is shown once and never stored. */
export interface ApiKey {
  id: string;
  name: string;
  keyHash: string;
  keyPrefix: string;
  access: ApiKeyAccess;
  customerId: string | null;
  createdBy: string | null;
  expiresAt: Instant | null;
  lastUsedAt: Instant | null;
  revokedAt: Instant | null;
  createdAt: Instant;
}

const MARK = 'rb_live_';
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const RANDOM_LENGTH = 40;
const CHECKSUM_LENGTH = 6;
const KEY = /^rb_live_([0-9A-Za-z]{40})([0-9A-Za-z]{6})$/;
/** Largest multiple of 62 that fits a byte: larger bytes are thrown away, so that no digit is likelier. */
const UNBIASED = 248;

/** A key with its checksum; `random` is 40 base62 characters. */
export const composeKey = (random: string = randomDigits(RANDOM_LENGTH)): string => MARK + random + checksum(random);

/** CRC-32 (IEEE) in base62, left-padded with 0. */
export function checksum(random: string): string {
  let rest = crc32(random);
  let text = '';
  for (; rest > 0; rest = Math.floor(rest / 62)) text = DIGITS[rest % 62] + text;
  return text.padStart(CHECKSUM_LENGTH, '0');
}

/** Whether the text can be one of our keys: a mistyped one is refused without a look into the database. */
export function isWellFormed(key: string): boolean {
  const match = KEY.exec(key);
  return match !== null && checksum(match[1]!) === match[2];
}

/** What has become of the user who made the key; `role` is undefined when there is no such user. */
export function creatorStatusOf(createdBy: string | null, role: UserRole | undefined): CreatorStatus | null {
  if (createdBy === null) return null;
  if (role === undefined) return 'deleted';
  return role === 'admin' ? 'admin' : 'demoted';
}

export const hashKey = (key: string): string => sha256(key);
export const prefixOf = (key: string): string => key.slice(0, 12);

/** Revoked stays revoked, also after its expiry. */
export function statusOf(key: Pick<ApiKey, 'revokedAt' | 'expiresAt'>, now: Instant): ApiKeyStatus {
  if (key.revokedAt !== null) return 'revoked';
  return key.expiresAt !== null && key.expiresAt <= now ? 'expired' : 'active';
}

function randomDigits(length: number): string {
  let text = '';
  while (text.length < length)
    for (const byte of randomBytes(length)) if (byte < UNBIASED && text.length < length) text += DIGITS[byte % 62];
  return text;
}
