import { randomBytes } from 'node:crypto';
import { stringifySetCookie } from 'cookie';
import { addDays, type Instant } from '../../platform/calendar.ts';
import type { Config } from '../../platform/config.ts';
import { sha256 } from '../../platform/secrets.ts';

/** A login (rules H2). Only the hash of its token is kept; its life is never extended. */
export interface Session {
  tokenHash: string;
  userId: string;
  createdAt: Instant;
  expiresAt: Instant;
  ip: string | null;
  userAgent: string | null;
}

/** 32 random bytes as base64url. */
export const newSessionToken = (): string => randomBytes(32).toString('base64url');

export const hashToken = (token: string): string => sha256(token);

/** What cannot be a token is refused without a look into the database. */
export const isSessionToken = (text: string): boolean => /^[A-Za-z0-9_-]{43}$/.test(text);

export const sessionExpiry = (now: Instant, config: Pick<Config, 'sessionExpiryDays'>): Instant =>
  addDays(now, config.sessionExpiryDays);

type CookieConfig = Pick<Config, 'publicUrl' | 'sessionExpiryDays'>;

/** Value of the Set-Cookie header of a new token (contract 1.11). */
export const sessionCookie = (token: string, config: CookieConfig): string =>
  stringifySetCookie({ ...attributes(config), value: token, maxAge: config.sessionExpiryDays * 86_400 });

/** Value of the Set-Cookie header that makes the browser forget the session. */
export const clearedCookie = (config: CookieConfig): string =>
  stringifySetCookie({ ...attributes(config), value: '', maxAge: 0 });

const attributes = (config: CookieConfig) => ({
  name: 'session',
  path: '/',
  httpOnly: true,
  sameSite: 'lax' as const,
  secure: config.publicUrl.startsWith('https:'),
});
