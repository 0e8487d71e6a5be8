import { expect, test } from '@jest/globals';
import {
  clearedCookie,
  hashToken,
  isSessionToken,
  newSessionToken,
  sessionCookie,
} from '../../src/accounts/logins/sessions.ts';

const config = { publicUrl: 'http://localhost:3001', sessionExpiryDays: 7 };

test('H.6: only the SHA-256 of a token is stored', () => {
  expect(hashToken('BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc')).toBe(
    'dc4bf80c77473d130fa0de86ba4018fe98bb214005e6a5891d12ba91446f9e81',
  );
});

test('a token is 32 random bytes as base64url', () => {
  const token = newSessionToken();
  expect(Buffer.from(token, 'base64url')).toHaveLength(32);
  expect(isSessionToken(token)).toBe(true);
  expect(newSessionToken()).not.toBe(token);
  expect(['', token.slice(1), `${token}A`, `${token.slice(1)}+`].map(isSessionToken)).toEqual(Array(4).fill(false));
});

test('the cookie is HttpOnly, Lax, for the whole site, and lives as long as the session', () => {
  const cookie = sessionCookie('abc', config);
  expect(cookie.split('; ').sort()).toEqual(
    ['session=abc', 'Max-Age=604800', 'Path=/', 'HttpOnly', 'SameSite=Lax'].sort(),
  );
  expect(sessionCookie('abc', { ...config, sessionExpiryDays: 90 })).toContain('Max-Age=7776000');
});

test('the cookie is Secure when the public URL is https', () => {
  const https = { ...config, publicUrl: 'https://billing.acme.example' };
  expect(sessionCookie('abc', https)).toContain('; Secure');
  expect(clearedCookie(https)).toContain('; Secure');
});

test('the cleared cookie ends at once, with the same path', () => {
  expect(clearedCookie(config)).toMatch(/^session=;/);
  expect(clearedCookie(config)).toContain('Max-Age=0');
  expect(clearedCookie(config)).toContain('Path=/');
});
